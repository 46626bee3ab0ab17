"""The study's figures: dimension, dependence, training, many networks, and where in bandwidth and time claims hold."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import (
    COLOURS,
    PAGE,
    interval_band,
    interval_whiskers,
    legend,
    log_axis,
    named,
    names,
    panels,
    whiskers,
)
from pesin.stats.intervals import interval
from pesin.steps.results import Results

MODES = {"supervised": "true labels", "random_labels": "random labels", "self_supervised": "self-supervised"}
ESTIMATORS = {"ksg": "KSG", "mine": "MINE"}
SHAPES = {"swiss_roll": "Swiss roll", "tree": "tree"}
PREDICTORS = {"dsmi_label": "DSMI", "training_loss": "loss", "parameters": "size"}
SCORES = {"spearman": "Spearman", "kendall": "Kendall", "r_squared": "left-out $R^2$"}


# ------------------------------------------------------------------------------------------------------------- toys


def dimension(study: Results) -> Figure:
    """DSE and binned entropy against intrinsic dimension for each noise, and of a roll and a tree against noise."""
    result = study["entropy/toys"]
    figure, axes = panels(1, 3, height=2.8)
    ceiling = float(result["log2_samples"])
    dims, noise = result.intrinsic_dimension.values, result.noise.values
    for panel, name in zip(axes[0], ("dse", "cse"), strict=False):
        for i, one in enumerate(noise):
            place = dims * 1.03 ** (i - (len(noise) - 1) / 2)
            look = {"label": f"{one:g}", "color": COLOURS[i], "fmt": "o-"}
            interval_whiskers(panel, place, interval(result[name].sel(noise=one), "cloud"), **look)
        panel.set(
            xlabel="dimension d of the sphere",
            ylabel=named(result[name], "entropy"),
            title=result[name].attrs["long_name"],
        )
        log_axis(panel, "x", dims)
    legend(axes[0, 0], title="noise", loc="upper left")
    panel = axes[0, 2]
    for j, (shape, label) in enumerate(SHAPES.items()):
        for i, (name, kind) in enumerate((("dse_shape", "DSE"), ("cse_shape", "binned"))):
            look = {"color": COLOURS[i], "fmt": ("o-", "s--")[j], "label": f"{label}, {kind}"}
            interval_whiskers(panel, noise, interval(result[name].sel(shape=shape), "cloud"), **look)
    panel.set(xlabel="noise in each coordinate", ylabel=named(result["dse_shape"], "entropy"), title="roll and tree")
    panel.set_ylim(0, ceiling * 1.5)
    legend(panel, loc="upper right")
    for panel in axes[0, 1:]:
        panel.axhline(ceiling, color=COLOURS[7], linestyle=":", linewidth=1)
    return figure


def dependence(study: Results) -> Figure:
    """Information against the mixing share: each estimator, DSMI at each dimension, and what noise leaves of it."""
    result, asked = study["entropy/toys"], study.params("toys").entropy
    figure, axes = panels(2, 2, height=2.7)
    noise = result.view_noise.values
    for panel, one in zip(axes[0], (noise.min(), noise.max()), strict=True):
        _estimators(panel, result["information"].sel(view_noise=one))
        panel.set_title(f"noise {one:g}, {asked.dependence.compare_ambient} dimensions")
    legend(axes[0, 0], loc="upper left")
    _dimensions(axes[1, 0], result["dsmi"].sel(time=asked.t))
    axes[1, 0].set_title(f"DSMI at t = {asked.t:g}, by dimension")
    _retention(axes[1, 1], result["retention"])
    axes[1, 1].set(
        ylabel=f"noise {noise.max():g} over noise {noise.min():g}",
        title=f"information retained, p = {result.mixing.values.max():g}",
    )
    return figure


def _estimators(panel, information) -> None:
    mixing, estimators = information["mixing"].values, information["estimator"].values
    for i, name in enumerate(estimators):
        place = mixing + 0.012 * (i - (len(estimators) - 1) / 2)
        found = interval(information.sel(estimator=name), "seed")
        interval_whiskers(panel, place, found, label=spelled(name), color=COLOURS[i], fmt="o-")
    panel.axhline(0, color="black", linewidth=0.6)
    panel.set(xlabel="mixing share p", ylabel=named(information, "information"))


def _dimensions(panel, dsmi) -> None:
    for i, ambient in enumerate(dsmi["ambient"].values):
        for one, line in zip(dsmi["view_noise"].values, ("o-", "o--"), strict=False):
            look = {"label": f"{ambient}, noise {one:g}", "color": COLOURS[i], "fmt": line}
            found = interval(dsmi.sel(ambient=ambient, view_noise=one), "seed")
            interval_whiskers(panel, dsmi["mixing"].values, found, **look)
    panel.set(xlabel="mixing share p", ylabel=named(dsmi, "DSMI"))
    legend(panel, loc="upper left")


def _retention(panel, retention) -> None:
    estimators = retention["estimator"].values
    for i, name in enumerate(estimators):
        values = retention.sel(estimator=[name])
        interval_whiskers(panel, [i], interval(values, "seed"), color=COLOURS[i])
        panel.plot(np.full(values.size, i + 0.2), values.values.ravel(), ".", color=COLOURS[i], markersize=3)
    panel.axhline(0, color="black", linewidth=0.6)
    names(panel, "x", map(spelled, estimators), rotation=20)


def spelled(estimator: str) -> str:
    """How an estimator is written."""
    return ESTIMATORS.get(str(estimator)) or str(estimator).replace("dsmi_t", "DSMI, t = ")


# --------------------------------------------------------------------------------------------------------- training


def training(study: Results) -> Figure:
    """DSE and DSMI with the label under each convention, DSMI with the input, accuracy and norm, against the epoch."""
    result, textured = study["entropy/digits"], study["entropy/textured"]
    asked = study.params("digits").entropy
    figure, axes = panels(len(asked.conventions), 3, height=2.4, sharex=True)
    for row, (name, convention) in zip(axes, asked.conventions.items(), strict=True):
        for panel, quantity, short in zip(row, ("dse", "dsmi_label"), ("DSE", "DSMI with the label"), strict=False):
            curves(panel, result[quantity].sel(convention=name))
            panel.set(ylabel=named(result[quantity], short), title=described(convention))
        if name == asked.information:
            _chance_and_held_out(row[1], result)
    last_column = (
        ("dsmi_input", "DSMI with the input", "features of norm 1"),
        ("accuracy", "training accuracy", "accuracy"),
        ("feature_norm", "mean norm of the features", "norm"),
    )
    for panel, (quantity, short, title) in zip(axes[:, 2], last_column, strict=False):
        curves(panel, result[quantity].dropna("mode", how="all"))  # self-supervision has no accuracy
        panel.set(ylabel=named(result[quantity], short), title=title)
        if quantity == "feature_norm":
            log_axis(panel, "y")
            continue
        found = interval(textured[quantity].sel(mode="supervised"), "seed")
        look = {"color": COLOURS[4], "linestyle": "--", "label": "textured digits"}
        interval_band(panel, textured["epoch"].values, found, **look)
    last = result.epoch.values[-1]
    ticks = [0, *(t for t in (1, 4, 16, 60, 200) if t <= last)]
    for panel in axes.flat:
        panel.set_xscale("symlog", linthresh=1)
        panel.set_xticks(ticks, map(str, ticks))
        panel.minorticks_off()
        panel.set_xlim(-0.15, 1.6 * last)
    for panel in axes[-1]:
        panel.set_xlabel("epoch")
    figure.legend(*axes[0, 2].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _chance_and_held_out(panel, result) -> None:
    """95 % of the values with permuted labels, and DSMI on images of the other split at the last checkpoint."""
    chance = np.nanquantile(result["dsmi_null"].values, [0.025, 0.975])
    panel.axhspan(*chance, color=COLOURS[7], alpha=0.4, linewidth=0)
    other = result["dsmi_label_other"].sel(moment="last")
    for mode in result["mode"].values:
        look = {"color": COLOURS[list(MODES).index(mode)], "fmt": "D"}
        found = interval(other.sel(mode=[mode]), "seed")
        interval_whiskers(panel, [result["epoch"].values[-1] * 1.25], found, **look)


def curves(panel, values) -> None:
    """A band over the seeds for each mode."""
    for mode in values["mode"].values:
        look = {"color": COLOURS[list(MODES).index(mode)], "label": MODES[mode]}
        interval_band(panel, values["epoch"].values, interval(values.sel(mode=mode), "seed"), **look)


def described(convention) -> str:
    """A convention in words."""
    features = {"raw": "raw features", "l2": "features of norm 1"}[convention.features]
    sigma = "median" if convention.sigma == "median" else f"{convention.sigma:g}"
    return rf"{features}, $\sigma$ = {sigma}"


# ---------------------------------------------------------------------------------------------------- many networks


def downstream(study: Results) -> Figure:
    """Accuracy against initial entropy and against DSMI with the label, and scores of early predictors."""
    result, scores = study["entropy/nets"], study["forecast/nets"]
    figure, axes = panels(2, 3, height=2.6)
    for panel, (name, convention) in zip(axes[0], study.params("nets").entropy.initialisation.items(), strict=False):
        _initial(panel, result.sel(convention=name))
        panel.set_title(f"{described(convention)}\n{panel.get_title()}")
    legend(axes[0, 0], title="scale")
    _at_the_end(axes[1, 0], result)
    _early(axes[1, 1], result, scores)
    _scores(axes[1, 2], scores)
    return figure


def _initial(panel, result) -> None:
    """Accuracy after the fixed budget against the initial DSE: a line for each seed, a colour for each scale.

    The title gives their rank correlation over the scales, mean over the seeds and its interval.
    """
    dse, accuracy = result["initial_dse"], result["initial_accuracy"]
    for seed in result["init_seed"].values:
        pair = (dse.sel(init_seed=seed).values, accuracy.sel(init_seed=seed).values)
        panel.plot(*pair, color=COLOURS[7], linewidth=0.6, zorder=1)
    for i, scale in enumerate(result["scale"].values):
        pair = (dse.sel(scale=scale).values, accuracy.sel(scale=scale).values)
        panel.plot(*pair, "o", color=COLOURS[i % len(COLOURS)], markersize=4, label=f"{scale:g}")
    rho = interval(result["initial_rank_correlation"], "init_seed")
    panel.set_title(rf"$\rho$ = {rho.centre:.2f} ({rho.low:.2f} to {rho.high:.2f})")
    panel.set(xlabel=named(dse, "initial DSE"), ylabel=named(accuracy, "accuracy at the fixed budget"), ylim=(0, 1))


def _at_the_end(panel, result) -> None:
    """Accuracy against DSMI with the label at the end of training, a point for each network."""
    dsmi, accuracy, noise = result["dsmi_label"], result["test_accuracy"], result["label_noise"].values
    for i, share in enumerate(np.unique(noise)):
        at = noise == share
        look = {"markersize": 3, "color": COLOURS[i % len(COLOURS)], "label": f"{share:.0%}"}
        panel.plot(dsmi.values[at], accuracy.values[at], "o", **look)
    panel.set(xlabel=named(dsmi, "DSMI with the label"), ylabel=named(accuracy, "test accuracy"), ylim=(0, 1.02))
    panel.set_title("at the end of training")
    legend(panel, title="label noise")


def _early(panel, result, scores) -> None:
    """Final accuracy against DSMI after a tenth of the training."""
    early = scores["early_value"].sel(predictor="dsmi_label").values
    panel.plot(early, result["test_accuracy"].values, "o", color=COLOURS[6], markersize=3)
    panel.set(xlabel=named(result["dsmi_label"], "DSMI with the label"), ylim=(0, 1.02))
    panel.set(ylabel=named(result["test_accuracy"], "final test accuracy"), title="after a tenth of the training")


def _scores(panel, scores) -> None:
    """How well each early predictor foretells the accuracy, with its bootstrap interval over the networks."""
    for i, (score, label) in enumerate(SCORES.items()):
        place = np.arange(scores.sizes["predictor"]) + 0.2 * (i - 1)
        centre, low, high = (scores[f"{score}{end}"].values for end in ("", "_low", "_high"))
        whiskers(panel, place, centre, low, high, label=label, color=COLOURS[i])
    names(panel, "x", (PREDICTORS[str(name)] for name in scores["predictor"].values))
    panel.axhline(0, color="black", linewidth=0.6)
    panel.set(ylabel="score", title="foretold after a tenth", ylim=(-0.8, 1.7), yticks=(-0.5, 0, 0.5, 1))
    legend(panel, loc="upper right")


# ------------------------------------------------------------------------------------------------------ sensitivity


def sensitivity(study: Results) -> Figure:
    """Shares of clouds and seeds for which a claim's criterion holds, over bandwidth and diffusion time."""
    maps = _maps(study)
    figure, axes = panels(1, len(maps), height=2.6, width=PAGE * (0.25 + 0.75 * len(maps) / 4))
    image = None
    for panel, (holds, unit, (sigma, time), title, judged) in zip(axes[0], maps, strict=True):
        share = holds.mean(unit).transpose(time, sigma).values  # a missing value doesn't satisfy it
        image = panel.imshow(share, origin="lower", aspect="auto", cmap="cividis", vmin=0, vmax=1)
        sigmas, times = holds[sigma].values, holds[time].values
        names(panel, "x", (f"{s:g}" for s in sigmas), rotation=45)
        names(panel, "y", (f"{t:g}" for t in times))
        panel.set(xlabel=r"bandwidth $\sigma$", title=title)
        if judged[0] in sigmas and judged[1] in times:
            place = list(sigmas).index(judged[0]), list(times).index(judged[1])
            panel.plot(*place, "o", markersize=11, markerfacecolor="none", color="white", markeredgewidth=2)
    axes[0, 0].set_ylabel("diffusion time t")
    figure.colorbar(image, ax=axes[0, -1], label="share that satisfies it")
    return figure


def _maps(study: Results) -> list[tuple]:
    """(criterion, its units, its axes, title, the setting judged) of each map that was asked for (`entropy.sweep`)."""
    toys, digits = study["entropy/toys"], study["entropy/digits"]
    p, conventions = study.params("toys").entropy, study.params("digits").entropy.conventions
    spheres = (toys.sweep_correlation >= 1) & (toys.sweep_change < 0.05)
    maps = [(spheres, "swept_cloud", ("sigma", "time_sweep"), "C1: spheres", (p.sigma, p.t))]
    if study.params("digits").entropy.sweep is None:
        return maps
    package, normalised = ((conventions[name].sigma, conventions[name].t) for name in ("package", "normalised"))
    gain, informed = digits.sweep_dsmi_gain, ("sigma_information", "time")
    rising, steady = gain.sel(told_mode="supervised") > 0.5, np.abs(gain.sel(told_mode="random_labels")) < 0.1
    return [
        *maps,
        (digits.sweep_dse_correlation >= 0.9, "swept_seed", ("sigma", "time"), "C3: raw features", package),
        (rising, "swept_seed", informed, "C4, true labels", normalised),
        (steady, "swept_seed", informed, "C4, random labels", normalised),
    ]
