"""Draws the benchmark's three applications: transfer learning, importance sampling, symbolic regression."""

import numpy as np

from pesin.plot.style import COLOURS, interval_whiskers, legend, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

ARMS = {"raw": "raw features", "untrained": "untrained encoder", "random_timescale": "random timescale"}
TRAININGS = {"random": "random", "importance": "importance", "full": "full", "full_long": "full, longer"}
REGRESSIONS = {
    "polynomial": "SINDy,\npolyn.",
    "fourier": "SINDy,\nFourier",
    "polynomial_exact": "polyn.,\ntrue\nslopes",
    "constant": "mean",
    "pysr": "PySR,\ntrue\nslopes",
}
PAPER_ERRORS = {"polynomial": 0.37, "fourier": 1.31, "pysr": 1.5e-6}


def transfer_learning(study: Results):
    """Accuracy of the matched encoder against that of each rival, task by task; mean differences with the control."""
    figure, ((left, right),) = panels(1, 2, height=3.3)
    accuracy = study["forecast/transfer"].accuracy
    for colour, (arm, label) in zip(COLOURS, ARMS.items(), strict=False):
        left.plot(accuracy.sel(arm=arm), accuracy.sel(arm="matched"), "o", markersize=4, color=colour, label=label)
    left.plot([0.2, 1], [0.2, 1], color=COLOURS[7], linewidth=0.8)
    left.set(xlabel=named(accuracy, "accuracy of the rival"), ylabel=named(accuracy, "accuracy, matched timescale"))
    legend(left, ncols=2, title="a point is a task", outside="above")
    cases = {"transfer": "pre-trained on systems", "shuffled_windows": "on shuffled windows"}
    for shift, (case, label) in enumerate(cases.items()):
        accuracy = study[f"forecast/{case}"].accuracy
        gain = interval(accuracy.sel(arm="matched", drop=True) - accuracy.sel(arm=list(ARMS)), "task")
        interval_whiskers(right, np.arange(len(ARMS)) + 0.15 * shift, gain, label=label, color=COLOURS[3 + shift])
    right.axhline(0, color=COLOURS[7], linewidth=0.8)
    names(right, "x", [label.replace(" ", "\n") for label in ARMS.values()])
    right.set(ylabel=named(accuracy, "gain of the matched timescale"), xlim=(-0.4, 2.6))
    legend(right, title="mean over tasks, 95 % interval", outside="above")
    return figure


def importance_sampling(study: Results):
    """sMAPE of the four trainings, a line for each system; and where one system's trajectories start."""
    figure, ((left, right),) = panels(1, 2, height=3.3)
    arms, at = list(TRAININGS), np.arange(len(TRAININGS))
    cases = {"importance": "kept", "permuted_weights": "permuted"}
    for shift, (case, label) in enumerate(cases.items()):
        smape, colour = study[f"forecast/{case}"].smape.sel(arm=arms), COLOURS[shift]
        if not shift:
            lines = left.plot(smape.values, color=COLOURS[7], linewidth=0.6, alpha=0.7)
            lines[0].set_label(f"a system, {label}")
        middle = interval(smape, "system", "median")
        interval_whiskers(left, at + 0.1 * shift, middle, label=f"median, {label}", color=colour)
        mean = smape.mean("system")
        left.plot(at + 0.1 * shift, mean, "D", fillstyle="none", markersize=4, color=colour, label=f"mean, {label}")
    updates = study["forecast/importance"].updates.sel(arm=arms).values
    names(left, "x", [f"{name}\n{n} steps" for name, n in zip(TRAININGS.values(), updates, strict=True)])
    left.set(ylabel=named(smape), ylim=(0, None))
    legend(left, ncols=2, title="sampling weights", outside="above")
    _start_points(right, study["simulate/importance"].history, study["train/importance"].start_point)
    return figure


def _start_points(ax, history, start_point) -> None:
    """The first system's series, and below it where the trajectories of both arms start after the first round."""
    series = history.isel(system=0, coord=0)
    ax.plot(series.values, color=COLOURS[7], linewidth=0.8)
    low, high = float(series.min()), float(series.max())
    for level, arm in enumerate(("importance", "random")):
        begun = start_point.sel(sampled=arm).isel(system=0, round=slice(1, None)).values.ravel()
        height = low - (0.08 + 0.08 * level) * (high - low)
        ax.plot(begun, np.full(begun.size, height), "|", color=COLOURS[level], markersize=8, label=f"starts, {arm}")
    ax.set(xlabel="points of the history", ylabel=named(series, f"first coordinate of {series.system.item()}"))
    legend(ax, ncols=2, outside="above")


def symbolic_regression(study: Results):
    """sMAPE of predicted derivatives for each regression; medians of the paper beside."""
    figure, (axes,) = panels(1, 3, height=3.2, sharey=True)
    tree, control = study["forecast/symbolic"], study["forecast/trigonometric_fields"]
    groups = {
        "quadratic systems": tree["known_form"].to_dataset(),
        "other systems": tree["other_form"].to_dataset(),
        "trigonometric fields": control["known_form"].to_dataset(),
    }
    rng = np.random.default_rng(0)
    for ax, (title, result) in zip(axes, groups.items(), strict=True):
        regressions = [str(name) for name in result.regression.values]
        smape = result.smape.clip(min=1e-16)  # an exact equation has to stand on a logarithmic axis
        for x, name in enumerate(regressions):
            errors = smape.sel(regression=name).values
            spread = x + rng.uniform(-0.2, 0.2, errors.size)
            ax.plot(spread, errors, ".", markersize=3, color=COLOURS[x], alpha=0.6)
        interval_whiskers(ax, range(len(regressions)), interval(smape, "system", "median"), color="black")
        names(ax, "x", [REGRESSIONS[name] for name in regressions])
        ax.set(yscale="log", title=f"{title} ({result.sizes['system']})", xlim=(-0.5, len(regressions) - 0.5))
    first, regressions = axes[0], list(groups["quadratic systems"].regression.values)
    for name, error in PAPER_ERRORS.items():
        if name in regressions:
            first.plot([regressions.index(name) + 0.32], [error], "*", color=COLOURS[4], markersize=8)
        else:
            first.axhline(error, color=COLOURS[4], linestyle="--", linewidth=0.8)
            note(first, "PySR in the paper", (-0.4, 1.6 * error), color=COLOURS[4])
    first.set_ylabel(named(groups["quadratic systems"].smape))
    first.plot([], [], "*", color=COLOURS[4], label="the paper, all systems")
    legend(first, loc="center left", bbox_to_anchor=(0, 0.25))
    return figure
