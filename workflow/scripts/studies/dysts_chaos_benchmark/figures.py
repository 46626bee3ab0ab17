"""Draws the zoo, its exponents, features and forecasts, and the three applications."""

import numpy as np

from pesin.plot.style import COLOURS, panels, whiskers
from pesin.stats.intervals import median_interval
from studies.dysts_chaos_benchmark import figures_applications

FAMILIES = {"naive": 7, "classical": 5, "regression": 2, "deep": 0, "hybrid": 3, "baseline": 4}
KINDS = {"flow": 0, "delay": 1, "map": 2}
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


def gallery(study):
    """A small phase portrait of every system: the first coordinate against the second (or a delayed one)."""
    data = study["simulate/flows"].to_dataset(inherit=False)
    columns = int(np.ceil(np.sqrt(data.sizes["system"] * 1.2)))
    rows = int(np.ceil(data.sizes["system"] / columns))
    figure, axes = panels(rows, columns, height=0.62)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, i in zip(axes.flat, range(data.sizes["system"]), strict=False):
        x, kind = data["x"].values[i], str(data["kind"].values[i])
        lag = 1 if kind == "map" else 25
        second = x[:, 1] if np.isfinite(x[:, 1:2]).any() else np.roll(x[:, 0], -lag)
        first, second = (x[:-lag, 0], second[:-lag]) if not np.isfinite(x[:, 1:2]).any() else (x[:, 0], second)
        style = {"linestyle": "none", "marker": ",", "markersize": 1} if kind == "map" else {"linewidth": 0.25}
        ax.plot(first, second, color=COLOURS[KINDS[kind]], rasterized=True, **style)
        ax.set_title(str(data["system"].values[i]), fontsize=3.2, pad=0.5)
    for kind, colour in KINDS.items():
        axes.flat[0].plot([], [], color=COLOURS[colour], label=kind)
    figure.legend(
        *axes.flat[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        title="x against y, or itself delayed",
    )
    return figure


def exponents(study):
    """Stored against recomputed largest exponents, and the sum of exponents against the divergence."""
    data = study["entropy/flows"]
    figure, ((left, right),) = panels(1, 2, height=3.4)
    period = data["period"].values
    own, error = data["lambda_1"].values * period, data["lambda_1_error"].values * period
    stored = data["lambda_1_stored"].values * period
    floor = 1e-3
    for kind, colour in (("flow", 0), ("delay", 1)):
        rows = (data["kind"].values == kind) & np.isfinite(own) & np.isfinite(stored)
        chaotic = rows & (data["is_chaotic"].values == 1)
        left.errorbar(
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
        left.plot(
            np.full(rest.sum(), floor),
            stored[rest],
            "<",
            markersize=3,
            color=COLOURS[colour],
            markerfacecolor="none",
            label=f"{kind}s, not chaotic here ({rest.sum()})",
        )
    line = np.array([floor, 30])
    left.plot(line, line, color=COLOURS[7], linewidth=0.8)
    left.fill_between(line, line * 0.7, line * 1.3, color=COLOURS[7], alpha=0.2, linewidth=0, label="within 30 %")
    ratio = np.abs(np.log(np.where(stored > 0, stored, np.nan) / np.where(own > floor, own, np.nan)))
    for i in np.argsort(-np.nan_to_num(ratio))[:6]:
        left.annotate(
            str(data["system"].values[i]),
            (own[i], stored[i]),
            xytext=(3, 2),
            textcoords="offset points",
            fontsize=5,
        )
    left.set(
        xscale="log",
        yscale="log",
        xlabel=r"recomputed $\lambda_1$ [nats per period]",
        ylabel=r"stored $\lambda_1$ [nats per period]",
    )
    left.set_ylim(3e-3, 60)
    left.legend(fontsize=6, loc="lower right")
    gaps = study["entropy/annotations"]["sum_gap"].values
    ours = np.sort(np.maximum(gaps[np.isfinite(gaps)], 1e-12))
    summed = np.abs(np.nansum(data["exponents_stored"].values, 1) - data["mean_divergence"].values)
    theirs = summed / np.nansum(np.abs(data["exponents_stored"].values), 1)
    theirs = np.sort(theirs[np.isfinite(theirs)])
    for values, colour, label in ((ours, 0, "recomputed"), (theirs, 1, "stored in dysts")):
        right.plot(values, np.arange(1, values.size + 1) / values.size, color=COLOURS[colour], label=label)
    right.axvline(0.02, color=COLOURS[7], linestyle="--", linewidth=0.8, label="2 %")
    right.set(
        xscale="log",
        xlabel=r"$|\sum\lambda_i - \langle\nabla\cdot f\rangle|\,/\,\sum|\lambda_i|$",
        ylabel="share of the smooth flows",
    )
    right.legend(loc="center")
    return figure


def diversity(study):
    """Principal components of the features, coloured by chaos, and how stable the clusters are."""
    data, noise, spectra = study["entropy/features"], study["entropy/noise_features"], study["entropy/flows"]
    figure, ((left, right),) = panels(1, 2, height=3.0, width_ratios=[1.5, 1])
    rate = spectra["lambda_1_per_period"].sel(system=data["system"].values).values
    colour = np.log10(np.maximum(np.nan_to_num(rate, nan=1e-3), 1e-2))
    markers = "osD^vP*Xph"
    for cluster in np.unique(data["cluster_of"].values):
        rows = data["cluster_of"].values == cluster
        points = left.scatter(
            *data["position"].values[rows].T,
            c=colour[rows],
            vmin=-2,
            vmax=1,
            s=14,
            marker=markers[cluster % 10],
            linewidth=0,
            label=f"cluster {cluster + 1}",
        )
    bar = figure.colorbar(points, ax=left)
    bar.set_label(r"$\log_{10}\lambda_1$ [nats per period]")
    left.set(xlabel="first principal component", ylabel="second principal component")
    left.legend(fontsize=6)
    for result, colour_index, label in ((data, 0, "measured"), (noise, 1, "noise in their place")):
        values = np.sort(result["stability"].values)[::-1]
        right.plot(np.arange(1, values.size + 1), values, "o-", color=COLOURS[colour_index], label=label)
    right.axhline(0.6, color=COLOURS[7], linestyle="--", linewidth=0.8)
    right.set(xlabel="cluster, most stable first", ylabel="bootstrap Jaccard stability", ylim=(0, 1))
    right.legend()
    return figure


def forecasters(study):
    """Distribution of sMAPE for each forecaster, by its median, with the paper's medians."""
    data = study["forecast/fine"]
    scores = data["smape"].values
    order = np.argsort(np.median(scores, 1))
    figure, ((ax,),) = panels(1, 1, height=3.2)
    for place, i in enumerate(order):
        family, name = str(data["family"].values[i]), str(data["forecaster"].values[i])
        colour = COLOURS[FAMILIES.get(family, 6)]
        parts = ax.violinplot(scores[i], [place], widths=0.8, showextrema=False)
        for body in parts["bodies"]:
            body.set(facecolor=colour, alpha=0.35, linewidth=0)
        middle, low, high = median_interval(scores[i])
        whiskers(ax, [place], [middle], [low], [high], color=colour)
        if name in PAPER:
            ax.plot(place, PAPER[name], "x", color=COLOURS[6], markersize=4)
    for family, index in FAMILIES.items():
        ax.plot([], [], color=COLOURS[index], label=family)
    ax.plot([], [], "x", color=COLOURS[6], label="paper's median")
    ax.set_xticks(range(len(order)), [str(data["forecaster"].values[i]) for i in order], rotation=60, ha="right")
    ax.set(ylabel="sMAPE [%], 0 to 200", ylim=(0, 200))
    ax.legend(ncols=4, fontsize=6, loc="lower right")
    return figure


def error_against_chaos(study):
    """Error of the best forecaster against the exponent, and the correlation of every forecaster's with invariants."""
    figure, ((left, right),) = panels(1, 2, height=3.4, width_ratios=[1, 1.5])
    for name, colour, label in (("chaos", 0, "15 points per period"), ("chaos_fine", 1, "100 points per period")):
        data = study[f"forecast/{name}"]
        left.plot(
            np.maximum(data["lambda_1"].values, 1e-3),
            data["smape_of_the_best"].values,
            "o",
            markersize=2.5,
            color=COLOURS[colour],
            label=f"{data['best'].item()}, {label}",
        )
    left.set(xscale="log", xlabel=r"recomputed $\lambda_1$ [nats per period]", ylabel="sMAPE [%]", ylim=(0, 200))
    left.legend(fontsize=6)
    data, shuffled = study["forecast/chaos"], study["forecast/shuffled_exponents"]
    names = [str(name) for name in data["forecaster"].values]
    at = np.arange(len(names))
    for j, (invariant, colour) in enumerate((("lambda_1", 0), ("pesin_entropy", 2), ("lambda_1_stored", 5))):
        rho = data["rho"].sel(invariant=invariant).values
        whiskers(
            right,
            at + 0.2 * (j - 1.5),
            *rho.T,
            label={"lambda_1": r"$\lambda_1$", "pesin_entropy": "Pesin entropy"}.get(invariant, r"stored $\lambda_1$"),
            markersize=2.5,
            linewidth=0.7,
            color=COLOURS[colour],
        )
    right.plot(
        at + 0.3,
        shuffled["rho"].sel(invariant="lambda_1", bound="value").values,
        "x",
        markersize=3,
        color=COLOURS[7],
        label=r"shuffled $\lambda_1$",
    )
    right.axhline(0, color=COLOURS[7], linewidth=0.8)
    right.set_xticks(at, names, rotation=60, ha="right", fontsize=6)
    right.set_ylabel(r"Spearman $\rho$ with sMAPE")
    right.legend(fontsize=6, ncols=2)
    return figure


def conditions(study):
    """Median sMAPE of each forecaster on fine, coarse and noisy data."""
    data = study["forecast/ranks"]
    figure, ((ax,),) = panels(1, 1, height=3.4)
    ends = data["median_smape"].values
    heights = _spread(ends[-1], 4.5)
    for i, name in enumerate(data["forecaster"].values):
        colour = COLOURS[i % 8]
        ax.plot(range(3), ends[:, i], "o-", color=colour, markersize=3, linewidth=1.4 if name == "N-BEATS" else 0.7)
        ax.annotate(str(name), (2, ends[-1, i]), xytext=(2.12, heights[i]), fontsize=6, color=colour, va="center")
    ax.set_xticks(range(3), ["fine", "coarse", "noisy"])
    ax.set(xlim=(-0.1, 2.7), ylabel="median sMAPE over systems [%]")
    return figure


def _spread(values: np.ndarray, gap: float) -> np.ndarray:
    """Heights of labels: in the order of the values, at least `gap` apart."""
    order, out = np.argsort(values), values.astype(float).copy()
    for lower, upper in zip(order, order[1:], strict=False):
        out[upper] = max(out[upper], out[lower] + gap)
    return out


def transfer_learning(study):
    """Accuracy with pre-trained encoders against raw features."""
    return figures_applications.transfer_learning(study)


def importance_sampling(study):
    """Error after training on all, on hard and on random stretches."""
    return figures_applications.importance_sampling(study)


def symbolic_regression(study):
    """Error of the equations that sparse regression finds."""
    return figures_applications.symbolic_regression(study)
