"""Draws the benchmark's three applications: transfer learning, importance sampling, symbolic regression."""

import numpy as np

from pesin.plot.style import COLOURS, panels, whiskers
from pesin.stats.intervals import mean_interval, median_interval

ARMS = {"raw": "raw features", "untrained": "untrained encoder", "random_timescale": "random timescale"}
TRAININGS = {"random": "random", "importance": "importance", "full": "full", "full_long": "full, longer"}
REGRESSIONS = {
    "polynomial": "SINDy,\npolynomials",
    "fourier": "SINDy,\nFourier",
    "polynomial_exact": "SINDy, polyn.,\ntrue derivatives",
    "pysr": "PySR,\ntrue derivatives",
}
PAPER_ERRORS = {"polynomial": 0.37, "fourier": 1.31, "pysr": 1.5e-6}


def transfer_learning(study):
    """Accuracy of the matched encoder against that of each rival, task by task; mean differences with the control."""
    figure, ((left, right),) = panels(1, 2, height=3.3)
    accuracy = study["forecast/transfer"].accuracy
    for colour, (arm, label) in zip(COLOURS, ARMS.items(), strict=False):
        left.plot(accuracy.sel(arm=arm), accuracy.sel(arm="matched"), "o", markersize=4, color=colour, label=label)
    left.plot([0.2, 1], [0.2, 1], color=COLOURS[7], linewidth=0.8)
    left.set(xlabel="accuracy of the rival", ylabel="accuracy, matched timescale", title="a task is a point")
    left.legend()
    for shift, (case, label) in enumerate(
        (("transfer", "pre-trained on systems"), ("shuffled_windows", "on shuffled windows"))
    ):
        accuracy = study[f"forecast/{case}"].accuracy
        gains = [mean_interval((accuracy.sel(arm="matched") - accuracy.sel(arm=arm)).values) for arm in ARMS]
        centre, low, high = np.array(gains).T
        whiskers(right, np.arange(len(ARMS)) + 0.15 * shift, centre, low, high, label=label, color=COLOURS[3 + shift])
    right.axhline(0, color=COLOURS[7], linewidth=0.8)
    right.set_xticks(np.arange(len(ARMS)), [label.replace(" ", "\n") for label in ARMS.values()])
    right.set(ylabel="gain of the matched timescale", title="mean over tasks, 95 % interval", xlim=(-0.4, 2.6))
    right.legend()
    return figure


def importance_sampling(study):
    """sMAPE of the four trainings, a line for each system; and where one system's trajectories start."""
    figure, ((left, right),) = panels(1, 2, height=3.3)
    for shift, (case, label) in enumerate((("importance", "weights kept"), ("permuted_weights", "weights permuted"))):
        result = study[f"forecast/{case}"]
        smape = result.smape.sel(arm=list(TRAININGS))
        if not shift:
            left.plot(smape.values, color=COLOURS[7], linewidth=0.6, alpha=0.7)
        centre, low, high = np.array([median_interval(smape.sel(arm=arm).values) for arm in TRAININGS]).T
        whiskers(left, np.arange(4) + 0.1 * shift, centre, low, high, label=f"median, {label}", color=COLOURS[shift])
        mean = smape.mean("system")
        left.plot(np.arange(4) + 0.1 * shift, mean, "x", color=COLOURS[shift], label=f"mean, {label}")
    updates = study["forecast/importance"].updates.sel(arm=list(TRAININGS)).values
    left.set_xticks(np.arange(4), [f"{name}\n{n} steps" for name, n in zip(TRAININGS.values(), updates, strict=True)])
    left.set(ylabel="sMAPE (0 to 200)", title="a system is a line", ylim=(0, None))
    left.legend(fontsize=7, loc="lower left")
    world, trained = study["simulate/importance"], study["train/importance"]
    series = world.history.isel(system=0, coord=0).values
    right.plot(series, color=COLOURS[7], linewidth=0.8)
    low, high = series.min(), series.max()
    for level, arm in enumerate(("importance", "random")):
        begun = trained.start_point.sel(sampled=arm).isel(system=0, round=slice(1, None)).values.ravel()
        height = low - (0.08 + 0.08 * level) * (high - low)
        right.plot(begun, np.full(begun.size, height), "|", color=COLOURS[level], markersize=8, label=f"starts, {arm}")
    right.set(xlabel="points of the history", ylabel="first coordinate", title=str(world.system.values[0]))
    right.set_ylim(top=high + 0.3 * (high - low))
    right.legend(loc="upper right", fontsize=7)
    return figure


def symbolic_regression(study):
    """sMAPE of predicted derivatives for each regression; medians of the paper beside."""
    figure, (axes,) = panels(1, 3, height=3.2, sharey=True)
    tree, control = study["forecast/symbolic"], study["forecast/trigonometric_fields"]
    groups = (
        ("quadratic systems", tree["known_form"].to_dataset()),
        ("other systems", tree["other_form"].to_dataset()),
        ("trigonometric fields", control["known_form"].to_dataset()),
    )
    rng = np.random.default_rng(0)
    for ax, (title, result) in zip(axes, groups, strict=True):
        names = [str(name) for name in result.regression.values]
        for x, name in enumerate(names):
            errors = np.maximum(result.smape.sel(regression=name).values, 1e-16)
            spread = x + rng.uniform(-0.2, 0.2, errors.size)
            ax.plot(spread, errors, ".", markersize=3, color=COLOURS[x], alpha=0.6)
            whiskers(ax, [x], *([v] for v in median_interval(errors)), color="black")
        ax.set_xticks(range(len(names)), [REGRESSIONS[name] for name in names], fontsize=6)
        ax.set(yscale="log", title=f"{title} ({result.sizes['system']})", xlim=(-0.5, len(names) - 0.5))
    for name, error in PAPER_ERRORS.items():
        names = list(groups[0][1].regression.values)
        if name in names:
            x = names.index(name)
            axes[0].plot([x + 0.32], [error], "*", color=COLOURS[4], markersize=8)
        else:
            axes[0].axhline(error, color=COLOURS[4], linestyle="--", linewidth=0.8)
            axes[0].annotate("PySR in the paper", (-0.4, 1.6 * error), fontsize=6, color=COLOURS[4])
    axes[0].set(ylabel="sMAPE of the derivatives (0 to 2)")
    axes[0].plot([], [], "*", color=COLOURS[4], label="the paper, all systems")
    axes[0].legend(loc="lower left", fontsize=6)
    return figure
