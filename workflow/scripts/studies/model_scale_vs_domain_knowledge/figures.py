"""The figures of model_scale_vs_domain_knowledge."""

from __future__ import annotations

from typing import Any

import numpy as np

from pesin.plot.style import (
    COLOURS,
    interval_band,
    interval_whiskers,
    legend,
    log_axis,
    name_points,
    named,
    names,
    note,
    panels,
)
from pesin.stats.intervals import Centre, correlation_interval, interval
from pesin.steps.results import Results

FAMILIES = {
    "naive": COLOURS[7],
    "classical": COLOURS[4],
    "regression": COLOURS[2],
    "deep": COLOURS[0],
    "hybrid": COLOURS[1],
    "baseline": COLOURS[6],
}
SHOWN = ("N-BEATS", "N-HiTS", "LSTM", "NODE", "ESN", "NVAR", "LinearRegression", "NVAR-2")
LINES = dict(zip(SHOWN, (*COLOURS[:6], COLOURS[7], COLOURS[6]), strict=True))
# Medians over 128 or 131 systems, from the author's result files of April 2023.
PAPER = {
    "N-BEATS": 42.3,
    "N-HiTS": 63.8,
    "LSTM": 65.2,
    "NODE": 66.8,
    "NVAR": 69.3,
    "RandomForest": 73.1,
    "ESN": 75.9,
    "Transformer": 78.3,
    "XGBoost": 92.9,
    "LinearRegression": 94.4,
    "NLinear": 94.7,
    "BlockRNN": 101.7,
    "DLinear": 102.8,
    "TCN": 116.7,
    "Kalman": 140.7,
}
PAPER_SWEEP = {
    "N-BEATS": {1000: 42.3, 326: 80.2, 251: 96.1, 176: 106.2, 101: 116.7},
    "NODE": {1000: 66.8, 326: 85.1, 251: 85.7, 176: 104.8},
    "LinearRegression": {1000: 94.4, 251: 96.0},
    "ESN": {1000: 75.9, 101: 114.1},
}
LOSSES = (-0.5, 4.0)  # loss of information over the Pesin entropy: ends of the axis
PAPER_SECONDS = {
    "LinearRegression": 0.02,
    "Kalman": 0.05,
    "RandomForest": 1.2,
    "XGBoost": 1.4,
    "BlockRNN": 14,
    "TCN": 17,
    "NLinear": 18,
    "DLinear": 19,
    "NODE": 25,
    "N-HiTS": 63,
    "LSTM": 77,
    "N-BEATS": 380,
    "Transformer": 560,
}


def examples(study: Results):
    """F1: forecasts of three systems, time in Lyapunov times."""
    scores, data = study["forecast/scores"], study["simulate/orbits"]
    made: dict[str, Any] = {}
    for case in ("feedforward", "hybrid", "regression", "baseline"):
        part = study[f"train/{case}"]
        for i, name in enumerate(part.model.values):
            if name in ("N-BEATS", "NODE", "LinearRegression", "NVAR-2"):
                made.setdefault(str(name), part.isel(run=i, length=0))
    chaotic = scores.system.values[scores.chaotic.values]
    order = chaotic[np.argsort(scores.vpt.sel(rule="normalised_error", model="N-BEATS", system=chaotic).values)]
    chosen = {"at its best": order[-1], "in the middle": order[len(order) // 2], "at its worst": order[0]}
    figure, axes = panels(len(made), 3, height=1.25)
    for column, (how, system) in zip(axes.T, chosen.items(), strict=True):
        rate = float(scores.lambda_per_period.sel(system=system)) / data.attrs["points_per_period"]
        time = np.arange(1, data.sizes["lead"] + 1) * rate
        true = data.future.sel(system=system).values[:, 0]
        middle, spread = true.mean(), true.std()
        shown = slice(0, min(len(true), int(12 / rate), 8 * int(data.attrs["points_per_period"])))
        for ax, (name, part) in zip(column, made.items(), strict=True):
            ax.plot(time[shown], (true[shown] - middle) / spread, color="0.7", linewidth=2)
            forecast = part.forecast.sel(system=system).values[:, 0]
            # Points: a line through a forecast that jumps at each step would fill the panel.
            ax.plot(time[shown], (forecast[shown] - middle) / spread, ".", markersize=1.2, color=LINES[name])
            ax.set(ylim=(-3.2, 3.2))
        column[0].set_title(f"{system}\nN-BEATS {how}")
        column[-1].set_xlabel("Lyapunov times")
    for ax, name in zip(axes[:, 0], made, strict=True):
        ax.set_ylabel(name if name != "LinearRegression" else "linear")
    figure.supylabel("first coordinate (standard deviations), truth in grey")
    return figure


def error_against_lead(study: Results):
    """F2: sMAPE along the lead, in Lyapunov times."""
    scores = study["forecast/scores"]
    chaotic = scores.system.values[scores.chaotic.values]
    rate = scores.lambda_per_period.sel(system=chaotic).values
    near, far = float(scores.lead.min()) * rate, float(scores.lead.max()) * rate
    grid = np.linspace(0.2, 10, 25)
    # How far a forecast goes in Lyapunov times depends on its system: one that doesn't go so far hasn't failed there.
    there = (grid[:, None] >= near) & (grid[:, None] <= far)
    enough = there.sum(1) >= 3
    figure, axes = panels(2, 4, height=1.9, sharex=True, sharey=True)
    for ax, name in zip(axes.flat, SHOWN, strict=True):
        curve = scores.curve.sel(model=name, system=chaotic).values
        on_grid = np.array([np.interp(grid / r, scores.lead.values, one) for r, one in zip(rate, curve, strict=True)]).T
        found = [interval(on_grid[i, there[i]], estimate="median") for i in np.flatnonzero(enough)]
        interval_band(ax, grid[enough], Centre(*np.array(found, float).T), color=LINES[name])
        ax.axhline(30, color="0.5", linewidth=0.7, linestyle=":")
        ax.set_title(name)
    for ax in axes[-1]:
        ax.set_xlabel("Lyapunov times")
    for ax in axes[:, 0]:
        ax.set_ylabel(named(scores.curve, "median sMAPE"))
    return figure


def ranking(study: Results):
    """F3: models by median sMAPE, with the paper's medians."""
    scores = study["forecast/scores"]
    scores = scores.isel(model=np.argsort(-np.median(scores.smape_short.values, axis=1)))
    place, models = np.arange(scores.sizes["model"]), scores.model.values
    figure, axes = panels(1, 2, height=4.6, sharey=True)
    left, right = axes[0]
    for ax, variable, title in ((left, "smape_short", "2 periods"), (right, "smape_long", "whole lead")):
        for family, colour in FAMILIES.items():
            mine = scores.family.values == family
            if mine.any():
                middle, low, high, _ = interval(scores[variable].isel(model=mine), "system", "median")
                look = {"fmt": "o", "markersize": 4, "linewidth": 1, "color": colour, "label": family}
                ax.errorbar(middle, place[mine], xerr=[middle - low, high - middle], **look)
        ax.set(xlabel=named(scores[variable], f"median sMAPE, {title}"), xlim=(0, 200))
    known = [(PAPER[name], y) for name, y in zip(models, place, strict=True) if name in PAPER]
    left.plot(*zip(*known, strict=True), "D", color="0.5", fillstyle="none", markersize=5, label="paper")
    everywhere = dict(zip(scores.zoo_model.values, np.median(scores.zoo_smape.values, axis=1), strict=True))
    known = [(everywhere[name], y) for name, y in zip(models, place, strict=True) if name in everywhere]
    left.plot(*zip(*known, strict=True), "|", color="k", markersize=9, label=f"all {scores.sizes['zoo_system']}")
    names(left, "y", models)
    handles, labels = left.get_legend_handles_labels()
    legend(right, outside="right", handles=handles, labels=labels)
    return figure


def error_against_exponent(study: Results):
    """F4: sMAPE and valid prediction time against the recomputed exponent."""
    scores = study["forecast/scores"]
    models = [name for name in ("N-BEATS", "N-HiTS", "NODE", "NVAR-2") if name in scores.model.values]
    figure, axes = panels(3, len(models), height=1.9, sharey="row")
    for row, task, said in zip(axes, ("short", "long"), ("sMAPE, 2 periods", "sMAPE, whole lead"), strict=False):
        for ax, name in zip(row, models, strict=True):
            if task == "long" and name in scores.largest.values:  # judged: on all flows
                rate, chaotic = scores.flow_lambda.values, scores.flow_chaotic.values == 1
                smape = scores.flow_smape.sel(largest=name).values
            else:
                rate, chaotic = scores.lambda_per_period.values, scores.chaotic.values
                smape = scores[f"smape_{task}"].sel(model=name).values
            _against_exponent(ax, rate, chaotic, smape, LINES[name])
        row[0].set_ylabel(named(scores[f"smape_{task}"], said))
    rate = scores.lambda_per_period
    for ax, name in zip(axes[-1], models, strict=True):
        y = scores.vpt_periods.sel(rule="normalised_error", model=name).values + 0.02  # none at all stays on the axis
        _against_exponent(ax, rate.values, scores.chaotic.values, y, LINES[name])
        log_axis(ax, "y", [0.1, 1, 10])
        ax.set_xlabel(named(rate, "λ₁"))
    axes[-1, 0].set_ylabel(named(scores.vpt_periods, "valid time"))
    for ax, name in zip(axes[0], models, strict=True):
        ax.set_title(f"{name}\n{ax.get_title()}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _against_exponent(ax, rate: np.ndarray, chaotic: np.ndarray, y: np.ndarray, colour: str) -> None:
    """One number for each system against its exponent; systems that aren't chaotic stand at the left edge."""
    known = np.isfinite(rate)
    rho = correlation_interval(rate[known], y[known])
    edge = np.full((~chaotic).sum(), rate[chaotic].min() / 2)
    ax.plot(rate[chaotic], y[chaotic], "o", markersize=3, color=colour, label="chaotic")
    ax.plot(edge, y[~chaotic], "x", markersize=4, color="0.5", label="not chaotic")
    log_axis(ax, "x", [0.1, 1])
    ax.set_title("ρ = {:.2f} ({:.2f}, {:.2f})".format(*rho))


def history_length(study: Results):
    """F5: sMAPE against the length of the history."""
    scores = study["forecast/scores"]
    lengths = scores.length.values
    figure, axes = panels(1, 2, height=3.0)
    left, right = axes[0]
    for name in [name for name in scores.sweep_model.values if name in LINES]:
        found = interval(scores.sweep_smape.sel(sweep_model=name), "sweep_system", "median")
        look = {"color": LINES[name], "label": name, "marker": "o", "markersize": 3}
        if name in ("N-BEATS", "NODE"):
            interval_band(left, lengths, found, **look)
        else:
            left.plot(lengths, found.centre, **look)
        if name in PAPER_SWEEP:
            left.plot(*zip(*PAPER_SWEEP[name].items(), strict=True), "--", color=LINES[name], linewidth=0.8)
    left.set(ylabel=named(scores.sweep_smape, "median sMAPE, 2 periods"), ylim=(0, 200))
    legend(left, ncols=3, outside="above")
    gap = interval(scores.gap, "sweep_system", "median")
    interval_whiskers(right, lengths, gap, fmt="o-", color="k")
    for x, y, name in zip(lengths, np.asarray(gap.high), scores.best_hybrid.values, strict=True):
        note(right, name, (x, y), textcoords="offset points", xytext=(0, 3), ha="center")
    right.axhline(0, color="0.6", linewidth=0.8)
    right.set_ylabel(named(scores.gap, "best hybrid - N-BEATS"))
    right.margins(x=0.12, y=0.1)
    for ax in (left, right):
        log_axis(ax, "x", lengths[:: max(len(lengths) // 6, 1)])
        ax.set_xlabel("points of history")
    return figure


def metric_correlation(study: Results):
    """F6: the matrix of the metrics."""
    rho = study["forecast/scores"].metric_correlation
    matrix, metrics = rho.values, rho.metric.values
    figure, axes = panels(1, 1, width=5.2, height=4.4)
    ax = axes[0, 0]
    first = np.linalg.eigh(matrix)[1][:, -1]
    order = np.argsort(-first * np.sign(first.sum()))
    picture = ax.imshow(matrix[np.ix_(order, order)], vmin=-1, vmax=1, cmap="RdBu_r")
    names(ax, "x", metrics[order], rotation=90)
    names(ax, "y", metrics[order])
    ax.spines[:].set_visible(False)
    figure.colorbar(picture, label=named(rho, "Spearman's ρ, signs aligned"), shrink=0.8)
    size = np.abs(matrix[np.triu_indices(len(metrics), 1)])
    share = np.linalg.eigvalsh(matrix)[-1] / len(metrics)
    ax.set_title(f"median |ρ| = {np.median(size):.2f}, first component {share:.0%} of variance")
    return figure


def error_against_time(study: Results):
    """F7: accuracy against the wall time of a fit."""
    scores = study["forecast/scores"]
    figure, axes = panels(1, 2, height=3.4, width_ratios=[2.2, 1])
    left, right = axes[0]
    seconds = np.maximum(np.median(scores.seconds_total.values, axis=1), 1e-5)
    middle, ours = np.median(scores.smape_short.values, axis=1), scores.family.values != "baseline"
    for family, colour in FAMILIES.items():
        mine = scores.family.values == family
        left.plot(seconds[mine], middle[mine], "o", markersize=4, color=colour, label=family)
    left.margins(x=0.12)
    log_axis(left, "x")
    name_points(left, seconds, middle, scores.model.values, (240, 165))
    for mine, style in ((ours, "-"), (np.ones(len(middle), bool), ":")):
        order = np.argsort(seconds[mine])
        best = np.minimum.accumulate(middle[mine][order])
        left.step(seconds[mine][order], best, style, where="post", color="0.5", linewidth=1, zorder=0)
    rho, low, high = correlation_interval(seconds[ours], middle[ours])
    left.set(xlabel=named(scores.seconds_total, "wall time for a system, tuning included"))
    left.set(ylabel=named(scores.smape_short, "median sMAPE, 2 periods"))
    left.set_title(f"the paper's models: ρ = {rho:.2f} ({low:.2f}, {high:.2f})")
    clocks = list(scores.clock_model.values)
    for i, name in enumerate(clocks):
        every = scores.clock_seconds.values[i]
        right.plot(np.full(every.size, i), every, "o", markersize=4, color=LINES[name])
    known = [(i, PAPER_SECONDS[name]) for i, name in enumerate(clocks) if name in PAPER_SECONDS]
    left.plot([], [], "D", color="0.5", fillstyle="none", label="paper")
    right.plot(*zip(*known, strict=True), "D", color="0.5", fillstyle="none")
    right.set(yscale="log", xlim=(-0.5, len(clocks) - 0.5))
    right.set_ylabel(named(scores.clock_seconds, "fit at the paper's size"))
    names(right, "x", clocks)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=7)
    return figure


def forecastability(study: Results):
    """Valid prediction time of the best and the median forecaster against the recomputed invariants."""
    scores = study["forecast/scores"]
    paper = scores.family.values != "baseline"
    end = float(scores.vpt_periods.max())  # of the forecast
    scores = scores.isel(system=scores.chaotic.values)
    times = scores.vpt_periods.sel(rule="normalised_error").values
    invariants = {
        "lambda_per_period": ("λ₁", "lambda_error_per_period"),
        "pesin_per_period": ("Pesin entropy", "pesin_error_per_period"),
        "kaplan_yorke_dimension": ("Kaplan-Yorke dimension", None),
        "correlation_dimension": ("correlation dimension", None),
        "multiscale_entropy": ("multiscale entropy", None),
    }
    groups = (
        ("best of all", times.max(0), COLOURS[6]),
        ("median of the\npaper's 24", np.median(times[paper], axis=0), COLOURS[1]),
    )
    figure, axes = panels(len(groups), len(invariants), height=1.9, width=9.0, sharex="col", sharey="row")
    for row, (label, y, colour) in zip(axes, groups, strict=True):
        y = y + 0.01  # none at all stays on the axis
        for ax, (name, (_, error)) in zip(row, invariants.items(), strict=True):
            x = np.asarray(scores[name])
            spread = 1.96 * np.asarray(scores[error]) if error else None
            ax.errorbar(x, y, xerr=spread, fmt="o", markersize=2.5, linewidth=0.7, color=colour)
            log_axis(ax, "y", [0.01, 0.1, 1, 10])
            known = np.isfinite(x)
            ax.set_title("ρ = {:.2f} ({:.2f}, {:.2f})".format(*correlation_interval(x[known], y[known])))
        row[0].set_ylabel(named(scores.vpt_periods, f"{label}\n"))
    for ax, (name, (said, error)) in zip(axes[-1], invariants.items(), strict=True):
        ax.set_xlabel(named(scores[name], f"{said}\n"))
        if error:
            log_axis(ax, "x", [0.1, 1])
    for ax in axes[0]:
        ax.axhline(end, color="0.6", linewidth=0.7, linestyle=":")
    return figure


def information(study: Results):
    """Mutual information of forecast and truth along the lead."""
    found = study["entropy/metrics"]
    figure, axes = panels(1, 2, height=2.8)
    left, right = axes[0]
    models = list(found.information_model.values)
    for i, name in enumerate(models):
        middle = interval(found.information.sel(information_model=name), "system", "median")
        interval_band(left, found.window, middle, label=name, color=LINES[name])
        loss = found.information_loss.sel(information_model=name).values
        shown = np.clip(loss, *LOSSES)
        right.plot(np.full(loss.size, i), shown, "o", markersize=3, color=LINES[name])
        beyond = shown[shown != loss]
        right.plot(np.full(beyond.size, i), beyond, "s", markersize=6, color=LINES[name], fillstyle="none")
    left.plot(found.window, np.median(found.information_floor.values, axis=0), "--", color="0.4", label="floor")
    left.set(xlabel="lead (periods)", ylabel=named(found.information, "mutual information"), ylim=(0, None))
    legend(left, ncols=3, outside="above")
    right.axhline(1, color="0.6", linewidth=0.8)
    right.plot([], [], "s", markersize=6, color="0.4", fillstyle="none", label="beyond the axis")
    legend(right, outside="above")
    names(right, "x", models, rotation=30)
    right.set_ylabel(named(found.information_loss, "loss / Pesin entropy"))
    return figure
