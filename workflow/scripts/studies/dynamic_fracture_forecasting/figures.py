"""The study's figures: movies and their overlap; speeds, roughness and thresholds; attention and uncertainty."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

RAYLEIGH = 0.563
ALLOWED = 0.03
"""C7: what wave speeds may be off."""
FOCUS = 1.5
"""C6: what the weight at the tip must exceed."""
SHOWN = {"network": COLOURS[1], "persistence": COLOURS[7], "mean movie": COLOURS[2], "nearest sample": COLOURS[0]}
WINDOWS = {"forecast": (4, None), "backcast": (4, 6)}
"""C1 and C2: first and last frame that is judged."""


def movies(study: Results) -> Figure:
    """Rows of frames, and the overlap of new damage."""
    found: Any = study["forecast/slabs"]
    figure, axes = panels(2, 3, height=2.4)
    last = int(found["frame"].values[-1])
    frames = np.unique(np.linspace(0, last, 6).round().astype(int))
    grid = axes[0, 0].get_gridspec()
    for panel in axes[0]:
        panel.remove()
    top = figure.add_subplot(grid[0, :])
    side = found.sizes["x"]
    rows = [side_by_side(one[frames]) for one in found["example"].values[::-1]]
    show(top, np.concatenate([part for one in rows for part in (one, np.full((2, one.shape[1]), 0.25))][:-1]))
    names(top, "x", [str(f) for f in frames], at=(side + 2) * np.arange(len(frames)) + side / 2)
    names(top, "y", found["shown"].values[::-1], at=(side + 2) * np.arange(len(rows)) + side / 2)
    top.set(xlabel="frame")
    for panel, said in zip(axes[1], found["told"].values, strict=False):
        for method, colour in SHOWN.items():
            values = interval(found["iou"].sel({"told": said, "method": method}), "sample")
            interval_band(panel, found["frame"], values, label=method, color=colour)
        first, end = WINDOWS[str(said)]
        panel.axvspan(first, last if end is None else end, color="k", alpha=0.08, lw=0)
        panel.set(title=f"{said}s", xlabel="frame", xticks=frames)
        panel.set(ylabel=named(found["iou"]), ylim=(0, 1.9), yticks=[0, 0.5, 1])
    legend(axes[1, 0], loc="upper left")
    between(axes[1, 2], found["any_iou"])
    return figure


def side_by_side(pictures: np.ndarray) -> np.ndarray:
    """Pictures in one row, (y, x of all), with grey between."""
    gap = np.full((pictures.shape[1], 2), 0.25)
    return np.concatenate([part for one in pictures for part in (one, gap)][:-1], 1)


def show(panel, picture: np.ndarray) -> None:
    """White for intact, black for damaged."""
    panel.imshow(picture, origin="lower", cmap="Greys", vmin=0, vmax=1, interpolation="nearest", rasterized=True)


def between(panel, values) -> None:
    """Overlap of networks that are shown a frame between, and of rivals that are."""
    for i, (method, colour) in enumerate(SHOWN.items()):
        found = interval(values.sel({"method": method}), "sample")
        interval_whiskers(panel, np.arange(2) + 0.15 * i, found, label=method, color=colour)
    names(panel, "x", [f"{side} it" for side in values["side"].values])
    panel.set(
        title="from a frame between",
        ylabel="overlap of new damage",
        ylim=(0, 1.55),
        xlim=(-0.5, 1.6),
        yticks=[0, 0.5, 1],
    )
    legend(panel, loc="upper right")


def mechanics(study: Results) -> Figure:
    """Speeds; roughness; the ramp and its damage; Griffith's threshold; waves."""
    found: Any = study["forecast/slabs"]
    world: Any = study["simulate/slabs"]
    figure, axes = panels(2, 3, height=2.5)
    speed, rough, ramp, damage, crack, wave = axes.ravel()
    speed.plot(found["true_speed"], found["fitted_speed"], ".", ms=3, color=COLOURS[7], label="quadratic")
    parity(speed, found["true_speed"], found["mean_speed"])
    legend(speed, loc="upper left")
    for draw in (speed.axhline, speed.axvline):
        draw(RAYLEIGH, color="k", ls="--", lw=0.8)
    top = 1.1 * max(RAYLEIGH, float(found["mean_speed"].max()), float(found["true_speed"].max()))
    speed.set(xlim=(0, top), ylim=(0, 1.4 * top))
    parity(rough, found["true_roughness"], found["roughness"].mean("network"))
    rough.axvline(float(found["typical_roughness"]), color="k", ls="--", lw=0.8)
    auc, alone, low, high = (float(found[n].mean()) for n in ("auc", "strain_auc", "auc_gain_low", "auc_gain_high"))
    rough.set(title=f"AUC {auc:.2f}, by strain alone {alone:.2f}\n(difference {low:.2f} to {high:.2f})")
    for notch in world["notch"].values:
        ramp.plot(world["ramp_strain"], world["ramp_roughness"].sel(notch=notch), "o-", ms=3, color=COLOURS[0], lw=0.8)
    ramp.set(xlabel=named(world["ramp_strain"], "strain"), ylabel=named(world["ramp_roughness"]))
    at = [0, world.sizes["ramp_strain"] // 2, -1]
    show(damage, side_by_side(world["ramp_mask"].values[at].astype(float)))
    side = world.sizes["x"]
    strains = world["ramp_strain"].values[at]
    names(damage, "x", [f"{strain:g}" for strain in strains], at=(side + 2) * np.arange(3) + side / 2)
    damage.set(title="damage", xlabel="strain", yticks=[])
    for i in range(2):
        crack.plot(np.full(world.sizes["slab"], i), world["advance"].values[i], "o", color=COLOURS[i], ms=4, alpha=0.6)
    for level in (1, 5):
        crack.axhline(level, color="k", ls=":", lw=0.8)
    names(crack, "x", ["below", "above"])
    crack.set(xlabel="Griffith's strain", ylabel=named(world["advance"]), xlim=(-0.5, 1.5))
    wave.axhspan(1 - ALLOWED, 1 + ALLOWED, color="k", alpha=0.08, lw=0)
    wave.plot(range(2), world["wave_speed"] / world["wave_theory"], "o", color=COLOURS[0])
    names(wave, "x", [f"{name} wave" for name in world["wave"].values])
    wave.set(ylabel="speed over theory", xlim=(-0.5, 1.5), ylim=(0.9, 1.1))
    return figure


def parity(panel, true, told) -> None:
    """Foretold against simulated, a dot for each test sample."""
    panel.plot(true, told, "o", ms=3, color=COLOURS[1], alpha=0.7, label="networks")
    ends = [0, 1.1 * max(float(true.max()), float(told.max()), 1e-3)]
    panel.plot(ends, ends, color="k", lw=0.8)
    panel.set(xlabel=named(true), ylabel=named(true, str(true.attrs["long_name"]).replace("simulated", "foretold")))


def attention(study: Results) -> Figure:
    """Maps; weight at the tip; predictive entropy by frame."""
    found: Any = study["entropy/slabs"]
    looks = (found, COLOURS[1], "trained"), (study["entropy/random_weights"], COLOURS[7], "shuffled")
    figure, axes = panels(1, 4, height=2.3)
    for panel, window in zip(axes[0], found["window"].values, strict=False):
        picture = found["attention"].sel(window=window).values
        panel.imshow(picture, origin="lower", cmap="magma", interpolation="nearest", rasterized=True)
        panel.plot(*found["tip"].values[::-1], "+", color=COLOURS[5], ms=9)
        panel.set(title=f"Grad-CAM, {window}", xlabel="x (cell)", ylabel="y (cell)")
    focus, unsure = axes[0, 2:]
    both = [(one, colour, said, n) for one, colour, said in looks for n in range(one.sizes["network"])]
    for i, (one, colour, said, network) in enumerate(both):
        values = interval(one["focus"].sel(network=network), "sample", "median")
        label = said if network == 0 else None
        interval_whiskers(focus, np.arange(2) + 0.1 * i - 0.25, values, label=label, color=colour)
    focus.axhline(FOCUS, color="k", ls="--", lw=0.8)
    names(focus, "x", found["window"].values)
    focus.set(ylabel="attention near the tip\nover its mean", xlim=(-0.5, 1.6), ylim=(0, 1.4 * focus.get_ylim()[1]))
    legend(focus, loc="upper right")
    for i, told in enumerate(found["told"].values):
        values = interval(found["uncertainty"].sel(told=told), "sample")
        style = "-" if i < 2 else ":"
        interval_band(unsure, found["frame"], values, label=str(told), color=COLOURS[i], ls=style)
    unsure.set(xlabel="frame", ylabel="predictive entropy\nof a cell (nat)", ylim=(0, 2.3 * unsure.get_ylim()[1]))
    legend(unsure, loc="upper left", ncols=1)
    return figure
