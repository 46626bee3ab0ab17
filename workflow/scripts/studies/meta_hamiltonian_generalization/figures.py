"""The study's figures: errors against steps, roll-outs and maps of H, similarity of representations."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

HUES = {
    "true": COLOURS[6],
    "meta": COLOURS[0],
    "pretrained": COLOURS[1],
    "scratch": COLOURS[7],
    "oracle": COLOURS[2],
}
SAID = {"henon_heiles": "Hénon-Heiles", "mass_spring": "mass on a spring"}
SHORT = {
    "mass_spring": "spring",
    "pendulum": "pend.",
    "henon_heiles": "Hénon",
    "magnetic_mirror": "mirror",
    "two_body": "two b.",
    "three_body": "three b.",
}
TICKS = [0.001, 0.01, 0.1, 1]
FRIENDS = {"meta": "meta-trained", "scratch": "from scratch"}


def title(name: str) -> str:
    """What a system is called."""
    return SAID.get(name, name.replace("_", " "))


def adaptation(study: Results) -> Figure:
    """Error against steps for each held-out system and arm; what C3, C6 and C1 are about, in three more panels."""
    result: Any = study["forecast/systems"]
    held = list(result["heldout"].values)
    columns = 4
    figure, axes = panels(-(-(len(held) + 3) // columns), columns, height=2.1)
    flat = axes.ravel()
    for i, (panel, name) in enumerate(zip(flat, held, strict=False)):
        _steps(panel, result.sel(heldout=name))
        panel.set(
            title=title(name), xlabel="gradient steps", ylim=(3e-4, 3), ylabel="" if i % columns else "relative error"
        )
    _ratios(flat[len(held)], result)
    _energy_errors(flat[len(held) + 1], result)
    _one_law(flat[len(held) + 2], result)
    for panel in flat[len(held) + 3 :]:
        panel.set_axis_off()
    handles, labels = flat[0].get_legend_handles_labels()
    for style, said, hue in (
        ("-", "constants varied", COLOURS[6]),
        (":", "all constants one", COLOURS[6]),
        ("--", "spring, fitted", COLOURS[3]),
    ):
        handles.append(flat[0].plot([], [], style, color=hue, linewidth=0.9)[0])
        labels.append(said)
    figure.legend(handles, labels, loc="outside upper center", ncols=4, columnspacing=1)
    return figure


def _steps(panel, result) -> None:
    """Geometric mean error of each arm, with its interval where constants vary, and of a fitted spring."""
    places = np.arange(result.sizes["step"])
    for arm in result["arm"].values:
        for constants, style in (("varied", "-"), ("unit", ":")):
            one = result["log_error"].sel(arm=arm, constants=constants)
            if one.isnull().any():
                continue
            found = interval(one, "draw")
            if constants == "varied":
                found = found._replace(**{key: np.exp(getattr(found, key)) for key in ("centre", "low", "high")})
                interval_band(panel, places, found, FRIENDS.get(arm, arm), color=HUES[arm])
            else:
                panel.plot(places, np.exp(found.centre), style, color=HUES[arm], linewidth=0.9)
    spring = float(np.exp(result["log_spring_error"].sel(constants="varied").mean("draw")))
    panel.axhline(spring, color=COLOURS[3], linewidth=1.2, linestyle="--")  # of the spring itself it is off the panel
    panel.axhline(0.1, color=COLOURS[7], linewidth=0.8, linestyle=(0, (1, 2)))
    names(panel, "x", result["step"].values, places)
    log_axis(panel, "y", TICKS)


def _ratios(panel, result) -> None:
    """Paired ln of the ratio of last errors, pretrained over meta-trained: each system, and their mean."""
    error = result["log_error"].isel(step=-1)
    apart = error.sel(arm="pretrained") - error.sel(arm="meta")
    held = list(result["heldout"].values)
    for i, constants in enumerate(result["constants"].values):
        one = apart.sel(constants=constants).dropna("heldout", how="all")
        for name in (*one["heldout"].values, "mean"):
            values = one.mean("heldout") if name == "mean" else one.sel(heldout=name)
            at = [len(held) if name == "mean" else held.index(name)]
            label = {"label": f"constants {constants}"} if name == "mean" else {}
            interval_whiskers(
                panel, np.add(at, 0.2 * (2 * i - 1)), interval(values, "draw"), color=COLOURS[2 + i], **label
            )
    panel.axhline(0, color=COLOURS[7], linewidth=0.8)
    names(panel, "x", [*(SHORT[name] for name in held), "mean"], rotation=60)
    panel.set(title="ratio of errors", ylabel="ln (pretrained / meta)")
    low, high = panel.get_ylim()
    panel.set_ylim(low, high + 0.5 * (high - low))
    legend(panel, loc="upper right")


def _energy_errors(panel, result) -> None:
    """Error of the energy along roll-outs of the meta-trained networks and of those from scratch."""
    held = list(result["heldout"].values)
    for i, arm in enumerate(("meta", "scratch")):
        one = result["log_energy_error"].sel(arm=arm)
        for place, values in enumerate([*(one.sel(heldout=name) for name in held), one.mean("heldout")]):
            found = interval(values, "draw")
            found = found._replace(**{key: np.exp(getattr(found, key)) for key in ("centre", "low", "high")})
            interval_whiskers(panel, [place + 0.2 * (2 * i - 1)], found, color=HUES[arm])
    panel.axhline(0.1, color=COLOURS[7], linewidth=0.8, linestyle=(0, (1, 2)))
    names(panel, "x", [*(SHORT[name] for name in held), "mean"], rotation=60)
    log_axis(panel, "y", [0.1, 1, 10])
    panel.set(title="energy, rolled out", ylabel="relative error")


def _one_law(panel, result) -> None:
    """Errors of the networks that learnt one system alone, mean ln over draws, on each system, constants of one."""
    error = np.log10(result["one_law"].sel(constants="unit")).mean("draw")
    panel.imshow(error.values, vmin=-4, vmax=0, cmap="viridis")
    for (row, column), value in np.ndenumerate(error.values):
        colour = "black" if value > -1.5 else "white"
        said = f"{10**value:.1g}".removeprefix("0")
        note(panel, said, (column, row), ha="center", va="center", color=colour)
    for which, dim in (("x", "asked"), ("y", "taught")):
        names(panel, which, [SHORT[name] for name in result[dim].values], rotation=60 if which == "x" else 0)
    panel.set(title="one system learnt", xlabel="asked about", ylabel="learnt")


def rollouts(study: Results) -> Figure:
    """First orbit, its energy and the map of H, a column for each held-out system."""
    result: Any = study["forecast/systems"]
    held = [name for name in ("pendulum", "henon_heiles", "two_body") if name in result["heldout"].values]
    shown = ("true", "meta", "pretrained", "scratch")
    figure, axes = panels(3, len(held), height=2.1)
    for column, name in zip(axes.T, held, strict=True):
        one = result.sel(heldout=name)
        bodies = int((one["path"].sel(source="true") != 0).any(("time", "coord")).sum())
        second = "px" if bodies == 1 else "qy"
        for source in shown:
            look: dict[str, Any] = {"color": HUES[source], "linewidth": 0.9, "label": FRIENDS.get(source, source)}
            path = one["path"].sel(source=source).isel(body=0)
            column[0].plot(path.sel(coord="qx"), path.sel(coord=second), **look)
            column[1].plot(one["time"], one["path_energy"].sel(source=source), **look)
        near = one["path"].sel(source="true").isel(body=0)
        for which, coord in (("x", "qx"), ("y", second)):
            edge = 2 * float(abs(near.sel(coord=coord)).max())
            column[0].set(**{f"{which}lim": (-edge, edge)})
        column[0].set(title=title(name), xlabel="x", ylabel={"px": "p", "qy": "y"}[second])
        column[1].set(xlabel="time", ylim=(0, 2), ylabel="H / H(0)")
        true = one["map"].sel(source="true").values
        levels = np.unique(np.quantile(true, np.linspace(0.02, 0.98, 9)))
        for source, style in (("true", "-"), ("scratch", "--"), ("meta", "-")):
            level = one["map"].sel(source=source).values.T
            column[2].contour(one["x"], one["y"], level, levels, colors=HUES[source], linewidths=0.8, linestyles=style)
        column[2].set(xlabel="x / edge of the box", ylabel={"px": "p / edge", "qy": "y / edge"}[second])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def representation(study: Results) -> Figure:
    """Similarity of meta-trained representations and of those from scratch, effective dimensions, exponents."""
    result: Any = study["entropy/systems"]
    held = [title(name) for name in result["heldout"].values]
    figure, axes = panels(2, 2, height=3)
    for panel, arm in zip(axes[0], ("meta", "scratch"), strict=True):
        shares = panel.imshow(result["similarity"].sel(arm=arm).mean("draw").values, vmin=0.5, vmax=1, cmap="viridis")
        names(panel, "x", held, rotation=90)
        names(panel, "y", held)
        panel.set(title=FRIENDS[arm], xlabel="other networks adapted to", ylabel="held out")
    alike = interval(result["more_alike"].mean(("heldout", "target")), "draw")
    said = f"{float(alike.centre):.2f} [{float(alike.low):.2f}, {float(alike.high):.2f}]"
    figure.suptitle(f"Share of pairs more alike when meta-trained: {said}")
    figure.colorbar(shares, ax=axes[0], label="linear CKA, mean over tasks")
    left, right = axes[1]
    place = np.arange(len(held))
    for i, arm in enumerate(result["arm"].values):
        for adapted, mark in (("before", "o"), ("after", "s")):
            one = result["effective_dimension"].sel(arm=arm, adapted=adapted)
            at = place + 0.22 * (i - 1) + (0.06 if adapted == "after" else -0.06)
            look: dict[str, Any] = {"color": HUES[arm], "fmt": mark, "label": f"{FRIENDS.get(arm, arm)}, {adapted}"}
            look |= {"markerfacecolor": "none"} if adapted == "before" else {}
            interval_whiskers(left, at, interval(one, "draw"), **look)
    names(left, "x", held, rotation=30)
    left.set(ylabel="effective dimension")
    legend(left, outside="above", ncols=2)
    largest = result["exponents"].isel(exponent=0)
    for i, level in enumerate(result["energy"].values):
        pair = largest.sel(energy=level)
        right.plot(pair.sel(flow="true"), pair.sel(flow="learned"), "o", color=COLOURS[i], label=f"E = {level:.3g}")
    top = float(largest.max())
    right.plot([0, top], [0, top], color=COLOURS[7], linewidth=0.8)
    right.set(xlabel="largest exponent, true (nat per time)", ylabel="largest exponent, learned")
    legend(right)
    return figure
