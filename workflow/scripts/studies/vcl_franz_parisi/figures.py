"""The study's figures: one task, two tasks, what uncertainty modulates, and networks on permuted digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, SMALL, band, interval_whiskers, legend, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GREY = COLOURS[7]
ARMS = {"prior": ("with the prior", COLOURS[0], "o"), "free": ("without", COLOURS[1], "s")}
METHODS = {"variational": COLOURS[0], "metaplastic": COLOURS[3]}


def one_task(study: Results) -> Figure:
    """Errors on the way, order parameters, and the error against the load."""
    measured: Any = study["entropy/teachers"]
    other: Any = study["entropy/wrong_temperature"]
    figure, (row,) = panels(1, 3, height=2.9)
    _courses(row[0], study)
    for i, name in enumerate(measured["order"].values):
        values = measured["order_parameter"].sel({"order": name})
        row[1].plot(measured["load"], values, "o-", markersize=3, color=COLOURS[i], label=str(name))
    row[1].set(xlabel="load M/N", ylabel=named(measured["order_parameter"]), ylim=(0, 1))
    legend(row[1])
    load, theory = measured["load"].values, measured["theory_error"]
    row[2].fill_between(load, theory - 0.03, theory + 0.03, color=COLOURS[0], alpha=0.15, linewidth=0)
    row[2].plot(load, theory, color=COLOURS[0], label="theory")
    beta = study.params("wrong_temperature").entropy.beta
    row[2].plot(load, other["theory_error"], "--", color=GREY, label=f"at beta = {beta:g}")
    found = interval(measured["error"], "run")
    interval_whiskers(row[2], measured["alpha"].values, found, label="students", color=COLOURS[1])
    for level in (0.05, 0.14):
        row[2].axhline(level, color=COLOURS[6], linestyle=":", linewidth=0.7)
    row[2].plot([0.9, 1.1], [0.32, 0.32], color=COLOURS[6], linewidth=1.5)
    row[2].set(xlabel="load M/N", ylabel="generalisation error", ylim=(0, 0.5))
    slope = _slope(load, theory.values)
    if np.isfinite(slope):
        row[2].set_title(f"log-log slope, 1.3 to 1.6: {slope:.1f}", fontsize=SMALL)
    legend(row[2])
    return figure


def _courses(panel, study: Results) -> None:
    """Errors of students against the epoch, from the best to the worst."""
    course: Any = study["train/teachers"]["single/course"]
    told: Any = study["simulate/teachers"]["single/teacher"]
    teacher = told.values[: course.sizes["run"]].astype(np.float64)
    loads = course["alpha"].values[np.linspace(0, course.sizes["alpha"] - 1, 4).round().astype(int)]
    for i, alpha in enumerate(loads):
        overlap = (np.where(course.sel({"alpha": alpha}).values < 0, -1.0, 1.0) * teacher).mean(-1)
        error = np.arccos(np.clip(overlap, -1, 1)) / np.pi
        band(
            panel,
            course["epoch"].values,
            error.mean(1),
            error.min(1),
            error.max(1),
            f"load {alpha:g}",
            color=COLOURS[i],
        )
    panel.set(xscale="symlog", xlabel="epoch", ylabel="generalisation error", ylim=(0, 0.6))
    panel.set_xlim(0, course["epoch"].values[-1])
    legend(panel, loc="lower left")


def _slope(load: np.ndarray, error: np.ndarray) -> float:
    """Local exponent of the error in the load over 1.3 to 1.6, if there are such loads."""
    near = (load >= 1.3) & (load <= 1.6)
    return float(np.polyfit(np.log(load[near]), np.log(error[near]), 1)[0]) if near.sum() > 1 else np.nan


def two_tasks(study: Results) -> Figure:
    """Errors on both tasks against the load of task 2, for each overlap; and theory less students."""
    theory: Any = study["entropy/teachers"]["pair_theory"]
    errors: Any = study["forecast/teachers"]
    overlaps, before = theory["overlap"].values, float(errors["error_before"].mean())
    figure, axes = panels(2, len(overlaps) + 1, height=2.4, sharex="col")
    for task, row in zip((1, 2), axes, strict=True):
        for panel, overlap in zip(row, overlaps, strict=False):
            line = theory.sel({"overlap": overlap, "task": task})
            panel.plot(theory["pair_alpha"], line, color=COLOURS[0], label="theory")
            for shift, (arm, (said, colour, mark)) in zip((-0.02, 0.02), ARMS.items(), strict=True):
                values = errors[f"error_{task}"].sel({"overlap": overlap, "arm": arm})
                place = values["alpha_2"].values + shift
                interval_whiskers(panel, place, interval(values, "run"), label=said, color=colour, fmt=mark)
            if task == 1:
                panel.axhline(before, color=GREY, linestyle="--", linewidth=0.8, label="before task 2")
                panel.set_title(f"overlap of teachers {overlap:g}")
            panel.set(ylabel=f"error on task {task}", ylim=(0, 0.55))
    for panel in axes[1, :-1]:
        panel.set_xlabel("load of task 2")
    _gaps(axes[0, -1], study)
    axes[1, -1].set_axis_off()
    axes[1, -1].legend(*axes[0, 0].get_legend_handles_labels(), loc="upper left", title="left and middle")
    return figure


def _gaps(panel, study: Results) -> None:
    """Size of theory less students in each comparison, at both temperatures."""
    for case, colour in (("teachers", COLOURS[0]), ("wrong_temperature", GREY)):
        gap: Any = study[f"entropy/{case}"]["gap"]
        beta = study.params(case).entropy.beta
        panel.plot(
            np.arange(gap.size) + 1, np.sort(gap.values), "o", markersize=3, color=colour, label=f"beta = {beta:g}"
        )
    panel.axhline(0.05, color=COLOURS[6], linestyle=":", linewidth=0.8)
    panel.set_xticks(np.linspace(1, gap.size, 4).round())
    panel.set(xlabel="comparison, by size", ylabel="|theory - students|", ylim=(0, None))
    panel.tick_params(labelbottom=True)
    legend(panel)


def uncertainty(study: Results) -> Figure:
    """The ways of fields and means against the uncertainty; rank correlations; the expansion of the divergence."""
    found: Any = study["entropy/teachers"]
    pair: Any = study["train/teachers"]["pair"]
    at = {"alpha_2": 1.0, "overlap": 0.0, "arm": "prior"}
    before, early, after = (
        one.values[0] for one in (pair["theta_1"], pair["theta_early"].sel(at), pair["theta_2"].sel(at))
    )
    figure, (row,) = panels(1, 4, height=2.7, width=9.6, gridspec_kw={"width_ratios": [1, 1, 1.4, 1]})
    unsure = 1 - np.tanh(before) ** 2
    for panel, way, colour, said in (
        (row[0], abs(early - before), COLOURS[1], "way of theta, first epoch"),
        (row[1], abs(np.tanh(after) - np.tanh(before)), COLOURS[0], "way of m, all of task 2"),
    ):
        panel.plot(unsure, way, ".", markersize=2, color=colour)
        panel.set(ylabel=said, xlabel="1 - m$^2$ after task 1", xlim=(-0.02, 1.02))
    _correlations(row[2], study, at)
    row[3].plot(found["field"], found["fisher"], color=GREY, label="(1 - m$^2$) / 2")
    row[3].plot(found["field"], found["coefficient"], "o", markersize=4, color=COLOURS[2], label="of the divergence")
    row[3].set(xlabel="field theta", ylabel=named(found["coefficient"], "quadratic coefficient"), ylim=(0, 0.7))
    legend(row[3], loc="upper left")
    return figure


def _correlations(panel, study: Results, at: dict[str, Any]) -> None:
    """Rank correlations of all ways with the uncertainty, with and without modulation."""
    ways = {
        "_early": "fields, first epoch",
        "_of_fields": "fields, end",
        "": "means, end",
        "_dealt": "means, dealt out",
    }
    shown = {"teachers": ("students", COLOURS[0], "o"), "unmodulated": ("unmodulated", COLOURS[1], "s")}
    for shift, (case, (said, colour, mark)) in zip((-0.12, 0.12), shown.items(), strict=True):
        for place, name in enumerate(ways):
            values: Any = study[f"entropy/{case}"][f"modulation{name}"].sel(at).expand_dims("all")
            label = said if place == 0 else None
            interval_whiskers(panel, [place + shift], interval(values, "run"), label=label, color=colour, fmt=mark)
    panel.axhline(0.2, color=COLOURS[6], linestyle=":", linewidth=0.8)
    panel.axhline(0, color=GREY, linewidth=0.6)
    names(panel, "x", ways.values(), rotation=30)
    panel.set(ylabel="rank correlation with 1 - m$^2$", ylim=(-1, 1.45), xlim=(-0.5, len(ways) - 0.5))
    legend(panel, loc="upper center", ncols=2)


def digits(study: Results) -> Figure:
    """Accuracy on each task after each task at each method's best setting; and the mean at the end at all settings."""
    scores: Any = study["forecast/teachers"]
    figure, (row,) = panels(1, 3, height=2.8, width=8.4, sharey=True, gridspec_kw={"width_ratios": [1, 1, 1.6]})
    best = scores["average"].mean("seed").argmax("setting")
    for panel, name in zip(row, METHODS, strict=False):
        accuracy = (
            scores["accuracy"].mean("seed").sel({"method": name}).isel({"setting": int(best.sel({"method": name}))})
        )
        for task in accuracy["task"].values:
            line = accuracy.sel({"task": task}).where(accuracy["after"] >= task)
            panel.plot(
                accuracy["after"] + 1, line, "o-", markersize=3, color=COLOURS[int(task)], label=f"task {task + 1}"
            )
        panel.axhline(0.1, color=GREY, linestyle=":", linewidth=0.8)
        panel.set(title=f"{name}, best setting", xlabel="tasks learnt", xticks=accuracy["after"].values + 1)
    note(row[0], "chance", (0.98, 0.105), xycoords=row[0].get_yaxis_transform(), ha="right", va="bottom")
    row[0].set(ylabel=named(scores["accuracy"]), ylim=(0, 1.02))
    legend(row[1], loc="lower left", ncols=2)
    _settings(row[2], study)
    return figure


def _settings(panel, study: Results) -> None:
    """Mean accuracy after the last task at each setting, and each seed's at the chosen one."""
    lines = [("teachers", name, name, colour, "o-") for name, colour in METHODS.items()]
    lines += [("no_prior", "variational", "variational, no prior", COLOURS[0], "^:")]
    lines += [("unmodulated", "variational", "variational, unmodulated", COLOURS[4], "s:")]
    deep = study.params("teachers").train.deep
    last = len(deep.starts)
    for i, (case, name, said, colour, mark) in enumerate(lines):
        scores: Any = study[f"forecast/{case}"]
        place, seeds = np.arange(last) + 0.08 * (i - 1.5), scores["chosen"].sel({"method": name})
        found = interval(scores["average"].sel({"method": name}), "seed")
        interval_whiskers(panel, place, found, label=said, color=colour, fmt=mark, markersize=3, linewidth=0.8)
        panel.plot(np.full(seeds.size, last + 0.16 * (i - 1.5)), seeds, mark[0], markersize=2.5, color=colour)
    panel.axhline(0.1, color=GREY, linestyle=":", linewidth=0.8)
    settings = [f"{start:g} / {meta:g}" for start, meta in zip(deep.starts, deep.strengths, strict=True)]
    names(panel, "x", [*settings, "chosen"])
    panel.set(xlabel="start of fields / strength of metaplasticity", title="mean accuracy after all tasks")
    legend(panel, loc="upper left")
