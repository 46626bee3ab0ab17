"""The study's figures: forgetting, errors at the end, what a session costs and what its models are good for."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GREY = COLOURS[7]
INPUTS, OUTPUTS = 4, 3  # numbers of a transition
SAID = {
    "hyper": "HyperCRL",
    "hyper_one": "one old task a step",
    "no_penalty": "no penalty",
    "coreset": "all data kept",
    "retrain": "all data, full batches",
    "finetune": "fine-tuning",
    "blind": "fine-tuning, not told",
    "wide": "fine-tuning, wide",
    "ewc": "EWC",
    "si": "SI",
}


def scores(study: Results, name: str, dimension: str = "arm") -> Any:
    """The forecast of an arm (or of a planner on it); `no_penalty` is the control's hypernetwork."""
    if name == "no_penalty":
        return study["forecast/no_penalty"].sel({dimension: "hyper"})
    case = "hypernet" if name in ("hyper", "hyper_one") else "rivals"
    return study[f"forecast/{case}"].sel({dimension: name})


def forgetting(study: Results) -> Figure:
    """Errors on each task after each session, for six arms."""
    shown = ("hyper", "no_penalty", "coreset", "finetune", "ewc", "si")
    figure, axes = panels(2, 3, height=2.3, sharex=True, sharey=True)
    for panel, arm in zip(axes.flat, shown, strict=True):
        found = scores(study, arm)
        for place, task in enumerate(found["task"].values):
            error = np.log10(found["error"].sel(task=task)).isel(after=slice(place, None))
            colour = COLOURS[place % len(COLOURS)]
            interval_band(
                panel, error["after"].values, interval(error, "seed"), label=f"task {task}", color=colour, marker="."
            )
        panel.axhline(float(np.log10(found["silent"].mean())), color=GREY, linestyle=":", linewidth=0.8)
        panel.set_title(SAID[arm])
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for row in axes:
        row[0].set_ylabel("log$_{10}$ of squared error")
    for panel in axes[1]:
        panel.set_xlabel("tasks learnt")
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=6)
    return figure


def final(study: Results) -> Figure:
    """Errors of all arms at the end, seed by seed; and what was destroyed."""
    figure, (row,) = panels(1, 3, height=3.2, width=9.6, gridspec_kw={"width_ratios": [1.2, 1.2, 0.8]})
    for place, arm in enumerate(SAID):
        values = scores(study, arm)["log_final"]
        row[0].plot(values, np.full(values.size, place), ".", markersize=3, color=GREY)
        ends = interval(values, "seed")
        colour = COLOURS[place % 7]
        row[0].plot([float(ends.low), float(ends.high)], [place, place], color=colour)
        row[0].plot([float(ends.centre)], [place], "o", markersize=4, color=colour)
    for arm, factor, line in (("hyper", 1.0, "--"), ("coreset", np.log10(3), ":")):
        level = float(scores(study, arm)["log_final"].mean()) + factor
        row[0].axvline(level, color=GREY, linestyle=line, linewidth=0.8, label=f"{10**factor:.0f} x {SAID[arm]}")
    names(row[0], "y", SAID.values())
    row[0].invert_yaxis()
    row[0].set_xlabel("log$_{10}$ of squared error, all tasks after the last")
    row[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    _destroyed(row[1], row[2], study)
    return figure


def _destroyed(panel, other, study: Results) -> None:
    """Nats of the tasks but the last, by predictions (filled) and by weights (open); and the rise of the entropy."""
    arms = [arm for arm in SAID if arm != "no_penalty"]
    for place, arm in enumerate(arms):
        case = "hypernet" if arm in ("hyper", "hyper_one") else "rivals"
        whole: Any = study[f"entropy/{case}"].sel(arm=arm)
        found = whole.isel(task=slice(None, -1)).mean("task")
        said = whole["predictive_entropy"].transpose("after", "task").values
        other.plot([(said[-1] - np.diagonal(said))[:-1].mean()], [place], "o", markersize=4, color=COLOURS[0])
        for name, shift, fill in (("divergence", -0.12, COLOURS[0]), ("destroyed", 0.12, "none")):
            values = np.maximum(found[name].values, 1e-6)
            label = {"divergence": "change of predictions", "destroyed": "change of weights"}[name]
            panel.plot(
                values, np.full(values.size, place + shift), "o", markersize=3, markerfacecolor=fill,
                color=COLOURS[0], label=label if place == 0 else None,
            )  # fmt: skip
    names(panel, "y", [SAID[arm] for arm in arms])
    names(other, "y", [""] * len(arms))
    other.axvline(0, color=GREY, linestyle=":", linewidth=0.8)
    other.set_xlabel("entropy risen by (nat)")
    for one in (panel, other):
        one.set_ylim(len(arms) - 0.5, -0.5)
    log_axis(panel, "x")
    panel.set_xlabel("information destroyed of earlier tasks (nat)")
    panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def use(study: Results) -> Figure:
    """Visits, generated networks and memory of each session; returns, what task 1 has lost, tasks told apart."""
    figure, axes = panels(2, 3, height=2.6, width=8.6)
    _cost(axes[0], study)
    for panel, name in zip(axes[1], ("planning", "lost", "recognised"), strict=True):
        for place, arm in enumerate(shown := ("hyper", "no_penalty", "coreset", "finetune")):
            found = scores(study, arm, "planner" if name != "recognised" else "arm")
            values: Any = found[name]
            panel.plot(np.full(values.size, place + 0.2), values, ".", markersize=3, color=GREY)
            ends = interval(values.expand_dims("one"), "seed")
            interval_whiskers(panel, [place], ends, color=COLOURS[list(SAID).index(arm) % 7])
        names(panel, "x", [SAID[arm] for arm in shown], rotation=30)
        panel.set_xlim(-0.5, len(shown) - 0.5)
    axes[1, 0].set_ylabel("return, random 0, true law 1")
    axes[1, 0].axhline(1, color=GREY, linestyle=":", linewidth=0.8)
    low, high = axes[1, 1].get_ylim()
    low = min(-0.3, low)
    axes[1, 1].axhspan(low, 0.1, color=GREY, alpha=0.15, linewidth=0)
    axes[1, 1].set(ylabel="return that task 1 has lost", ylim=(low, max(0.5, high)))
    axes[1, 2].set(ylabel="share of paths told apart", ylim=(0, 1.05))
    axes[1, 2].axhline(1 / study["forecast/hypernet"].sizes["task"], color=GREY, linestyle=":", linewidth=0.8)
    return figure


def _cost(row, study: Results) -> None:
    """Three panels by session."""
    shown = {"hyper": ("hypernet", "o-"), "hyper_one": ("hypernet", "s--"), "retrain": ("rivals", "^-")}
    for place, (arm, (case, mark)) in enumerate(shown.items()):
        found: Any = study[f"train/{case}"][arm]
        visits = found["visits"].sum("task").assign_attrs(found["visits"].attrs)
        stored = found["numbers"] + (INPUTS + OUTPUTS) * found["kept"]
        for panel, values in zip(row, (visits, found["generated"], stored), strict=True):
            panel.plot(found["session"], values, mark, markersize=4, color=COLOURS[place], label=SAID[arm], alpha=0.8)
            panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for panel, said in zip(row, ("data visits (samples)", "networks generated", "numbers stored"), strict=True):
        panel.set(xlabel="session", ylabel=said, ylim=(0, None))
    legend(row[0])
