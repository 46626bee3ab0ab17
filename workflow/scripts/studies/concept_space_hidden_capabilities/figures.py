"""The study's figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

WEAK = {"colour_12": "weak colour", "size_5": "weak size"}
SHOWN = WEAK | {"strong": "both strong"}
SAID = {"naive": "plain prompt", "latent": "pushed embedding", "over": "exaggerated prompt"}
CORNERS = {"00": "large red", "01": "small red", "10": "large blue", "11": "small blue (unseen)"}


def paths(study: Results) -> Figure:
    """All four classes in concept space, seed by seed."""
    found: Any = study["forecast/discs"]
    figure, (row,) = panels(1, 3, height=2.9, sharex=True, sharey=True)
    for panel, (setting, title) in zip(row, SHOWN.items(), strict=True):
        for i, (name, label) in enumerate(CORNERS.items()):
            path = found["path"].sel({"class": name, "setting": setting}).transpose("concept", "step", "seed").values
            panel.plot(*path, color=COLOURS[i], linewidth=0.8, alpha=0.7)
            panel.plot([], [], color=COLOURS[i], label=label)
            panel.plot(int(name[0]), int(name[1]), "o", color=COLOURS[i], markersize=7, markeredgecolor="black")
        here = found.sel(setting=setting)
        for seed in found["seed"].values:
            turn = float(here["turn"].sel(seed=seed))
            if np.isfinite(turn):
                at = here["path"].sel({"class": "11", "seed": seed, "step": int(turn)}).values
                panel.plot(*at, "x", color="black", label="turn" if seed == 0 else None)
        panel.set(xlabel="colour coordinate", title=title, xlim=(-0.6, 1.6), ylim=(-0.6, 1.6))
    row[0].set_ylabel("size coordinate")
    legend(row[2], outside="right")
    return figure


def signal(study: Results) -> Figure:
    """Speed against the concept signal, both concepts."""
    found: Any = study["forecast/discs"]
    data: Any = study["simulate/discs"]["concept_signal"]
    points = study.params("discs").simulate.points
    figure, (row,) = panels(1, 2, height=2.8)
    for panel, concept, colour in zip(row, ("colour", "size"), COLOURS, strict=False):
        speed, axis = found[f"speed_by_{concept}"], f"{concept}_separation"
        other = {"colour": "size", "size": "colour"}[concept]
        most = max(getattr(point, other) for point in points.values())
        names = {getattr(point, concept): name for name, point in points.items() if getattr(point, other) == most}
        place = np.array([float(data.sel(point=names[value], concept=concept)) for value in speed[axis].values])
        panel.plot(place, speed.transpose(axis, "seed").values, ".", color=colour, alpha=0.4, markersize=4)
        interval_whiskers(panel, place, interval(speed, "seed"), color=colour, fmt="o-", label="mean, 95 %")
        panel.set(
            xlabel=f"concept signal of {concept} (RMS change of a pixel)", ylabel=named(speed, "speed"), ylim=(0, None)
        )
        legend(panel, loc="upper left")
    return figure


def hidden(study: Results) -> Figure:
    """Accuracy on the unseen class by protocol, and a strip of pictures."""
    found: Any = study["forecast/discs"]
    aside: Any = study["forecast/random_direction"]["accuracy"].sel(protocol="latent")
    figure, axes = panels(3, 2, height=1.7, height_ratios=[2.2, 1, 1])
    for panel, (setting, title) in zip(axes[0], WEAK.items(), strict=True):
        here = found.sel(setting=setting, probed=setting)
        steps = here["step"].values
        for i, (protocol, label) in enumerate(SAID.items()):
            interval_band(
                panel, steps, interval(here["accuracy"].sel(protocol=protocol), "seed"), label=label, color=COLOURS[i]
            )
        interval_band(
            panel, steps, interval(aside.sel(probed=setting), "seed"), label="pushed at random", color=COLOURS[7]
        )
        mean = {name: here["accuracy"].sel(protocol=name).mean("seed").values for name in ("naive", "latent")}
        panel.fill_between(
            steps, *mean.values(), where=mean["latent"] > mean["naive"], color=COLOURS[1], alpha=0.15, linewidth=0
        )
        panel.axhline(0.8, color=COLOURS[7], linestyle=":", linewidth=0.8)
        turn = here["turn"].median()
        if np.isfinite(turn):
            panel.axvline(float(turn), color="black", linestyle="--", linewidth=0.8, label="turn (median)")
        log_axis(panel, "x", steps[[0, len(steps) // 2, -1]])
        panel.set(xlabel="update", title=title, ylim=(-0.03, 1.05))
    axes[0, 0].set_ylabel("accuracy on small blue")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper")
    _strip(axes[1:], study)
    return figure


def _strip(axes, study: Results) -> None:
    """Pictures of the first seed at some checkpoints: by the plain prompt, then pushed by the middle dose."""
    picture: Any = study["train/discs"]["picture"]
    doses = study.params("discs").train.doses
    shown = np.linspace(1, picture.sizes["step"] - 1, 8).round().astype(int)
    for i, (prompt, label) in enumerate((("11", "plain"), (f"latent_{doses[len(doses) // 2]:g}", "pushed"))):
        for panel, setting in zip(axes[i], WEAK, strict=True):
            row = picture.sel(said=prompt, probed=setting).isel(step=shown).transpose("step", "y", "x", "channel")
            framed = np.pad(np.clip(row.values, 0, 1), ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=1)
            panel.imshow(np.concatenate(framed, 1), interpolation="nearest")
            wide = framed.shape[2]
            names(panel, "x", picture["step"].values[shown], (np.arange(len(shown)) + 0.5) * wide, rotation=90)
            panel.set_yticks([])
        axes[i, 0].set_ylabel(label)
    for panel in axes[1]:
        panel.set_xlabel("update")


def masked(study: Results) -> Figure:
    """Underspecified prompts: speed, final accuracies, information."""
    found: Any = study["forecast/discs"]
    figure, (row,) = panels(1, 3, height=2.8)
    share, speed = found["masked"].values, found["speed_by_mask"]
    row[0].plot(share, speed.transpose("masked", "seed").values, ".", color=COLOURS[0], alpha=0.4, markersize=4)
    interval_whiskers(row[0], share, interval(speed, "seed"), color=COLOURS[0], fmt="o-")
    row[0].set(ylabel=named(speed, "speed, plain prompt"), ylim=(0, None))
    for i, protocol in enumerate(("naive", "latent")):
        final = found["final_by_mask"].sel(protocol=protocol)
        place = share + 0.02 * i
        row[1].plot(place, final.transpose("masked", "seed").values, ".", color=COLOURS[i], alpha=0.4, markersize=4)
        interval_whiskers(row[1], place, interval(final, "seed"), color=COLOURS[i], fmt="o-", label=SAID[protocol])
    row[1].axhline(0.8, color=COLOURS[7], linestyle=":")
    row[1].set(ylabel="accuracy on small blue at the end", ylim=(-0.05, 1.3))
    legend(row[1], loc="upper right")
    for panel in row[:2]:
        panel.set_xlabel("share of prompts without colour")
    told: Any = study["entropy/discs"]["information"]
    for i, (setting, title) in enumerate(list(WEAK.items())):
        for concept, style in (("colour", "-"), ("size", "--")):
            values = told.sel(setting=setting, concept=concept).isel(step=slice(1, None))
            label, look = f"{title}: {concept}", {"color": COLOURS[i + 2], "linestyle": style}
            interval_band(row[2], values["step"].values, interval(values, "seed"), label=label, **look)
    steps = told["step"].values[1:]
    log_axis(row[2], "x", steps[[0, len(steps) // 2, -1]])
    row[2].set(xlabel="update", ylabel=named(told, "I(concept; picture)"), ylim=(-0.1, 1.7))
    legend(row[2], loc="upper left")
    return figure
