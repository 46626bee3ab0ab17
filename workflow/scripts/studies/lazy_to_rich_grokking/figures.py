"""The study's figures: grokking and its three statistics; what delays it; the infinitely wide and other networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, band, interval_whiskers, legend, log_axis, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

PARTS = {"linear": "linear power", "trace": "error of the trace", "misalignment": "misalignment"}
SWEEPS = {
    "alpha": {"rich": "0.25", "base": "1", "lazy": "4"},
    "epsilon": {"aligned": "1", "base": "0.25", "misaligned": "0.05"},
    "samples P": {"few": "100", "base": "250", "many": "800"},
}
TASKS = {"student_teacher": "student of a teacher", "images": "digits"}
RATIOS = {"base": 3, "many": 2}
"""C1 and C5: a ratio above, and one below."""
LOSSES = (1e-4, 0.001, 0.01, 0.1, 1)
TICKS = {"delay": (100, 300, 1000, 3000, 10000), "ratio": (1, 2, 5, 10, 20)}
SLOPES = (-0.7, -0.35)
"""C7: exponents that are accepted."""


def grokking(study: Results) -> Figure:
    """Losses of the network and of the linearised one; the kernel's alignment; the parts of the test loss; ratios."""
    result: Any = study["train/quadratic"]
    figure, axes = panels(2, 2, height=2.5)
    for setting, colour, said in (("base", 0, "network"), ("linearised", 1, "linearised")):
        losses(axes[0, 0], result.sel(setting=setting), COLOURS[colour], said)
    axes[0, 0].axhline(float(result["kernel_test"].mean()), color="k", ls=":", lw=1, label="kernel regression, test")
    axes[0, 0].set(ylabel="loss", ylim=(1e-4, 2))
    log_axis(axes[0, 0], "y", ticks=LOSSES)
    legend(axes[0, 0], loc="lower left", labelspacing=0.2)
    alignment = axes[0, 1]
    for i, one in enumerate(result["alignment"]):
        alignment.plot(result["time"], one, color=COLOURS[2], lw=0.8, label="_" if i else "each seed")
    for key, said, style in (("t_train", "training loss falls", "--"), ("t_test", "test loss falls", "-")):
        alignment.axvline(float(result[key].sel(setting="base").median()), color=COLOURS[0], ls=style, lw=1, label=said)
    alignment.set(ylabel="alignment of the kernel", ylim=(0, None))
    legend(alignment, loc="upper left")
    statistics(axes[1, 0], result.sel(setting="base", seed=0), study["forecast/quadratic"].sel(seed=0))
    for panel in (*axes[0], axes[1, 0]):
        over_time(panel)
    ratio_panel(axes[1, 1], result)
    return plain(figure)


def plain(figure: Figure) -> Figure:
    """Without minor ticks: on so many logarithmic axes they would take most of the drawing."""
    for panel in figure.axes:
        panel.minorticks_off()
    return figure


def over_time(panel) -> None:
    """A logarithmic axis of time."""
    log_axis(panel, "x", ticks=[10, 100, 1000, 10000])
    panel.set(xlabel="time (step)", xlim=(3, None))


def losses(panel, found, colour: str, said: str) -> None:
    """Test losses (solid) and training losses (broken) of all seeds."""
    for seed in range(found.sizes["seed"]):
        at = found.isel(seed=seed)
        first = seed == 0
        panel.plot(
            at["time"],
            at["parts"].sum("part", skipna=False),
            color=colour,
            lw=0.8,
            label=f"{said}, test" if first else "_",
        )
        panel.plot(
            at["time"], at["train_loss"], "--", color=colour, lw=0.8, label=f"{said}, training" if first else "_"
        )


def statistics(panel, found, fresh) -> None:
    """The three parts of the test loss of one seed, their sum, and the loss on fresh inputs."""
    for i, (part, said) in enumerate(PARTS.items()):
        panel.plot(found["time"], found["parts"].sel(part=part), color=COLOURS[i], label=said)
    panel.plot(found["time"], found["parts"].sum("part", skipna=False), color="k", label="their sum")
    panel.errorbar(
        fresh["time"], fresh["monte_carlo"], 2 * fresh["standard_error"], fmt="o", ms=3, lw=1, color=COLOURS[7],
        label="fresh inputs, 2 s.e.", zorder=0,
    )  # fmt: skip
    log_axis(panel, "y", ticks=LOSSES)
    panel.set(ylabel="test loss, seed 0", ylim=(1e-5, 2))
    legend(panel, loc="lower left", labelspacing=0.2)


def ratio_panel(panel, result) -> None:
    """Ratio of the times at which test and training loss fall, where it is held against a number."""
    for place, (setting, bound) in enumerate(RATIOS.items()):
        found = result["ratio"].sel(setting=setting)
        panel.plot(np.full(found.size, place), found, ".", color=COLOURS[7])
        shown(panel, place + 0.15, found, COLOURS[0])
        panel.plot([place - 0.4, place + 0.4], [bound, bound], "--", color=COLOURS[1], lw=1)
        side = ("above", "bottom", 2) if place == 0 else ("below", "top", -2)
        look = {"color": COLOURS[1], "ha": "right", "va": side[1], "textcoords": "offset points"}
        note(panel, side[0], (place + 0.4, bound), xytext=(0, side[2]), **look)
    log_axis(panel, "y", ticks=[1, 2, 3, 5, 10, 20, 50])
    names(panel, "x", ["250 samples", "800 samples"])
    panel.set(ylabel="time of the test loss\nover that of the training loss", xlim=(-0.5, 1.5), ylim=(0.9, None))


def shown(panel, place: float, found, colour: str, **style) -> None:
    """One judged mean with its interval."""
    interval_whiskers(panel, np.array([place]), interval(found.expand_dims("place"), "seed"), color=colour, **style)


def knobs(study: Results) -> Figure:
    """For each knob: losses of one seed; delays of all seeds; ratios, or what is left of the test loss."""
    result: Any = study["train/quadratic"]
    figure, axes = panels(3, 3, height=2.2)
    for column, (knob, settings) in enumerate(SWEEPS.items()):
        top = axes[0, column]
        for i, (setting, said) in enumerate(settings.items()):
            at = result.sel(setting=setting, seed=0)
            top.plot(at["time"], at["parts"].sum("part", skipna=False), color=COLOURS[i], label=said)
            top.plot(at["time"], at["train_loss"], "--", color=COLOURS[i], lw=1)
        log_axis(top, "y", ticks=[0.01, 0.1, 1])
        over_time(top)
        top.set(ylim=(3e-3, 2))
        legend(top, title=knob, loc="lower left", labelspacing=0.2)
        paired(axes[1, column], result, settings, "delay")
        if knob != "samples P":
            paired(axes[2, column], result, settings, "ratio")
        for panel in axes[1:, column]:
            names(panel, "x", settings.values())
            panel.set(xlabel=knob, xlim=(-0.4, 2.4))
    axes[0, 0].set_ylabel("loss, seed 0\n(broken: training)")
    axes[1, 0].set_ylabel("delay (step)")
    axes[2, 0].set_ylabel("time of the test loss\nover that of training")
    last = axes[2, 2]
    for place, setting in enumerate(SWEEPS["samples P"]):
        found = result["last_share"].sel(setting=setting)
        last.plot(np.full(found.size, place), found, ".", color=COLOURS[7])
        shown(last, place + 0.15, found, COLOURS[0])
    last.axhline(0.8, color=COLOURS[1], ls="--", lw=1, label="100: above")
    last.set(ylabel="last test loss\nover the first", ylim=(0, 1.2))
    legend(last, loc="upper right")
    return plain(figure)


def paired(panel, result, settings: dict[str, str], key: str) -> None:
    """Each seed along a knob, a triangle where only part of a time has been seen; and means where all have come."""
    places = np.arange(len(settings))
    whole, seen = (result[name].sel(setting=list(settings)) for name in (key, f"{key}_at_least"))
    for seed in range(seen.sizes["seed"]):
        panel.plot(places, seen.isel(seed=seed), "-", color=COLOURS[7], lw=0.6)
    come = whole.where(whole.notnull())
    panel.plot(places, come, ".", color=COLOURS[7])
    panel.plot(places, seen.where(whole.isnull()), "^", color=COLOURS[1], ms=4, mfc="none")
    for place, setting in enumerate(settings):
        if come.sel(setting=setting).notnull().all():
            shown(panel, place + 0.12, come.sel(setting=setting), COLOURS[0])
    log_axis(panel, "y", ticks=TICKS[key])


def theory(study: Results) -> Figure:
    """The infinite width against finite ones, and its error; ranks; losses and delays of other networks."""
    result: Any = study["train/quadratic"]
    figure, axes = panels(2, 3, height=2.3)
    first = axes[0, 0]
    for i, width in enumerate(result["width"].values):
        curve = result["width_loss"].sel(width=width, seed=0).isel(draw=0)
        first.plot(result["width_time"], curve, color=COLOURS[i], lw=1, label=f"N = {width}")
    first.plot(result["width_time"], result["theory_loss"].sel(seed=0), "k--", label="infinite N")
    over_time(first)
    first.set(ylabel="test loss, seed 0")
    legend(first, loc="lower left", labelspacing=0.2)
    errors(axes[0, 1], result)
    entropy: Any = study["entropy/quadratic"]
    for i, (key, said) in enumerate((("kernel_rank", "kernel"), ("weight_rank", "weights' moment M"))):
        ends = interval(entropy[key], "seed")
        band(axes[0, 2], [0, 1], ends.centre, ends.low, ends.high, said, color=COLOURS[i], marker="o", ms=4)
    names(axes[0, 2], "x", ["start", "end"])
    log_axis(axes[0, 2], "y", ticks=[1, 2, 5, 10, 20, 50, 100])
    axes[0, 2].set(ylabel="effective rank exp(H)", xlim=(-0.3, 1.3))
    legend(axes[0, 2], loc="lower left")
    networks: Any = study["train/networks"]
    for panel, (task, said) in zip(axes[1], TASKS.items(), strict=False):
        for i, scale in enumerate(networks["scale"].values):
            at = networks["loss"].sel(task=task, scale=scale)
            for part, style in (("test", "-"), ("train", "--")):
                label = scale if part == "test" else "_"
                panel.plot(networks["step"], at.sel(part=part).mean("seed"), style, color=COLOURS[i], lw=1, label=label)
        log_axis(panel, "x", ticks=[1, 10, 100, 1000])
        log_axis(panel, "y", ticks=[0.01, 0.1, 1])
        panel.set(xlabel="steps", ylabel="loss over that of zeros", ylim=(3e-3, 2), title=said)
        legend(panel, title="output scale", loc="lower left", labelspacing=0.2)
    scaled(axes[1, 2], networks)
    return plain(figure)


def errors(panel, result) -> None:
    """Relative error of the infinitely wide network against the width, with exponents that are accepted."""
    width = result["width"].values.astype(float)
    found = interval(result["width_error"], "seed")
    start = float(result["width_error"][0].mean())
    panel.fill_between(width, *(start * (width / width[0]) ** s for s in SLOPES), color=COLOURS[7], alpha=0.4, lw=0)
    panel.plot(width, start * (width / width[0]) ** -0.5, "k--", lw=0.8, label="exponent -1/2")
    interval_whiskers(panel, width, found, "over seeds", color=COLOURS[0])
    log_axis(panel, "x", ticks=width)
    log_axis(panel, "y", ticks=[0.0003, 0.001, 0.003, 0.01, 0.03])
    panel.set(xlabel="width N", ylabel="relative error of\nthe infinite width")
    legend(panel, loc="lower left")


def scaled(panel, networks: xr.Dataset) -> None:
    """Delays along the output scale of both tasks, a triangle where only part of one has been seen."""
    places = np.arange(networks.sizes["scale"])
    for i, (task, said) in enumerate(TASKS.items()):
        at = networks.sel(task=task)
        whole, seen = at["delay"], at["delay_at_least"]
        panel.plot(places, seen, "-", color=COLOURS[i], lw=0.6)
        panel.plot(places, whole, ".", color=COLOURS[i])
        panel.plot(places, seen.where(whole.isnull()), "^", color=COLOURS[i], mfc="none", ms=4)
        panel.plot([], [], ".-", color=COLOURS[i], label=said)
    panel.set_yscale("symlog", linthresh=10)
    panel.yaxis.set_major_formatter("{x:g}")
    names(panel, "x", networks["scale"].values)
    panel.set(xlabel="output scale", ylabel="delay (steps)", xlim=(-0.3, 2.3), ylim=(-1, None))
    legend(panel, loc="lower right")
