"""The figures of model_scale_vs_domain_knowledge."""

from __future__ import annotations

import numpy as np

from pesin.plot.style import COLOURS, band, panels, whiskers
from pesin.stats.intervals import correlation_interval, median_interval

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


def examples(study):
    """F1: forecasts of three systems, time in Lyapunov times."""
    scores, data = study["forecast/scores"], study["simulate/orbits"]
    made = {}
    for case in ("feedforward", "hybrid", "regression", "baseline"):
        part = study[f"train/{case}"]
        for i, name in enumerate(part.model.values):
            if name in ("N-BEATS", "NODE", "LinearRegression", "NVAR-2"):
                made.setdefault(str(name), part.isel(run=i, length=0))
    chaotic = scores.system.values[scores.chaotic.values]
    valid = scores.vpt.sel(rule="normalised_error", model="N-BEATS", system=chaotic).values
    order = chaotic[np.argsort(valid)]
    chosen = [order[-1], order[len(order) // 2], order[0]]
    figure, axes = panels(len(made), 3, height=1.25)
    per_point = scores.lambda_per_period / data.attrs["points_per_period"]
    for column, system in zip(axes.T, chosen, strict=True):
        rate = float(per_point.sel(system=system))
        time = np.arange(1, data.sizes["lead"] + 1) * rate
        true = data.future.sel(system=system).values[:, 0]
        middle, spread = true.mean(), true.std()
        shown = slice(0, min(len(true), int(12 / rate), 8 * int(data.attrs["points_per_period"])))
        for ax, (name, part) in zip(column, made.items(), strict=True):
            ax.plot(time[shown], (true[shown] - middle) / spread, color="0.7", linewidth=2)
            forecast = part.forecast.sel(system=system).values[:, 0]
            ax.plot(time[shown], (forecast[shown] - middle) / spread, color=LINES[name], linewidth=1)
            ax.set(ylim=(-3.2, 3.2))
            if ax in axes[:, 0]:
                ax.set_ylabel(name if name != "LinearRegression" else "linear")
        column[0].set_title(system)
        column[-1].set_xlabel("Lyapunov times")
    figure.suptitle(
        "First coordinate in standard deviations (grey: truth); N-BEATS does best, middling and worst", fontsize=9
    )
    return figure


def error_against_lead(study):
    """F2: sMAPE along the lead, in Lyapunov times."""
    scores = study["forecast/scores"]
    chaotic = scores.system.values[scores.chaotic.values]
    rate = scores.lambda_per_period.sel(system=chaotic).values
    far = float(scores.lead.max())
    grid = np.linspace(0.2, 10, 25)
    figure, axes = panels(2, 4, height=1.9, sharex=True, sharey=True)
    for ax, name in zip(axes.flat, SHOWN, strict=True):
        curve = scores.curve.sel(model=name, system=chaotic).values
        first, last = grid[:, None] >= float(scores.lead.min()) * rate, grid[:, None] <= far * rate
        on_grid = np.array([np.interp(grid / r, scores.lead.values, one) for r, one in zip(rate, curve, strict=True)]).T
        on_grid = np.where(first & last, on_grid, np.nan)
        enough = np.isfinite(on_grid).sum(1) >= 3
        low, middle, high = np.nanquantile(on_grid[enough], [0.25, 0.5, 0.75], axis=1)
        band(ax, grid[enough], middle, low, high, color=LINES[name])
        ax.axhline(30, color="0.5", linewidth=0.7, linestyle=":")
        ax.set_title(name)
    for ax in axes[-1]:
        ax.set_xlabel("Lyapunov times")
    for ax in axes[:, 0]:
        ax.set_ylabel("sMAPE (%)")
    return figure


def ranking(study):
    """F3: models by median sMAPE, with the paper's medians."""
    scores = study["forecast/scores"]
    figure, axes = panels(1, 2, height=4.6, width=7.2, sharey=True)
    values = scores.smape_short.values
    middle = np.median(values, axis=1)
    order = np.argsort(-middle)
    names, families = scores.model.values[order], scores.family.values[order]
    place = np.arange(len(order))
    for ax, variable, title in (
        (axes[0, 0], "smape_short", "2 periods"),
        (axes[0, 1], "smape_long", "whole lead"),
    ):
        found = np.array([median_interval(row) for row in scores[variable].values[order]])
        for family, colour in FAMILIES.items():
            mine = families == family
            if mine.any():
                ax.errorbar(
                    found[mine, 0],
                    place[mine],
                    xerr=np.abs(found[mine, 1:] - found[mine, :1]).T,
                    fmt="o",
                    markersize=4,
                    color=colour,
                    linewidth=1,
                    label=family,
                )
        ax.set(xlabel=f"median sMAPE (%), {title}", xlim=(0, 200))
    known = [(PAPER[name], y) for name, y in zip(names, place, strict=True) if name in PAPER]
    axes[0, 0].plot(*zip(*known, strict=True), "D", color="0.5", fillstyle="none", markersize=5, label="paper")
    everywhere = dict(zip(scores.zoo_model.values, np.median(scores.zoo_smape.values, axis=1), strict=True))
    known = [(everywhere[name], y) for name, y in zip(names, place, strict=True) if name in everywhere]
    axes[0, 0].plot(*zip(*known, strict=True), "|", color="k", markersize=9, label=f"all {scores.sizes['zoo_system']}")
    axes[0, 0].set_yticks(place, names)
    axes[0, 1].legend(*axes[0, 0].get_legend_handles_labels(), loc="lower left", fontsize=7)
    return figure


def error_against_exponent(study):
    """F4: sMAPE and valid prediction time against the recomputed exponent."""
    scores = study["forecast/scores"]
    rate = scores.lambda_per_period.values
    names = [n for n in ("N-BEATS", "N-HiTS", "NODE", "NVAR-2") if n in scores.model.values]
    figure, axes = panels(3, len(names), height=1.9, sharey="row")
    rows = (
        ("smape_short", "short", "sMAPE, 2 periods"),
        ("smape_long", "long", "sMAPE, whole lead"),
        (None, None, "valid time (periods)"),
    )
    shown = np.where(scores.chaotic.values, rate, np.nan)
    for row, (variable, task, label) in zip(axes, rows, strict=True):
        for ax, name in zip(row, names, strict=True):
            if variable:
                y = scores[variable].sel(model=name).values
                low, high = scores.rho_end.sel(task=task, model=name).values
                said = f"ρ = {float(scores.rho.sel(task=task, model=name)):.2f} ({low:.2f}, {high:.2f})"
            else:
                y = scores.vpt_periods.sel(rule="normalised_error", model=name).values + 0.02
                known = np.isfinite(rate)
                said = "ρ = {:.2f} ({:.2f}, {:.2f})".format(*correlation_interval(rate[known], y[known]))
            ax.plot(shown, y, "o", markersize=3, color=LINES[name])
            regular = ~scores.chaotic.values
            ax.plot(np.full(regular.sum(), np.nanmin(shown) / 2), y[regular], "x", markersize=4, color="0.5")
            ax.set(xscale="log")
            ax.set_title(said, fontsize=8)
            if ax in axes[:, 0]:
                ax.set_ylabel(label)
            if variable is None:
                ax.set_yscale("log")
                ax.set_xlabel("λ₁ T (nat per period)")
    for ax, name in zip(axes[0], names, strict=True):
        ax.set_title(f"{name}\n{ax.get_title()}", fontsize=8)
    axes[0, 0].plot([], [], "x", color="0.5", markersize=4, label="not chaotic")
    axes[0, 0].legend(fontsize=7, loc="upper left")
    return figure


def history_length(study):
    """F5: sMAPE against the length of the history."""
    scores = study["forecast/scores"]
    figure, axes = panels(1, 2, height=3.0)
    left, right = axes[0]
    for name in scores.sweep_model.values:
        found = np.array([median_interval(row) for row in scores.sweep_smape.sel(sweep_model=name).values]).T
        if name in ("N-BEATS", "NODE"):
            band(left, scores.length, *found, color=LINES[name], label=name, marker="o", markersize=3)
        else:
            left.plot(scores.length, found[0], color=LINES[name], label=name, marker="o", markersize=3)
        if name in PAPER_SWEEP:
            left.plot(*zip(*PAPER_SWEEP[name].items(), strict=True), "--", color=LINES[name], linewidth=0.8)
    left.set(xscale="log", xlabel="points of history", ylabel="median sMAPE, 2 periods (%)", ylim=(0, 200))
    left.legend(fontsize=7, ncol=2, loc="upper right")
    found = np.array([median_interval(row) for row in scores.gap.values])
    whiskers(right, scores.length, *found.T, color="k", linestyle="-")
    for x, y, name in zip(scores.length.values, found[:, 2], scores.best_hybrid.values, strict=True):
        right.annotate(name, (x, y), textcoords="offset points", xytext=(0, 3), ha="center", fontsize=7)
    right.axhline(0, color="0.6", linewidth=0.8)
    right.set(xscale="log", xlabel="points of history", ylabel="best hybrid - N-BEATS (%)")
    right.margins(x=0.12, y=0.1)
    for ax in (left, right):
        ax.set_xticks(scores.length.values, [str(n) for n in scores.length.values])
        ax.minorticks_off()
    return figure


def metric_correlation(study):
    """F6: the matrix of the metrics."""
    scores = study["forecast/scores"]
    names = scores.metric.values
    figure, axes = panels(1, 1, width=5.2, height=4.4)
    ax = axes[0, 0]
    matrix = scores.metric_correlation.values
    order = np.argsort(-np.linalg.eigh(matrix)[1][:, -1] * np.sign(np.linalg.eigh(matrix)[1][:, -1].sum()))
    picture = ax.imshow(matrix[np.ix_(order, order)], vmin=-1, vmax=1, cmap="RdBu_r")
    ax.set_xticks(range(len(names)), names[order], rotation=90)
    ax.set_yticks(range(len(names)), names[order])
    ax.spines[:].set_visible(False)
    figure.colorbar(picture, label="Spearman's ρ (signs aligned)", shrink=0.8)
    size = np.abs(matrix[np.triu_indices(len(names), 1)])
    share = np.linalg.eigvalsh(matrix)[-1] / len(names)
    ax.set_title(f"median |ρ| = {np.median(size):.2f}, first component {share:.0%} of variance")
    return figure


def error_against_time(study):
    """F7: accuracy against the wall time of a fit."""
    scores = study["forecast/scores"]
    figure, axes = panels(1, 2, height=3.4, gridspec_kw={"width_ratios": [2.2, 1]})
    left, right = axes[0]
    seconds = np.maximum(np.median(scores.seconds_total.values, axis=1), 1e-5)
    middle = np.median(scores.smape_short.values, axis=1)
    for family, colour in FAMILIES.items():
        mine = scores.family.values == family
        left.plot(seconds[mine], middle[mine], "o", markersize=4, color=colour, label=family)
    for i, place in enumerate(np.argsort(middle)):  # labels in turn above and below, so that neighbours keep apart
        name, x, y = scores.model.values[place], seconds[place], middle[place]
        left.annotate(name, (x, y), textcoords="offset points", xytext=(3, 2 if i % 2 else -7), fontsize=6)
    left.margins(x=0.12)
    for mine, style in ((scores.family.values != "baseline", "-"), (np.ones(len(middle), bool), ":")):
        order = np.argsort(seconds[mine])
        best = np.minimum.accumulate(middle[mine][order])
        left.step(seconds[mine][order], best, style, where="post", color="0.5", linewidth=1, zorder=0)
    ours = scores.family.values != "baseline"
    rho, low, high = correlation_interval(seconds[ours], middle[ours])
    left.set(xscale="log", xlabel="wall time for a system, tuning included (s)", ylabel="median sMAPE, 2 periods (%)")
    left.set_title(f"time and error over the paper's models: ρ = {rho:.2f} ({low:.2f}, {high:.2f})")
    left.legend(fontsize=7)
    names = list(scores.clock_model.values)
    full = scores.clock_seconds.values
    for i, name in enumerate(names):
        right.plot(np.full(full.shape[1], i), full[i], "o", markersize=4, color=LINES[name])
        if name in PAPER_SECONDS:
            right.plot([i], [PAPER_SECONDS[name]], "D", color="0.5", fillstyle="none")
    right.set(yscale="log", ylabel="fit at the paper's size (s)", xlim=(-0.5, len(names) - 0.5))
    right.set_xticks(range(len(names)), names)
    right.set_title("diamond: paper")
    return figure


def forecastability(study):
    """Valid prediction time of the best and the median forecaster against the recomputed invariants."""
    scores = study["forecast/scores"]
    chaotic = scores.chaotic.values
    paper = scores.family.values != "baseline"
    times = scores.vpt_periods.sel(rule="normalised_error").values[:, chaotic]
    invariants = (
        ("lambda_per_period", "λ₁ T (nat)", "lambda_error_per_period", True),
        ("pesin_per_period", "Pesin entropy × T (nat)", "pesin_error_per_period", True),
        ("kaplan_yorke_dimension", "Kaplan-Yorke dimension", None, False),
        ("correlation_dimension", "correlation dimension", None, False),
        ("multiscale_entropy", "multiscale entropy", None, False),
    )
    groups = (
        ("best of all", times.max(0), COLOURS[6]),
        ("median of the paper's 24", np.median(times[paper], axis=0), COLOURS[1]),
    )
    longest = float(scores.vpt_periods.max())  # the end of the forecast
    figure, axes = panels(len(groups), len(invariants), height=1.9, width=9.0, sharex="col", sharey="row")
    for row, (label, y, colour) in zip(axes, groups, strict=True):
        y = y + 0.01
        for ax, (name, said, error, log) in zip(row, invariants, strict=True):
            x = scores[name].values[chaotic]
            spread = scores[error].values[chaotic] if error else None
            ax.errorbar(x, y, xerr=spread, fmt="o", markersize=2.5, linewidth=0.7, color=colour)
            ax.set(yscale="log")
            if log:
                ax.set_xscale("log")
            known = np.isfinite(x)
            if label.startswith("best"):
                ax.axhline(longest, color="0.6", linewidth=0.7, linestyle=":")
            ax.set_title("ρ = {:.2f} ({:.2f}, {:.2f})".format(*correlation_interval(x[known], y[known])), fontsize=8)
            if ax in axes[-1]:
                ax.set_xlabel(said)
        row[0].set_ylabel(f"{label}\n(periods)", fontsize=8)
    return figure


def information(study):
    """Mutual information of forecast and truth along the lead."""
    found = study["entropy/metrics"]
    figure, axes = panels(1, 2, height=2.8)
    left, right = axes[0]
    for name in found.information_model.values:
        values = found.information.sel(information_model=name).values
        spread = np.array([median_interval(column) for column in values.T])
        band(left, found.window, *spread.T, label=name, color=LINES[name])
    left.plot(found.window, np.median(found.information_floor.values, axis=0), "--", color="0.4", label="floor")
    left.set(xlabel="lead (periods)", ylabel="mutual information (nat)", ylim=(0, None))
    left.legend(fontsize=7)
    names = list(found.information_model.values)
    for i, name in enumerate(names):
        loss = found.information_loss.sel(information_model=name).values
        loss = loss[np.isfinite(loss)]
        right.plot(np.full(loss.size, i), loss, "o", markersize=3, color=LINES[name])
    right.axhline(1, color="0.6", linewidth=0.8)
    right.set_xticks(range(len(names)), names, rotation=30)
    right.set(ylabel="loss / Pesin entropy")
    return figure
