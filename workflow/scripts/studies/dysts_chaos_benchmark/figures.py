"""Draws the zoo, its exponents, features and forecasts, and the three applications."""

from typing import Any

import numpy as np

from pesin.plot.style import (
    COLOURS,
    interval_whiskers,
    legend,
    log_axis,
    name_points,
    named,
    names,
    note,
    panels,
    whiskers,
)
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.dysts_chaos_benchmark import figures_applications

FAMILIES = {"naive": 7, "classical": 5, "regression": 2, "deep": 0, "hybrid": 3, "baseline": 4}
KINDS = {"flow": 0, "delay": 1, "map": 2}
LEAST = 1e-3  # exponent at the left edge [nat per period]
# Median sMAPE of the paper's own result files, fine data without noise (see the claim).
PAPER = {
    "N-BEATS": 67.7,
    "Transformer": 101.4,
    "LSTM": 102.0,
    "RandomForest": 106.0,
    "TCN": 113.3,
    "Theta": 116.0,
    "FourTheta": 116.0,
    "LinearRegression": 118.0,
    "AutoARIMA": 118.1,
    "FFT": 118.6,
    "ARIMA": 119.3,
    "NaiveSeasonal": 125.3,
    "NaiveDrift": 126.0,
    "NaiveMean": 148.9,
    "ExponentialSmoothing": 151.7,
}


def gallery(study: Results):
    """A small phase portrait of every system: the first coordinate against the second (or a delayed one)."""
    data = study["simulate/flows"]
    columns = int(np.ceil(np.sqrt(data.sizes["system"] * 1.2)))
    rows = int(np.ceil(data.sizes["system"] / columns))
    figure, axes = panels(rows, columns, height=0.62)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, i in zip(axes.flat, range(data.sizes["system"]), strict=False):
        x, kind = np.asarray(data["x"])[i], str(np.asarray(data["kind"])[i])
        lag = 1 if kind == "map" else 25
        second = x[:, 1] if np.isfinite(x[:, 1:2]).any() else np.roll(x[:, 0], -lag)
        first, second = (x[:-lag, 0], second[:-lag]) if not np.isfinite(x[:, 1:2]).any() else (x[:, 0], second)
        style = {"linestyle": "none", "marker": ",", "markersize": 1} if kind == "map" else {"linewidth": 0.25}
        ax.plot(first, second, color=COLOURS[KINDS[kind]], rasterized=True, **style)
        # The one size of its own: a name has to fit above a panel half an inch wide.
        ax.set_title(str(np.asarray(data["system"])[i]), fontsize=3.2, pad=0.5)
    for kind, colour in KINDS.items():
        axes.flat[0].plot([], [], color=COLOURS[colour], label=kind)
    figure.legend(
        *axes.flat[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        title="x against y, or itself delayed",
    )
    return figure


def exponents(study: Results):
    """Stored against recomputed largest exponents, and the sum of exponents against the divergence."""
    data = study["entropy/flows"]
    figure, ((left, right),) = panels(1, 2, height=3.4)
    _stored_against_recomputed(left, data)
    _sums_against_divergence(right, study["entropy/annotations"]["sum_gap"], data)
    return figure


def _stored_against_recomputed(ax, data) -> None:
    """Points with two standard errors; systems not seen to be chaotic at the left edge; the worst six are named."""
    rate, period, floor = data["lambda_1_per_period"], data["period"].values, 1e-3
    own, error = rate.values, data["lambda_1_error"].values * period
    stored = data["lambda_1_stored"].values * period
    for kind, colour in (("flow", 0), ("delay", 1)):
        rows = (data["kind"].values == kind) & np.isfinite(own) & np.isfinite(stored)
        chaotic = rows & (data["is_chaotic"].values == 1)
        ax.errorbar(
            own[chaotic],
            stored[chaotic],
            xerr=2 * error[chaotic],
            fmt="o",
            markersize=2.5,
            linewidth=0.6,
            color=COLOURS[colour],
            label=f"{kind}s, chaotic ({chaotic.sum()})",
        )
        rest = rows & ~chaotic
        ax.plot(
            np.full(rest.sum(), floor),
            stored[rest],
            "<",
            markersize=3,
            color=COLOURS[colour],
            markerfacecolor="none",
            label=f"{kind}s, not settled ({rest.sum()})",
        )
    line = np.array([floor, 30])
    ax.plot(line, line, color=COLOURS[7], linewidth=0.8)
    ax.fill_between(line, line * 0.7, line * 1.3, color=COLOURS[7], alpha=0.2, linewidth=0, label="within 30 %")
    there = (data["is_chaotic"].values == 1) & (data["kind"].values != "map") & (stored > 0)  # which have a marker
    ratio = np.abs(np.log(np.where(there, stored, np.nan) / np.where(there, own, np.nan)))
    ax.set(xscale="log", yscale="log", ylim=(3e-3, 60))
    seen = np.flatnonzero(there)
    worst = np.argsort(-np.nan_to_num(ratio[seen]))[:6]
    name_points(ax, own[seen], stored[seen], data["system"].values[seen], (215, 190), worst)
    ax.set(xlabel=named(rate, r"recomputed $\lambda_1$"), ylabel=named(rate, r"stored $\lambda_1$"))
    legend(ax, loc="lower right")  # no exponent in dysts is far below ours


def _sums_against_divergence(ax, gap, data) -> None:
    """Distributions over the smooth flows of the gap between the sum of exponents and the mean divergence."""
    exponents = data["exponents_stored"].values
    stored = np.abs(np.nansum(exponents, 1) - data["mean_divergence"].values) / np.nansum(np.abs(exponents), 1)
    for values, colour, label in ((gap.values, 0, "recomputed"), (stored, 1, "stored in dysts")):
        values = np.sort(np.maximum(values[np.isfinite(values)], 1e-12))  # a system at rest has no gap: 0 / 0
        ax.plot(values, np.arange(1, values.size + 1) / values.size, color=COLOURS[colour], label=label)
    ax.axvline(0.02, color=COLOURS[7], linestyle="--", linewidth=0.8, label="2 %")
    said = named(gap, r"$|\sum\lambda_i - \langle\nabla\cdot f\rangle|\,/\,\sum|\lambda_i|$")
    ax.set(xscale="log", xlabel=said, ylabel="share of the smooth flows")
    legend(ax, ncols=3, outside="above")


def diversity(study: Results):
    """Principal components of the features, coloured by chaos, and how stable the clusters are."""
    data, noise, spectra = study["entropy/features"], study["entropy/noise_features"], study["entropy/flows"]
    figure, ((left, right),) = panels(1, 2, height=3.0, width_ratios=[1.5, 1])
    rate = spectra.lambda_1_per_period.sel(system=data.system.values)
    colour = np.log10(np.maximum(np.nan_to_num(rate.values, nan=1e-3), 1e-2))
    markers = "osD^vP*Xph"
    for cluster in np.unique(data.cluster_of.values):
        rows = data.cluster_of.values == cluster
        points = left.scatter(
            *data.position.values[rows].T,
            c=colour[rows],
            vmin=-2,
            vmax=1,
            s=14,
            marker=markers[cluster % 10],
            linewidth=0,
            label=f"cluster {cluster + 1}",
        )
    bar = figure.colorbar(points, ax=left)
    bar.set_label(named(rate, r"$\log_{10}\lambda_1$"))
    left.set(xlabel="first principal component", ylabel="second principal component")
    legend(left, ncols=3, outside="above")
    for result, colour_index, label in ((data, 0, "measured"), (noise, 1, "noise in their place")):
        values = np.sort(result.stability.values)[::-1]
        right.plot(np.arange(1, values.size + 1), values, "o-", color=COLOURS[colour_index], label=label)
    right.axhline(0.6, color=COLOURS[7], linestyle="--", linewidth=0.8)
    note(right, f"third cluster against clouds\nwithout groups: p = {data.groupless_p.item():.2g}", (1, 0.04))
    right.set(
        xlabel="cluster, most stable first", ylabel=named(data.stability, "bootstrap Jaccard stability"), ylim=(0, 1)
    )
    legend(right, outside="above")
    return figure


def forecasters(study: Results):
    """Distribution of sMAPE for each forecaster, by its median, with the paper's medians."""
    data = study["forecast/fine"]
    data = data.isel(forecaster=np.argsort(np.median(data.smape.values, 1)))
    shown = [str(name) for name in data.forecaster.values]
    figure, ((ax,),) = panels(1, 1, height=3.2)
    for family in dict.fromkeys(data.family.values):
        mine = np.flatnonzero(data.family.values == family)
        smape, colour = data.smape.isel(forecaster=mine), COLOURS[FAMILIES.get(str(family), 6)]
        for body in ax.violinplot(list(smape.values), mine, widths=0.8, showextrema=False)["bodies"]:
            body.set(facecolor=colour, alpha=0.35, linewidth=0)
        interval_whiskers(ax, mine, interval(smape, "system", "median"), label=str(family), color=colour)
    known = [(place, PAPER[name]) for place, name in enumerate(shown) if name in PAPER]
    ax.plot(*zip(*known, strict=True), "D", color=COLOURS[6], fillstyle="none", markersize=4, label="paper's median")
    names(ax, "x", shown, rotation=60)
    ax.set(ylabel=named(data.smape), ylim=(0, 200))
    legend(ax, ncols=7, outside="above")
    return figure


def error_against_chaos(study: Results):
    """Error of N-BEATS against the exponent, and the correlation of every forecaster's with invariants."""
    figure, ((left, right),) = panels(1, 2, height=3.4, width_ratios=[1, 1.5])
    for name, colour, label in (("chaos", 0, "15 points per period"), ("chaos_fine", 1, "100 points per period")):
        data = study[f"forecast/{name}"]
        rate, smape = data.lambda_1.values, data.watched_smape.values
        shown, look = rate > LEAST, {"markersize": 2.5, "color": COLOURS[colour]}
        left.plot(rate[shown], smape[shown], "o", label=f"N-BEATS, {label}", **look)
        left.plot(np.full((~shown).sum(), LEAST), smape[~shown], "<", fillstyle="none", **look)
    left.plot([], [], "<", color=COLOURS[7], fillstyle="none", label=f"exponent below {LEAST:g}")
    data, shuffled = study["forecast/chaos"], study["forecast/shuffled_exponents"]
    log_axis(left, "x", [0.001, 0.01, 0.1, 1, 10])
    left.set(xlabel=named(data.lambda_1, r"recomputed $\lambda_1$"), ylabel=named(data.watched_smape, "sMAPE"))
    left.set_ylim(0, 200)
    legend(left, outside="above")
    at = np.arange(data.sizes["forecaster"])
    shown = {"lambda_1": r"$\lambda_1$", "pesin_entropy": "Pesin entropy", "lambda_1_stored": r"stored $\lambda_1$"}
    for j, ((invariant, label), colour) in enumerate(zip(shown.items(), (0, 2, 5), strict=True)):
        rho, low, high = data.rho.sel(invariant=invariant).values.T
        thin: dict[str, Any] = {"markersize": 2.5, "linewidth": 0.7, "color": COLOURS[colour]}
        whiskers(right, at + 0.2 * (j - 1.5), rho, low, high, label=label, **thin)
    rho = shuffled.rho.sel(invariant="lambda_1", bound="value").values
    look = {"markersize": 3, "fillstyle": "none", "color": COLOURS[7]}
    right.plot(at + 0.3, rho, "D", label=r"shuffled $\lambda_1$", **look)
    right.axhline(0, color=COLOURS[7], linewidth=0.8)
    names(right, "x", data.forecaster.values, rotation=60)
    right.set_ylabel(named(data.rho, r"Spearman $\rho$ with sMAPE"))
    legend(right, ncols=4, outside="above")
    return figure


def conditions(study: Results):
    """Mean sMAPE of each forecaster on fine, coarse and noisy data, the best on fine data on top."""
    data = study["forecast/ranks"]
    data = data.isel(forecaster=np.argsort(-data.mean_smape.sel(condition="fine").values))
    figure, ((ax,),) = panels(1, 1, height=3.6)
    place = np.arange(data.sizes["forecaster"])
    for i, (condition, marker) in enumerate(zip(data.condition.values, "osD", strict=True)):
        middle, low, high, _ = interval(data.smape.sel(condition=condition), "system")
        look = {"fmt": marker, "markersize": 3.5, "linewidth": 0.8, "color": COLOURS[i], "label": str(condition)}
        ax.errorbar(middle, place + 0.22 * (1 - i), xerr=[middle - low, high - middle], **look)
    said = ", ".join(
        f"{name} {rho[0]:.2f} ({rho[1]:.2f}, {rho[2]:.2f})"
        for name, rho in zip(data.compared.values, data.rank_correlation.values, strict=True)
    )
    names(ax, "y", [str(name) for name in data.forecaster.values])
    ax.set(xlabel=named(data.mean_smape), xlim=(0, 200), title=f"ranks against those on fine data: {said}")
    legend(ax, outside="right")
    return figure


def transfer_learning(study: Results):
    """Accuracy with pre-trained encoders against raw features."""
    return figures_applications.transfer_learning(study)


def importance_sampling(study: Results):
    """Error after training on all, on hard and on random stretches."""
    return figures_applications.importance_sampling(study)


def symbolic_regression(study: Results):
    """Error of the equations that sparse regression finds."""
    return figures_applications.symbolic_regression(study)
