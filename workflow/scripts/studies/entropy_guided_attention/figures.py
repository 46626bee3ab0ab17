"""The study's figures: heat maps of heads, layers in training, losses and cost, and what heads are for."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

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
    "sm_ln_g": "SM+LN+G", "sm_ln_r": "SM+LN+R", "sm_ln": "SM+LN", "sm_g": "SM+G", "sm_r": "SM+R", "sm": "SM",
    "sm_wnorm": "SM+WNorm(FFN)", "sm_snorm": "SM+SNorm(FFN)", "sm_scffn": "SM+ScFFN", "sm_scfuffn": "SM+ScFuFFN",
    "smt_scfuffn": "SM(t)+ScFuFFN", "ereg": "EReg(SM(t)+ScFuFFN)",
}  # fmt: skip


def called(variant) -> str:
    """How the paper writes a variant."""
    return NAMES.get(str(variant), str(variant))


def roles_of(study: Results, step: str):
    """Which variant plays which part, as a step that the figure reads was told."""
    return getattr(study.params("networks"), step).roles


def heat(study: Results) -> Figure:
    """Entropy of each head over its maximum, layers upwards, one map for each variant of the paper's order."""
    found = study["entropy/networks"]["head_relative_entropy"]
    means = found.mean("seed")
    order = roles_of(study, "entropy").order
    figure, axes = panels(2, (len(order) + 1) // 2, height=2.1, sharex=True, sharey=True)
    for panel, variant in zip(axes.ravel(), order, strict=False):
        values = means.sel({"variant": variant}).transpose("layer", "head")
        image = panel.imshow(values, vmin=0, vmax=1, cmap="viridis", origin="lower", aspect="auto")
        for (i, j), value in np.ndenumerate(values.values):
            look = {"color": "black" if value > 0.6 else "white", "ha": "center", "va": "center"}
            note(panel, f"{value:.2f}", (j, i), **look)
        panel.set_title(called(variant))
        names(panel, "x", values["head"].values)
        names(panel, "y", values["layer"].values)
    for panel in axes[-1]:
        panel.set_xlabel("head")
    for panel in axes[:, 0]:
        panel.set_ylabel("layer")
    figure.colorbar(image, ax=axes, label=named(found, "entropy over its maximum, late rows"))
    return figure


def layers(study: Results) -> Figure:
    """Entropy of each layer against the step."""
    found, roles = study["entropy/networks"]["layer_entropy"], roles_of(study, "entropy")
    shown = [roles.normed, roles.bare, roles.weight, roles.spectral, roles.scaled, roles.regularised]
    figure, axes = panels(2, 3, height=2.1, sharex=True, sharey=True)
    every = interval(found.sel({"variant": shown}).transpose("variant", "layer", "probe", "seed"), "seed")
    ends = [np.asarray(one) for one in every]
    for j, (panel, variant) in enumerate(zip(axes.ravel(), shown, strict=True)):
        for i, layer in enumerate(np.asarray(found["layer"])):
            values = Centre(*(one[j, i] for one in ends))
            interval_band(panel, found["probe"].values, values, label=f"layer {layer}", color=COLOURS[i % 8])
        panel.set(title=called(variant), ylim=(0, 1.08))
    for panel in axes[-1]:
        panel.set_xlabel("step")
    for panel in axes[:, 0]:
        panel.set_ylabel("entropy over its maximum")
    legend(axes[0, 0], loc="lower left")
    return figure


def losses(study: Results) -> Figure:
    """Final losses in the paper's order, then the remedies; at several learning rates; against nonlinear operations."""
    scores, known = study["forecast/networks"], study["train/networks"]["main"].attrs
    figure, axes = panels(1, 3, height=3.4, width=9.6, width_ratios=(1.3, 1, 1))
    left, middle, right = axes[0]
    order = roles_of(study, "forecast").order
    _at_one_rate(left, scores["loss"], order)
    for i, variant in enumerate(map(str, order)):
        loss = scores["rate_loss"].sel({"rate_variant": variant})
        place = loss["rate"].values * 1.05 ** (i - 2.5)
        found = interval(loss.transpose("rate", "rate_seed"), "rate_seed")
        interval_whiskers(middle, place, found, label=called(variant), color=COLOURS[i], fmt="o-")
    middle.set(xlabel="learning rate", ylabel=named(scores["loss"], "held-out loss after fewer steps"))
    log_axis(middle, "x", scores["rate"].values)
    for panel in (left, middle):
        for key, said in (("pairs_loss", "pairs"), ("source_loss", "source")):
            panel.axhline(known[key], color=COLOURS[7], linestyle=":", linewidth=1)
            note(panel, said, (0.99, known[key]), xycoords=("axes fraction", "data"), va="bottom", ha="right")
    legend(middle, outside="above", ncols=2)
    _against_operations(right, scores["perplexity"], study["forecast/counts"]["elements"], order)
    return figure


def _at_one_rate(panel, loss, order: list[str]) -> None:
    """Losses of all variants, the ordered ones first; small dots: seeds."""
    every = [*order, *(name for name in np.asarray(loss["variant"]).tolist() if name not in order)]
    found = interval(loss.sel({"variant": every}), "seed")
    for first, last, colour in ((0, len(order), COLOURS[0]), (len(order), len(every), COLOURS[1])):
        part = Centre(*(np.asarray(one)[first:last] for one in found))  # type: ignore[arg-type]
        interval_whiskers(panel, np.arange(first, last), part, color=colour)
    seeds = loss.sel({"variant": every}).transpose("variant", "seed")
    panel.plot(np.arange(len(every)) + 0.25, seeds, ".", color=COLOURS[7], markersize=3)
    names(panel, "x", map(called, every), rotation=40)
    panel.axvline(len(order) - 0.4, color=COLOURS[7], linewidth=0.8)
    panel.set_ylabel(named(loss, "held-out loss"))


def _against_operations(panel, perplexity, elements, order: list[str]) -> None:
    """Perplexity of the trained toys against the elements of nonlinear operations in a GPT-2."""
    counted = np.asarray(elements["network"]).tolist()
    for i, variant in enumerate(name for name in order if name in counted):
        x = float(elements.sel({"network": variant}).sum()) / 1e6
        found = interval(perplexity.sel({"variant": variant}).expand_dims("one"), "seed")
        look = {"color": COLOURS[i], "fmt": "os^vD<"[i], "markersize": 5}
        interval_whiskers(panel, [x], found, label=called(variant), **look)
    panel.set(xlabel="elements of nonlinear operations,\nGPT-2 of 128 tokens (millions)", xlim=(0, None))
    panel.set_ylabel(named(perplexity, "held-out perplexity, toy source"))
    legend(panel, outside="above", ncols=2)


def heads(study: Results) -> Figure:
    """Learned thresholds; shares of overloaded heads; the rise of the loss without a head against its entropy."""
    measured, main = study["entropy/networks"], study["train/networks"]["main"].to_dataset().isel({"rate": 0})
    roles = roles_of(study, "entropy")
    figure, axes = panels(1, 3, height=3.1, width=8.4)
    one, two, three = axes[0]
    threshold = main["threshold"].sel({"variant": roles.regularised})
    for i, head in enumerate(threshold["head"].values):
        found = interval(threshold.sel({"head": head}), "seed")
        place = threshold["layer"].values + 0.1 * (i - 1.5)
        interval_whiskers(one, place, found, label=f"head {head}", color=COLOURS[i % 8])
    gamma = study.params("networks").train.ereg
    one.axhline(gamma.theta_init, color=COLOURS[7], linestyle=":", linewidth=1)
    one.margins(x=0.1)
    one.set(xlabel="layer", ylabel="learned threshold, share of ln T", xticks=threshold["layer"].values)
    legend(one, outside="above", ncols=2)
    shown = [roles.normed, roles.bare, roles.plain, "smt_scfuffn", roles.regularised]
    shown = [name for name in shown if name in np.asarray(measured["variant"]).tolist()]
    for i, (name, said) in enumerate((("early_overload", "first half of layers"), ("overload", "all layers"))):
        values = measured[name].sel({"variant": shown})
        found = interval(values, "seed")
        interval_whiskers(two, np.arange(len(shown)) + 0.2 * i, found, label=said, color=COLOURS[i])
    names(two, "x", map(called, shown), rotation=40)
    two.set(ylabel="share of overloaded heads", ylim=(-0.05, 1.05))
    legend(two, outside="above")
    for i, variant in enumerate([roles.normed, roles.bare, roles.regularised]):
        at = {"variant": variant}
        x = measured["head_relative_entropy"].sel(at).transpose("seed", "layer", "head").values.ravel()
        y = main["importance"].sel(at).transpose("seed", "layer", "head").values.ravel()
        three.plot(x, y, "o", color=COLOURS[i], markersize=3, alpha=0.7, markeredgewidth=0, label=called(variant))
    three.axvline(study.params("networks").entropy.overloaded, color=COLOURS[7], linestyle=":", linewidth=1)
    three.set(xlabel="entropy over its maximum", ylabel=named(main["importance"], "rise without the head"))
    legend(three, outside="above", ncols=1)
    return figure
