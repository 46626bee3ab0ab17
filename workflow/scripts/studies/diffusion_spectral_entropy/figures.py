"""The study's figures: dimension, dependence, training, many networks, and where in bandwidth and time claims hold."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, band, panels, whiskers
from pesin.stats.intervals import mean_interval

MODES = {"supervised": "true labels", "random_labels": "random labels", "self_supervised": "self-supervised"}
ESTIMATORS = {"ksg": "KSG", "mine": "MINE"}
SHAPES = {"swiss_roll": "Swiss roll", "tree": "tree"}


def over(values, unit: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the units and its 95 % interval, for each element of the one other dimension."""
    columns = values.transpose(unit, ...).values.T
    centre, low, high = np.array([mean_interval(column[np.isfinite(column)]) for column in columns]).T
    return centre, np.where(np.isfinite(low), low, centre), np.where(np.isfinite(high), high, centre)


# ------------------------------------------------------------------------------------------------------------- toys


def dimension(study) -> Figure:
    """DSE and binned entropy against intrinsic dimension for each noise, and of a roll and a tree against noise."""
    result = study["entropy/toys"]
    figure, axes = panels(1, 3, height=2.8)
    ceiling = float(result["log2_samples"])
    dims, noise = result["intrinsic_dimension"].values, result["noise"].values
    kinds = (("dse", "diffusion spectral entropy"), ("cse", "binned entropy"))
    for panel, (name, title) in zip(axes[0], kinds, strict=False):
        for i, one in enumerate(noise):
            place = dims * 1.03 ** (i - (len(noise) - 1) / 2)
            look = {"label": f"{one:g}", "color": COLOURS[i], "fmt": "o-"}
            whiskers(panel, place, *over(result[name].sel(noise=one), "cloud"), **look)
        panel.set(xscale="log", xlabel="dimension d of the sphere", ylabel="entropy / bit", title=title)
        panel.set_xticks(dims, [str(d) for d in dims])
        panel.minorticks_off()
    axes[0, 0].legend(title="noise", loc="upper left")
    for panel in axes[0, 1:]:
        panel.axhline(ceiling, color=COLOURS[7], linestyle=":", linewidth=1)
    panel = axes[0, 2]
    for j, (shape, label) in enumerate(SHAPES.items()):
        for i, (name, kind) in enumerate((("dse_shape", "DSE"), ("cse_shape", "binned"))):
            values = over(result[name].sel(shape=shape), "cloud")
            look = {"color": COLOURS[i], "fmt": ("o-", "s--")[j], "label": f"{label}, {kind}"}
            whiskers(panel, noise, *values, **look)
    panel.set(xlabel="noise in each coordinate", ylabel="entropy / bit", title="roll and tree", ylim=(0, ceiling * 1.5))
    panel.legend(loc="upper right", fontsize=7)
    return figure


def dependence(study) -> Figure:
    """Information against the mixing share: each estimator, DSMI at each dimension, and what noise leaves of it."""
    result = study["entropy/toys"]
    mixing, noise = result["mixing"].values, result["view_noise"].values
    estimators = [str(name) for name in result["estimator"].values]
    colours = dict(zip(estimators, COLOURS, strict=False))
    figure, axes = panels(2, 2, height=2.7)
    compared = study.params("toys").entropy.dependence.compare_ambient
    for panel, one in zip(axes[0], (noise.min(), noise.max()), strict=True):
        for i, name in enumerate(estimators):
            place = mixing + 0.012 * (i - (len(estimators) - 1) / 2)
            values = over(result["information"].sel(estimator=name, view_noise=one), "seed")
            whiskers(panel, place, *values, label=named(name), color=colours[name], fmt="o-")
        panel.axhline(0, color="black", linewidth=0.6)
        panel.set(xlabel="mixing share p", ylabel="information / bit", title=f"noise {one:g}, {compared} dimensions")
    axes[0, 0].legend(loc="upper left")
    panel, main = axes[1, 0], study.params("toys").entropy.t
    for i, ambient in enumerate(result["ambient"].values):
        for one, line in zip(noise, ("o-", "o--"), strict=False):
            values = over(result["dsmi"].sel(ambient=ambient, view_noise=one, time=main), "seed")
            look = {"label": f"{ambient}, noise {one:g}", "color": COLOURS[i], "fmt": line}
            whiskers(panel, mixing, *values, **look)
    panel.set(xlabel="mixing share p", ylabel="DSMI / bit", title=f"DSMI at t = {main:g}, by dimension")
    panel.legend(loc="upper left", fontsize=7)
    panel = axes[1, 1]
    for i, name in enumerate(estimators):
        values = result["retention"].sel(estimator=name)
        whiskers(panel, [i], *over(values.expand_dims("one"), "seed"), color=colours[name])
        panel.plot(i + 0.2 + 0 * values, values, ".", color=colours[name], markersize=3)
    panel.axhline(0, color="black", linewidth=0.6)
    panel.set_xticks(range(len(estimators)), [named(name) for name in estimators], rotation=20)
    panel.set(
        ylabel=f"noise {noise.max():g} over noise {noise.min():g}", title=f"information retained, p = {mixing.max():g}"
    )
    return figure


def named(estimator: str) -> str:
    """How an estimator is written."""
    return ESTIMATORS.get(estimator) or estimator.replace("dsmi_t", "DSMI, t = ")


# --------------------------------------------------------------------------------------------------------- training


def training(study) -> Figure:
    """DSE and DSMI with the label under each convention, DSMI with the input, accuracy and norm, against the epoch."""
    result, textured = study["entropy/digits"], study["entropy/textured"]
    conventions = study.params("digits").entropy.conventions
    modes = [str(mode) for mode in result["mode"].values]
    figure, axes = panels(len(conventions), 3, height=2.4, sharex=True)
    for row, (name, convention) in zip(axes, conventions.items(), strict=True):
        for panel, quantity in zip(row, ("dse", "dsmi_label"), strict=False):
            curves(panel, result[quantity].sel(convention=name), modes)
        row[0].set(ylabel="DSE / bit", title=described(convention))
        row[1].set(ylabel="DSMI with the label / bit", title=described(convention))
        if name == study.params("digits").entropy.information:
            chance = np.nanquantile(result["dsmi_null"].values, [0.025, 0.975])
            row[1].axhspan(*chance, color=COLOURS[7], alpha=0.4, linewidth=0)
            other = result["dsmi_label_other"].sel(moment="last").mean("seed")
            for mode in modes:
                look = {"color": COLOURS[list(MODES).index(mode)], "markersize": 4}
                row[1].plot(result["epoch"].values[-1] * 1.25, other.sel(mode=mode), "D", **look)
    inputs, accuracy, norm = axes[:, 2] if len(axes) == 3 else (*axes[:1, 2], None, None)
    curves(inputs, result["dsmi_input"], modes)
    middle, low, high = over(textured["dsmi_input"].sel(mode="supervised"), "seed")
    look = {"color": COLOURS[4], "linestyle": "--", "label": "textured digits"}
    band(inputs, textured["epoch"].values, middle, low, high, **look)
    inputs.set(ylabel="DSMI with the input / bit", title="features of norm 1")
    if accuracy is not None:
        curves(accuracy, result["accuracy"], [mode for mode in modes if mode != "self_supervised"])
        band(accuracy, textured["epoch"].values, *over(textured["accuracy"].sel(mode="supervised"), "seed"), **look)
        accuracy.set(ylabel="training accuracy", ylim=(0, 1.05), title="accuracy")
        curves(norm, result["feature_norm"], modes)
        norm.set(ylabel="mean norm of the features", yscale="log", title="norm")
    for panel in axes.flat:
        panel.set_xscale("symlog", linthresh=1)
        last = result["epoch"].values[-1]
        ticks = [0, *(t for t in (1, 4, 16, 60, 200) if t <= last)]
        panel.set_xticks(ticks, map(str, ticks))
        panel.minorticks_off()
        panel.set_xlim(-0.15, 1.6 * last)
        panel.title.set_fontsize(8)
    for panel in axes[-1]:
        panel.set_xlabel("epoch")
    handles, labels = inputs.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def curves(panel, values, modes: list[str]) -> None:
    """A band over the seeds for each mode."""
    for mode in modes:
        colour = COLOURS[list(MODES).index(mode)]
        band(panel, values["epoch"].values, *over(values.sel(mode=mode), "seed"), color=colour, label=MODES[mode])


def described(convention) -> str:
    """A convention in words."""
    features = {"raw": "raw features", "l2": "features of norm 1"}[convention.features]
    sigma = "median distance" if convention.sigma == "median" else f"{convention.sigma:g}"
    return rf"{features}, $\sigma$ = {sigma}"


# ---------------------------------------------------------------------------------------------------- many networks


def downstream(study) -> Figure:
    """Accuracy against initial entropy and against DSMI with the label, and scores of early predictors."""
    result, scores = study["entropy/nets"], study["forecast/nets"]
    conventions = study.params("nets").entropy.initialisation
    figure, axes = panels(2, 3, height=2.5)
    for panel, (name, convention) in zip(axes[0], conventions.items(), strict=False):
        dse, accuracy = result["initial_dse"].sel(convention=name), result["initial_accuracy"]
        for seed in result["init_seed"].values:
            pair = (dse.sel(init_seed=seed).values, accuracy.sel(init_seed=seed).values)
            panel.plot(*pair, color=COLOURS[7], linewidth=0.6, zorder=1)
        for i, scale in enumerate(result["scale"].values):
            pair = (dse.sel(scale=scale).values, accuracy.sel(scale=scale).values)
            panel.plot(*pair, "o", color=COLOURS[i % len(COLOURS)], markersize=4, label=f"{scale:g}")
        rho = result["initial_rank_correlation"].sel(convention=name).mean().item()
        panel.set_title(f"{described(convention)}\nmean rank correlation {rho:.2f}", fontsize=7)
        panel.set(xlabel="initial DSE / bit", ylabel="accuracy at the fixed budget", ylim=(0, 1))
    axes[0, 0].legend(title="scale", loc="lower right", fontsize=7)
    panel = axes[1, 0]
    noise = result["label_noise"].values
    for i, share in enumerate(np.unique(noise)):
        at = noise == share
        x, y, error = (result[n].values[at] for n in ("dsmi_label", "test_accuracy", "dsmi_label_error"))
        look = {"fmt": "o", "markersize": 3, "elinewidth": 0.7, "color": COLOURS[i % len(COLOURS)]}
        panel.errorbar(x, y, xerr=1.96 * error, label=f"{share:.0%}", **look)
    panel.set(
        xlabel="DSMI with the label / bit", ylabel="test accuracy", title="at the end of training", ylim=(0, 1.02)
    )
    _early(axes[1, 1], result, scores)
    axes[1, 0].legend(title="label noise", loc="upper left", fontsize=7)
    panel = axes[1, 2]
    names = {"spearman": "Spearman", "kendall": "Kendall", "r_squared": "left-out $R^2$"}
    predictors = {"dsmi_label": "DSMI", "training_loss": "loss", "parameters": "size"}
    for i, (score, label) in enumerate(names.items()):
        place = np.arange(scores.sizes["predictor"]) + 0.2 * (i - 1)
        ends = (scores[f"{score}{end}"].values for end in ("", "_low", "_high"))
        whiskers(panel, place, *ends, label=label, color=COLOURS[i])
    panel.set_xticks(range(scores.sizes["predictor"]), [predictors[str(p)] for p in scores["predictor"].values])
    panel.axhline(0, color="black", linewidth=0.6)
    panel.set(ylabel="score", title="foretold after a tenth", ylim=(-0.8, 1.05))
    panel.legend(loc="lower left", fontsize=7)
    return figure


def _early(panel, result, scores) -> None:
    """Final accuracy against DSMI after a tenth of the training."""
    early = scores["early_value"].sel(predictor="dsmi_label").values
    panel.plot(early, result["test_accuracy"].values, "o", color=COLOURS[6], markersize=3)
    panel.set(xlabel="DSMI with the label / bit", ylabel="final test accuracy", ylim=(0, 1.02))
    panel.set_title("after a tenth of the training")


# ------------------------------------------------------------------------------------------------------ sensitivity


def sensitivity(study) -> Figure:
    """Shares of clouds and seeds for which a claim's criterion holds, over bandwidth and diffusion time."""
    toys, digits = study["entropy/toys"], study["entropy/digits"]
    p = study.params("toys").entropy
    conventions = study.params("digits").entropy.conventions
    gain = digits["sweep_dsmi_gain"]
    steady = np.abs(gain.sel(told_mode="random_labels")) < 0.1
    maps = (
        (
            (toys["sweep_correlation"] >= 1) & (toys["sweep_change"] < 0.05),
            "cloud",
            ("sigma", "time_sweep"),
            "C1: spheres",
            (p.sigma, p.t),
        ),
        (
            digits["sweep_dse_correlation"] >= 0.9,
            "seed",
            ("sigma", "time"),
            "C3: raw features",
            (conventions["package"].sigma, conventions["package"].t),
        ),
        (
            gain.sel(told_mode="supervised") > 0.5,
            "seed",
            ("sigma_information", "time"),
            "C4, true labels",
            (conventions["normalised"].sigma, conventions["normalised"].t),
        ),
        (
            steady,
            "seed",
            ("sigma_information", "time"),
            "C4, random labels",
            (conventions["normalised"].sigma, conventions["normalised"].t),
        ),
    )
    figure, axes = panels(1, 4, height=2.6)
    image = None
    for panel, (holds, unit, (sigma, time), title, judged) in zip(axes[0], maps, strict=True):
        share = holds.mean(unit).transpose(time, sigma).values
        image = panel.imshow(share, origin="lower", aspect="auto", cmap="cividis", vmin=0, vmax=1)
        sigmas, times = holds[sigma].values, holds[time].values
        panel.set_xticks(range(len(sigmas)), [f"{s:g}" for s in sigmas], rotation=45)
        panel.set_yticks(range(len(times)), [f"{t:g}" for t in times])
        panel.set(xlabel=r"bandwidth $\sigma$", title=title)
        if judged[0] in sigmas and judged[1] in times:
            place = list(sigmas).index(judged[0]), list(times).index(judged[1])
            panel.plot(*place, "o", markersize=11, markerfacecolor="none", color="white", markeredgewidth=2)
    axes[0, 0].set_ylabel("diffusion time t")
    figure.colorbar(image, ax=axes[0, -1], label="share that satisfies it")
    return figure
