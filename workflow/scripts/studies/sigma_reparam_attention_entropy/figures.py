"""The study's figures: training curves, entropy against instability, the bound, learning rates, depth."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pesin.entropy.learning import attention_entropy_bound
from pesin.plot.style import COLOURS, band, panels, whiskers
from pesin.stats.intervals import mean_interval

NAMES = {
    "pre_ln": "pre-LN", "post_ln": "post-LN", "no_ln": "no norm", "sigma": r"$\sigma$Reparam",
    "sigma_pre_ln": r"$\sigma$Reparam + pre-LN", "sigma_gamma_1": r"$\sigma$Reparam, $\gamma_0=1$",
    "spectral_norm": r"spectral norm, $\gamma=1$", "weight_norm": "weight norm", "qk_norm": "pre-LN + QK norm",
    "pre_ln_cold": "pre-LN, scores up", "pre_ln_hot": "pre-LN, scores down",
    "adamw_ln_warmup": "AdamW, pre-LN, warm-up", "sgd_sigma": r"SGD, $\sigma$Reparam", "sgd_plain": "SGD, no norm",
}  # fmt: skip
MAIN = {"pre_ln": COLOURS[1], "sigma": COLOURS[0], "no_ln": COLOURS[6], "post_ln": COLOURS[2]}


def training(study) -> Figure:
    """Loss above, entropy of each layer below; both arms at the smallest and the largest learning rate."""
    curves = study["train/sequences"]["grid"].to_dataset().isel({"depth": 0})
    layers = study["entropy/sequences"]["layer_entropy"].isel({"depth": 0})
    chosen = study.params("sequences").arms["grid"]
    rates = curves["rate"].values
    columns = [(v, rate) for v in (chosen.baseline, chosen.treated) for rate in (rates[0], rates[-1])]
    figure, axes = panels(2, len(columns), height=2.1, sharex=True, sharey="row")
    highest = np.log(np.arange(1, curves.attrs["keys"] + 1)).mean()
    for (variant, rate), (upper, lower) in zip(columns, axes.T, strict=True):
        at = {"variant": variant, "rate": rate}
        band(upper, curves["step"].values, *over(curves["loss"].sel(at)), color=COLOURS[6], linewidth=0.8)
        upper.set_title(f"{NAMES.get(variant, variant)}, rate {rate:g}")
        for layer, colour in zip(range(layers.sizes["layer"]), COLOURS, strict=False):
            values = layers.sel(at).isel({"layer": layer})
            band(lower, layers["probe"].values, *over(values), label=f"layer {layer + 1}", color=colour)
        lower.axhline(highest, color=COLOURS[7], linestyle=":", linewidth=1)
        lower.set_xlabel("step")
    axes[0, 0].set_ylabel("training loss / nat")
    axes[1, 0].set(ylabel="attention entropy / nat", ylim=(0, 1.1 * highest))
    axes[1, 0].legend(loc="lower left", fontsize=7)
    return figure


def instability(study) -> Figure:
    """Instability against the lowest entropy; the effect of the scores' scale; early warning."""
    measured, scores = study["entropy/sequences"], study["forecast/sequences"]
    figure, axes = panels(1, 3, height=2.9)
    _association(axes[0, 0], measured, scores)
    _intervention(axes[0, 1], measured, scores)
    for i, name in enumerate(scores["predictor"].values):
        area = scores["warning"].sel({"predictor": name})
        band(axes[0, 2], scores["before"].values, *over(area), label=str(name), color=COLOURS[i])
    axes[0, 2].axhline(0.5, color=COLOURS[7], linestyle=":", linewidth=1)
    axes[0, 2].set(xlabel="step t of the measurement", ylabel="AUROC, instability from t on", ylim=(0, 1.35))
    axes[0, 2].legend(loc="upper center", fontsize=6.5)
    return figure


def _association(panel, measured, scores) -> None:
    lowest, size = measured["lowest_entropy"].isel({"depth": 0}), scores["instability"].isel({"depth": 0})
    rates = lowest["rate"].values
    for variant in lowest["variant"].values:
        for j in range(len(rates)):
            at = {"variant": variant, "rate": rates[j]}
            label = NAMES.get(str(variant), str(variant)) if j == len(rates) - 1 else None
            style = {"color": MAIN.get(str(variant), COLOURS[3]), "markersize": 2.5 + 1.2 * j, "alpha": 0.7}
            panel.plot(lowest.sel(at).values, size.sel(at).values, "o", label=label, markeredgewidth=0, **style)
    panel.set(xlabel="lowest entropy of a layer / nat", ylabel="instability of the loss / nat", yscale="log")
    panel.set_title("larger dots: larger rates", fontsize=7)
    panel.set_ylim(top=panel.get_ylim()[1] * 6)
    panel.legend(loc="upper right", fontsize=6.5)


def _intervention(panel, measured, scores) -> None:
    """Entropy and instability of the pre-LN network with its scores scaled, one line for each learning rate."""
    have = [str(name) for name in measured["ablation"].values] if "ablation" in measured.dims else []
    order = [name for name in ("pre_ln_hot", "pre_ln", "pre_ln_cold") if name in have or name == "pre_ln"]
    for i, rate in enumerate(measured["ablation_rate"].values if have else []):
        rows, shown = [], []
        for name in order:
            if name in have:
                at = {"ablation": name, "ablation_rate": rate}
                pair = [
                    measured[f"ablation_{v}"].sel(at).isel({"ablation_depth": 0}) for v in ("entropy", "instability")
                ]
                pair = [one.rename({"ablation_seed": "seed"}) for one in pair]
            elif rate in measured["rate"].values:
                at = {"variant": name, "rate": rate}
                pair = [one.sel(at).isel({"depth": 0}) for one in (measured["lowest_entropy"], scores["instability"])]
            else:  # a rate that the grid doesn't have
                continue
            shown.append(name)
            rows.append([*over(pair[0]), *over(pair[1])])
        x, _, _, y, low, high = np.array(rows).T
        whiskers(panel, x, y, np.maximum(low, 0), high, fmt="-", color=COLOURS[i], label=f"rate {rate:g}")
        for name, place, value in zip(shown, x, y, strict=True):
            marker, text = {
                "pre_ln_hot": ("v", "scores / 4"),
                "pre_ln": ("o", "as they are"),
                "pre_ln_cold": ("^", "x 4"),
            }[name]
            look = {"color": COLOURS[i], "label": text if i == 0 else None, "markersize": 6, "zorder": 3}
            panel.plot(place, value, marker, **look)
    panel.set(xlabel="lowest entropy of a layer / nat", ylabel="instability / nat")
    panel.set_title("pre-LN, scores scaled", fontsize=8)
    panel.set_ylim(0, panel.get_ylim()[1] * 1.5)
    if have:
        lines, labels = panel.get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda i: not labels[i].startswith("rate"))
        panel.legend([lines[i] for i in order], [labels[i] for i in order], loc="upper right", fontsize=6.5, ncols=2)


def bound(study) -> Figure:
    """Observed entropies above their bounds, by the row's norm and by the theorem's; the decay with the norm."""
    random, trained = study["entropy/bound"], study["entropy/sequences"]
    figure, axes = panels(1, 3, height=2.9)
    lengths, keys = random["length"].values, int(trained.attrs["keys"])
    for panel, norm, said in zip(
        axes[0], ("row_norm", "theorem_norm"), ("row's own norm", "theorem's norm"), strict=False
    ):
        high = float(np.nanquantile(random[norm], 0.99))
        grid = np.geomspace(max(float(random[norm].min()), 1e-3), high, 200)
        for i, length in enumerate(lengths[[0, -1]]):
            mine = random["draw_length"].values == length
            style = {"color": COLOURS[2 * i], "markersize": 2, "alpha": 0.3, "rasterized": True}
            panel.plot(random[norm].values[mine], random["lowest_entropy"].values[mine], ".", **style)
            panel.plot(grid, attention_entropy_bound(grid, length), color=COLOURS[2 * i], label=f"bound, T = {length}")
        if norm == "row_norm":
            values = trained.sel({"variant": ["pre_ln", "sigma"]}) if "pre_ln" in trained["variant"].values else trained
            x, y = (values[key].values.ravel()[::7] for key in ("row_norm", "row_entropy"))
            style = {"color": COLOURS[7], "markersize": 1.5, "alpha": 0.4, "rasterized": True, "zorder": 0}
            panel.plot(x, y, ".", label=f"trained networks, T = {keys}", **style)
        panel.set(xscale="log", yscale="log", xlabel=f"norm of scores, {said}", ylim=(1e-4, 30), xlim=(0.02, high))
        panel.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=6.5, handlelength=1)
    axes[0, 0].set_ylabel("attention entropy of a row / nat")
    for i, length in enumerate(lengths):
        entropy = random["extremal_entropy"].sel({"length": length}).values
        axes[0, 2].plot(random["norm"].values, entropy, "o", color=COLOURS[i], markersize=3, label=f"T = {length}")
        axes[0, 2].plot(random["norm"].values, random["bound"].sel({"length": length}).values, color=COLOURS[i])
    s = random["norm"].values[random["norm"].values >= 3]
    axes[0, 2].plot(s, 64 * s * np.exp(-s), ":", color=COLOURS[7], label=r"$T s\,e^{-s}$, T = 64")
    axes[0, 2].set(yscale="log", xlabel="norm s", title="extremal scores (dots), bound (lines)")
    axes[0, 2].title.set_fontsize(7.5)
    axes[0, 2].legend(loc="lower left", fontsize=6.5)
    return figure


def learning_rates(study) -> Figure:
    """Final loss of every variant, width of the usable interval, and accuracy of the image recipes."""
    sequences, images = study["forecast/sequences"], study["forecast/images"]
    figure, axes = panels(1, 3, height=3.6, width=8.4)
    loss = sequences["loss"].isel({"depth": 0})
    for i, variant in enumerate(loss["variant"].values):
        place = loss["rate"].values * 1.05 ** (i - 1)
        look = {"label": NAMES.get(str(variant), str(variant)), "color": MAIN.get(str(variant), COLOURS[3])}
        whiskers(axes[0, 0], place, *over(loss.sel({"variant": variant})), fmt="o-", **look)
    if "ablation" in sequences.dims:
        more = sequences["ablation_loss"].isel({"ablation_depth": 0}).rename({"ablation_seed": "seed"})
        markers = "sDv^<>Px"
        for i, variant in enumerate(more["ablation"].values):
            place = more["ablation_rate"].values * 1.06 ** (i - 3)
            style = {"markersize": 3, "color": COLOURS[i % len(COLOURS)], "linewidth": 0.7, "fmt": markers[i % 8]}
            label = NAMES.get(str(variant), str(variant))
            whiskers(axes[0, 0], place, *over(more.sel({"ablation": variant})), label=label, **style)
    for value, name in zip(sequences["reference_loss"].values, sequences["reference"].values, strict=True):
        axes[0, 0].axhline(value, color=COLOURS[7], linestyle=":", linewidth=1)
        axes[0, 0].annotate(str(name), (0.03, value), xycoords=("axes fraction", "data"), fontsize=6.5, va="bottom")
    axes[0, 0].set(xscale="log", yscale="log", xlabel="learning rate (Adam)", ylabel="held-out loss / nat")
    axes[0, 0].set_yticks([1, 1.5, 2, 3, 4, 6], ["1", "1.5", "2", "3", "4", "6"])
    axes[0, 0].minorticks_off()
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=6.5)
    for i, (name, said) in enumerate((("rate_width", "own best"), ("common_rate_width", "better arm's best"))):
        values = sequences[name]
        whiskers(axes[0, 1], np.arange(2) + 0.15 * (i - 0.5), *over(values), label=said, color=COLOURS[i])
        for j in range(values.sizes["seed"]):
            axes[0, 1].plot(
                np.arange(2) + 0.15 * (i - 0.5) + 0.05, values.isel({"seed": j}), ".", color=COLOURS[i], markersize=3
            )
    chosen = study.params("sequences").arms["grid"]
    axes[0, 1].set_xticks([0, 1], [NAMES.get(arm, arm) for arm in (chosen.baseline, chosen.treated)])
    axes[0, 1].set(ylabel="usable learning rates / decades", xlim=(-0.5, 1.5))
    axes[0, 1].set_ylim(0, max(0.5, axes[0, 1].get_ylim()[1]) * 1.35)
    axes[0, 1].legend(loc="upper left", title="within 10 % of", title_fontsize=7, fontsize=7)
    for i, recipe in enumerate(images["recipe"].values):
        rate, accuracy = (images[key].sel({"recipe": recipe}) for key in ("rate", "test_accuracy"))
        label = NAMES.get(str(recipe), str(recipe))
        whiskers(axes[0, 2], rate.values, *over(accuracy), fmt="o-", color=COLOURS[i], label=label)
        best = images.sel({"recipe": recipe})
        centre = float(best["best_accuracy"].mean())
        axes[0, 2].plot(float(best["best_rate"]), centre, "o", markersize=9, fillstyle="none", color=COLOURS[i])
    axes[0, 2].set(xscale="log", xlabel="learning rate", ylabel="test accuracy, digits", ylim=(0, 1.4))
    axes[0, 2].set_yticks(np.linspace(0, 1, 6))
    axes[0, 2].legend(loc="upper left", fontsize=7)
    return figure


def depth(study) -> Figure:
    """What is learnt at each depth, and spectral norms in training at the smallest and the largest learning rate."""
    scores, curves = study["forecast/sequences"], study["train/sequences"]["grid"].to_dataset().isel({"depth": 0})
    figure, axes = panels(1, 3, height=2.9)
    share = scores["learned_at_depth"].rename({"depth_seed": "seed"})
    for i, variant in enumerate(share["depth_variant"].values):
        place = share["layers"].values * 1.04 ** (i - 1)
        look = {"label": NAMES.get(str(variant), str(variant)), "color": MAIN.get(str(variant), COLOURS[3])}
        whiskers(axes[0, 0], place, *over(share.sel({"depth_variant": variant})), fmt="o-", **look)
        for rate in scores["depth_rate"].values:
            each = scores["learned_at_depth_and_rate"].sel({"depth_variant": variant, "depth_rate": rate})
            axes[0, 0].plot(share["layers"].values, each.mean("depth_seed"), ":", color=look["color"], linewidth=1)
    axes[0, 0].axhline(0, color=COLOURS[7], linestyle=":", linewidth=1)
    axes[0, 0].set(xscale="log", xlabel="layers", ylabel="share of the source learnt")
    axes[0, 0].set_ylim(-0.15, axes[0, 0].get_ylim()[1] * 1.5)
    axes[0, 0].set_xticks(share["layers"].values, [str(n) for n in share["layers"].values], minor=False)
    axes[0, 0].minorticks_off()
    axes[0, 0].legend(loc="upper right", fontsize=7)
    axes[0, 0].set_title("best rate; dotted: each rate", fontsize=8)
    norms = curves["spectral_norm"]
    weights = norms.sel({"matrix": [m for m in norms["matrix"].values if m != "scores"]}).max(("layer", "matrix"))
    logits = norms.sel({"matrix": "scores"}).max("layer")
    for panel, values, label in zip(axes[0, 1:], (weights, logits), ("weights", "attention scores"), strict=True):
        for variant in values["variant"].values:
            for rate, style in zip(values["rate"].values[[0, -1]], ("--", "-"), strict=True):
                name = f"{NAMES.get(str(variant), str(variant))}, rate {rate:g}"
                look = {"color": MAIN.get(str(variant), COLOURS[3]), "linestyle": style, "label": name}
                band(panel, values["snapshot"].values, *over(values.sel({"variant": variant, "rate": rate})), **look)
        panel.set(yscale="log", xlabel="step", ylabel=f"spectral norm, {label}")
        panel.set_ylim(top=panel.get_ylim()[1] * (100 if label == "weights" else 1))
    axes[0, 1].legend(loc="upper left", fontsize=6)
    return figure


def over(values) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the seeds that still run and its 95 % interval, for each element of the other dimension."""
    rows = values.transpose("seed", ...).values.reshape(values.sizes["seed"], -1).T
    centre, low, high = np.array([mean_interval(row[np.isfinite(row)]) for row in rows]).T
    centre, low, high = (np.squeeze(v) if v.size == 1 else v for v in (centre, low, high))
    return centre, np.where(np.isfinite(low), low, centre), np.where(np.isfinite(high), high, centre)
