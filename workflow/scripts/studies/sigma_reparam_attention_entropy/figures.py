"""The study's figures: training curves, entropy against instability, the bound, learning rates, depth."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pesin.entropy.learning import attention_entropy_bound
from pesin.plot.style import (
    COLOURS,
    interval_band,
    interval_whiskers,
    legend,
    log_axis,
    named,
    names,
    note,
    panels,
)
from pesin.stats.intervals import Centre, interval
from pesin.steps.results import Results

NAMES = {
    "pre_ln": "pre-LN", "post_ln": "post-LN", "no_ln": "no norm", "sigma": r"$\sigma$Reparam",
    "uniform": "attention off",
    "sigma_pre_ln": r"$\sigma$Reparam + pre-LN",
    "spectral_norm": r"spectral norm, $\gamma=1$", "weight_norm": "weight norm", "qk_norm": "pre-LN + QK norm",
    "pre_ln_cold": "pre-LN, scores up", "pre_ln_hot": "pre-LN, scores down",
    "adamw_ln_warmup": "AdamW, pre-LN, warm-up", "sgd_sigma": r"SGD, $\sigma$Reparam", "sgd_plain": "SGD, no norm",
}  # fmt: skip
MAIN = {"pre_ln": COLOURS[1], "sigma": COLOURS[0], "no_ln": COLOURS[6], "post_ln": COLOURS[2], "uniform": COLOURS[7]}
SCALED = {"pre_ln_hot": ("v", "scores / 4"), "pre_ln": ("o", "as they are"), "pre_ln_cold": ("^", "x 4")}


def called(variant) -> str:
    """How a variant is written."""
    return NAMES.get(str(variant), str(variant))


def coloured(variant) -> str:
    """The colour of a variant of the grid."""
    return MAIN.get(str(variant), COLOURS[3])


def training(study: Results) -> Figure:
    """Loss above, entropy of each layer below; both arms at the smallest and the largest learning rate."""
    curves = study["train/sequences"]["grid"].to_dataset().isel({"depth": 0})
    # Of the nets of this depth; what is left are layers that only deeper ones have.
    layers = study["entropy/sequences"]["layer_entropy"].isel({"depth": 0}).dropna("layer", how="all")
    chosen = study.params("sequences").entropy.arms
    rates = curves["rate"].values
    columns = [(v, rate) for v in (chosen.baseline, chosen.treated) for rate in (rates[0], rates[-1])]
    figure, axes = panels(2, len(columns), height=2.1, sharex=True, sharey="row")
    highest = np.log(np.arange(1, curves.attrs["keys"] + 1)).mean()
    for (variant, rate), (upper, lower) in zip(columns, axes.T, strict=True):
        at = {"variant": variant, "rate": rate}
        loss = interval(curves["loss"].sel(at), "seed")
        interval_band(upper, curves["step"].values, loss, color=COLOURS[6], linewidth=0.8)
        upper.set_title(f"{called(variant)}, rate {rate:g}")
        for layer, colour in zip(range(layers.sizes["layer"]), COLOURS, strict=False):
            found = interval(layers.sel(at).isel({"layer": layer}), "seed")
            found = found._replace(low=found.low.clip(0, highest), high=found.high.clip(0, highest))
            interval_band(lower, layers["probe"].values, found, label=f"layer {layer + 1}", color=colour)
        lower.axhline(highest, color=COLOURS[7], linestyle=":", linewidth=1)
        lower.set_xlabel("step")
    axes[0, 0].set_ylabel(named(curves["loss"], "training loss"))
    axes[1, 0].set(ylabel=named(layers, "attention entropy"), ylim=(0, 1.1 * highest))
    legend(axes[1, 0], loc="lower left")
    return figure


def instability(study: Results) -> Figure:
    """Instability against the lowest entropy; the effect of the scores' scale; early warning."""
    measured, scores = study["entropy/sequences"], study["forecast/sequences"]
    figure, axes = panels(1, 3, height=2.9)
    _association(axes[0, 0], measured, scores, study.params("sequences").entropy.associated)
    _intervention(axes[0, 1], measured, scores)
    for i, name in enumerate(scores.predictor.values):
        # A cross: in some seeds all runs are stable from then on, or all unstable, and nothing is to be told apart.
        area = interval(scores["warning"].sel({"predictor": name}), "seed")
        interval_band(axes[0, 2], scores["before"].values, area, label=str(name), color=COLOURS[i])
    axes[0, 2].axhline(0.5, color=COLOURS[7], linestyle=":", linewidth=1)
    axes[0, 2].set(xlabel="step t of the measurement", ylim=(0, 1.35))
    axes[0, 2].set_ylabel(named(scores["warning"], "AUROC, instability from t on"))
    legend(axes[0, 2], loc="upper center")
    return figure


def _association(panel, measured, scores, shown) -> None:
    lowest, size = measured["lowest_entropy"].isel({"depth": 0}), scores["instability"].isel({"depth": 0})
    rates = lowest["rate"].values
    for variant in [name for name in lowest["variant"].values if name in shown]:
        for j in range(len(rates)):
            at = {"variant": variant, "rate": rates[j]}
            label = called(variant) if j == len(rates) - 1 else None
            style = {"color": coloured(variant), "markersize": 2.5 + 1.2 * j, "alpha": 0.7}
            panel.plot(lowest.sel(at).values, size.sel(at).values, "o", label=label, markeredgewidth=0, **style)
    panel.set(xlabel=named(lowest, "lowest entropy of a layer"), ylabel=named(size, "instability of the loss"))
    log_axis(panel, "y")
    panel.set_title("larger dots: larger rates")
    panel.set_ylim(top=panel.get_ylim()[1] * 6)
    legend(panel, loc="upper right")


def _intervention(panel, measured, scores) -> None:
    """Entropy and instability of the pre-LN network with its scores scaled, one line for each learning rate."""
    have = [str(name) for name in measured["ablation"].values] if "ablation" in measured.dims else []
    for i, rate in enumerate(measured["ablation_rate"].values if have else []):
        runs = _scaled_runs(measured, scores, have, rate)
        x, y = (np.array([interval(pair[k]) for pair in runs.values()], float).T for k in (0, 1))
        interval_whiskers(panel, x[0], Centre(*y), fmt="-", color=COLOURS[i], label=f"rate {rate:g}")
        for name, place, value in zip(runs, x[0], y[0], strict=True):
            marker, text = SCALED[name]
            look = {"color": COLOURS[i], "label": text if i == 0 else None, "markersize": 6, "zorder": 3}
            panel.plot(place, value, marker, **look)
    panel.set(
        xlabel=named(measured["lowest_entropy"], "lowest entropy of a layer"),
        ylabel=named(scores["instability"], "instability"),
        title="pre-LN, scores scaled",
    )
    panel.set_ylim(0, panel.get_ylim()[1] * 1.5)
    if have:
        lines, labels = panel.get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda i: not labels[i].startswith("rate"))
        legend(
            panel,
            handles=[lines[i] for i in order],
            labels=[labels[i] for i in order],
            loc="upper right",
            ncols=2,
            columnspacing=1,
        )


def _scaled_runs(measured, scores, have: list[str], rate: float) -> dict[str, tuple]:
    """Lowest entropy and instability, each of shape (seeds,), by the scale of the scores, as far as it was trained."""
    found = {}
    for name in SCALED:
        if name in have:
            at = {"ablation": name, "ablation_rate": rate, "ablation_depth": measured["ablation_depth"][0]}
            pair = (measured[f"ablation_{what}"].sel(at) for what in ("entropy", "instability"))
        elif name == "pre_ln" and rate in measured["rate"].values:
            at = {"variant": name, "rate": rate, "depth": measured["depth"][0]}
            pair = (one.sel(at) for one in (measured["lowest_entropy"], scores["instability"]))
        else:  # a rate that the grid doesn't have
            continue
        found[name] = tuple(one.values for one in pair)
    return found


def bound(study: Results) -> Figure:
    """Observed entropies above their bounds, by the row's norm and by the theorem's; the decay with the norm."""
    random, trained = study["entropy/bound"], study["entropy/sequences"]
    figure, axes = panels(1, 3, height=2.9)
    for panel, norm, said in zip(axes[0], ("row_norm", "theorem_norm"), ("row's own", "theorem's"), strict=False):
        _above_the_bound(panel, random, norm)
        panel.set_xlabel(named(random[norm], f"norm of scores, {said} norm"))
    known = trained.variant.values
    kept = ["pre_ln", "sigma"] if "pre_ln" in known else known
    x, y = (one.sel({"variant": kept}).values.ravel()[::7] for one in (trained.row_norm, trained.row_entropy))
    style = {"color": COLOURS[7], "markersize": 1.5, "alpha": 0.4, "rasterized": True, "zorder": 0}
    axes[0, 0].plot(x, y, ".", label=f"trained networks, T = {int(trained.attrs['keys'])}", **style)
    for panel in axes[0, :2]:
        legend(panel, loc="lower left", bbox_to_anchor=(0, 1), handlelength=1)
    axes[0, 0].set_ylabel(named(trained["row_entropy"], "attention entropy of a row"))
    _decay(axes[0, 2], random)
    return figure


def _above_the_bound(panel, random, norm: str) -> None:
    """Random attention of the shortest and the longest rows above the bound's lines."""
    lengths, high = random["length"].values, float(random[norm].quantile(0.99))
    grid = np.geomspace(max(float(random[norm].min()), 1e-3), high, 200)
    for i, length in enumerate(lengths[[0, -1]]):
        mine = random["draw_length"].values == length
        style = {"color": COLOURS[2 * i], "markersize": 2, "alpha": 0.3, "rasterized": True}
        panel.plot(random[norm].values[mine], random["lowest_entropy"].values[mine], ".", **style)
        panel.plot(grid, attention_entropy_bound(grid, length), color=COLOURS[2 * i], label=f"bound, T = {length}")
    panel.set(xscale="log", yscale="log", ylim=(1e-4, 30), xlim=(0.02, high))


def _decay(panel, random) -> None:
    """The least entropy against the norm, and the law that the paper gives."""
    norm = random["norm"].values
    for i, length in enumerate(random["length"].values):
        at = {"length": length}
        style = {"color": COLOURS[i], "markersize": 3, "label": f"T = {length}"}
        panel.plot(norm, random["extremal_entropy"].sel(at).values, "o", **style)
        panel.plot(norm, random["bound"].sel(at).values, color=COLOURS[i])
    s = norm[norm >= 3]
    panel.plot(s, 64 * s * np.exp(-s), ":", color=COLOURS[7], label=r"$T s\,e^{-s}$, T = 64")
    panel.set(
        xlabel="norm s",
        ylabel=named(random["extremal_entropy"], "least entropy"),
        title="dots: extremal scores",
    )
    log_axis(panel, "y")
    legend(panel, loc="lower left")


def learning_rates(study: Results) -> Figure:
    """Final loss of every variant, width of the usable interval, and accuracy of the image recipes."""
    sequences = study["forecast/sequences"]
    figure, axes = panels(1, 3, height=3.6, width=8.4)
    _valleys(axes[0, 0], sequences)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    _widths(axes[0, 1], sequences, study.params("sequences").forecast)
    _recipes(axes[0, 2], study["forecast/images"])
    return figure


def _valleys(panel, sequences) -> None:
    """Loss of the grid's variants against the learning rate."""
    loss = sequences["loss"].isel({"depth": 0})
    for i, variant in enumerate(loss["variant"].values):
        place = loss["rate"].values * 1.06 ** (i - 1.5)
        look = {"label": called(variant), "color": coloured(variant), "fmt": "o-"}
        interval_whiskers(panel, place, interval(loss.sel({"variant": variant}), "seed"), **look)
    for value, name in zip(sequences["reference_loss"].values, sequences["reference"].values, strict=True):
        panel.axhline(value, color=COLOURS[7], linestyle=":", linewidth=1)
        note(panel, str(name), (0.03, value), xycoords=("axes fraction", "data"), va="bottom")
    panel.set(xlabel="learning rate (Adam)", ylabel=named(loss, "held-out loss"))
    log_axis(panel, "x", loss["rate"].values)
    names(panel, "x", (f"{rate:g}" for rate in loss["rate"].values), at=loss["rate"].values)
    log_axis(panel, "y", [1, 1.5, 2, 3, 4, 6])


def _widths(panel, sequences, params) -> None:
    """Decades of usable learning rates of both arms; small dots: seeds."""
    for i, (name, said) in enumerate((("rate_width", "own best"), ("common_rate_width", "better arm's best"))):
        place, values = np.arange(2) + 0.15 * (i - 0.5), sequences[name]
        interval_whiskers(panel, place, interval(values, "seed"), label=said, color=COLOURS[i])
        panel.plot(place + 0.05, values.transpose("arm", "seed").values, ".", color=COLOURS[i], markersize=3)
    chosen = params.arms.grid
    names(panel, "x", map(called, (chosen.baseline, chosen.treated)))
    panel.set(ylabel=named(sequences["rate_width"], "usable learning rates"), xlim=(-0.5, 1.5))
    panel.set_ylim(0, max(0.5, panel.get_ylim()[1]) * 1.35)
    legend(panel, loc="upper left", title=f"within {100 * params.near_best:g} % of")


def _recipes(panel, images) -> None:
    """Accuracy of each recipe against its learning rate; a ring: the rate that validates best."""
    for i, recipe in enumerate(images["recipe"].values):
        one, look = images.sel({"recipe": recipe}), {"color": COLOURS[i]}
        found = interval(one["test_accuracy"], "seed")
        interval_whiskers(panel, one["rate"].values, found, fmt="o-", label=called(recipe), **look)
        best = interval(one["best_accuracy"], "seed").centre
        panel.plot(one["best_rate"], best, "o", markersize=9, fillstyle="none", **look)
    panel.set(xlabel=named(images["rate"]), ylabel=named(images["test_accuracy"], "test accuracy, digits"))
    log_axis(panel, "x")
    panel.set(ylim=(0, 1.4), yticks=np.linspace(0, 1, 6))
    legend(panel, loc="upper left")


def depth(study: Results) -> Figure:
    """What is learnt at each depth, and spectral norms in training at the smallest and the largest learning rate."""
    figure, axes = panels(1, 3, height=2.9)
    _learnt(axes[0, 0], study["forecast/sequences"])
    norms = study["train/sequences"]["grid"]["spectral_norm"].isel({"depth": 0})
    norms = norms.dropna("layer", how="all")  # of the nets of this depth
    weights = norms.drop_sel({"matrix": "scores"}).max(("layer", "matrix"), skipna=False)
    logits = norms.sel({"matrix": "scores"}).max("layer", skipna=False)
    for panel, values, said in zip(axes[0, 1:], (weights, logits), ("weights", "attention scores"), strict=True):
        for variant in values["variant"].drop_sel({"variant": "uniform"}, errors="ignore").values:
            for rate, style in zip(values["rate"].values[[0, -1]], ("--", "-"), strict=True):
                look = {"color": coloured(variant), "linestyle": style, "label": f"{called(variant)}, rate {rate:g}"}
                found = interval(values.sel({"variant": variant, "rate": rate}), "seed")
                interval_band(panel, values["snapshot"].values, found, **look)
        panel.set(xlabel="step", ylabel=named(norms, f"spectral norm, {said}"))
        log_axis(panel, "y")
    legend(axes[0, 1], outside="above", ncols=2)
    return figure


def _learnt(panel, scores) -> None:
    """Share of the source learnt against the depth, at the best learning rate and (dotted) at each."""
    share, layers = scores["learned_at_depth"], scores["layers"].values
    for i, variant in enumerate(share["depth_variant"].values):
        at, colour = {"depth_variant": variant}, coloured(variant)
        found = interval(share.sel(at), "depth_seed")
        interval_whiskers(panel, layers * 1.04 ** (i - 1), found, label=called(variant), fmt="o-", color=colour)
        each = scores["learned_at_depth_and_rate"].sel(at).mean("depth_seed", skipna=False)
        panel.plot(layers, each.transpose("layers", "depth_rate"), ":", color=colour, linewidth=1)
    panel.axhline(0, color=COLOURS[7], linestyle=":", linewidth=1)
    panel.set(xlabel="layers", ylabel=named(share, "share beyond no attention"))
    panel.set_ylim(max(-1, panel.get_ylim()[0]), panel.get_ylim()[1])
    log_axis(panel, "x", layers)
    legend(panel, outside="above", ncols=2)
