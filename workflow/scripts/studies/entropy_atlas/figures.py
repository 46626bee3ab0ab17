"""The figures of entropy_atlas."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pesin.plot.style import COLOURS, PAGE, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

SECTIONS = {
    "A": ("ordinal", COLOURS[0]),
    "B": ("templates", COLOURS[1]),
    "C": ("dynamical", COLOURS[2]),
    "D": ("amplitude and spectral", COLOURS[3]),
}
SHOWN = (
    "kantz_exponent",
    "correlation_entropy",
    "sample_entropy",
    "permutation_entropy",
    "ordinal_transition_entropy",
    "spectral_entropy",
)
SYSTEMS = {
    "swimmers": "swimmers in traps",
    "electrolyte": "driven electrolyte",
    "stirred": "two stirred Gaussians",
}
WORDS = {
    "median": "median of the other folds",
    "chosen": "chosen on other folds",
    "pesin_entropy": "true Pesin entropy",
}


def agreement(study: Results) -> Figure:
    """Rank correlations of all pairs of measures, in the order of the dendrogram."""
    data = study["entropy/comparison"]
    order = np.argsort(data.leaf.values)
    figure, axes = panels(1, 1, width=PAGE, height=6.2)
    panel = axes[0, 0]
    image = panel.imshow(data.agreement.values[np.ix_(order, order)], vmin=-1, vmax=1, cmap="RdBu_r")
    for which in ("x", "y"):
        _name(panel, which, data.measure.values[order], data)
    clusters = data.cluster.values[order]
    for edge in np.flatnonzero(np.diff(clusters)) + 0.5:
        panel.axhline(edge, color="black", linewidth=0.8)
        panel.axvline(edge, color="black", linewidth=0.8)
    said = f"{named(data.agreement)}, over {data.sizes['system']} systems"
    figure.colorbar(image, ax=panel, shrink=0.7, label=said)
    _sections(panel)
    return figure


def kolmogorov_sinai(study: Results) -> Figure:
    """Rank correlation of each measure with the Pesin entropy, under three conditions and with the order destroyed."""
    data, shuffled = study["entropy/comparison"], study["entropy/shuffled"]
    order = np.argsort(np.nan_to_num(data.rho_truth.sel(condition="long").values))
    figure, axes = panels(1, 1, width=PAGE, height=6.0)
    panel = axes[0, 0]
    y = np.arange(order.size)
    styles = {
        "long": ("clean, long", COLOURS[0], "o", 0.22),
        "noisy": ("5 % noise", COLOURS[1], "s", 0),
        "short": ("clean, short", COLOURS[2], "^", -0.22),
    }
    for condition, (label, colour, marker, shift) in styles.items():
        one = data.sel(condition=condition).isel(measure=order)
        ends = (one.rho_truth.values, one.rho_truth_low.values, one.rho_truth_high.values)
        _across(panel, y + shift, *ends, fmt=marker, color=colour, label=label)
    destroyed = shuffled.sel(condition="long").isel(measure=order).rho_truth.values
    panel.plot(destroyed, y, "D", color=COLOURS[7], markersize=3.5, markerfacecolor="none", label="order destroyed")
    panel.axvline(0, color=COLOURS[7], linewidth=0.8)
    _name(panel, "y", data.measure.values[order], data)
    panel.set(xlabel=named(data.rho_truth), xlim=(-1, 1), ylim=(-0.7, order.size - 0.3))
    panel.grid(axis="x", alpha=0.3)
    legend(panel, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4)
    return figure


def systems(study: Results) -> Figure:
    """Ranks of the systems by six measures against their rank by the Pesin entropy."""
    data = study["entropy/comparison"]
    shown = [name for name in SHOWN if name in data.measure.values]
    figure, axes = panels(2, 3, width=PAGE, height=2.5, sharex=True, sharey=True)
    for panel, name in zip(axes.ravel(), shown, strict=True):
        for condition, label, look in (("noisy", "5 % noise", "s"), ("long", "clean", "o")):
            ranked = data["rank"].sel(measure=name, condition=condition)
            colour = COLOURS[condition == "noisy"]
            panel.plot(data.truth_rank, ranked, look, label=label, color=colour, markersize=2.5, alpha=0.7)
        panel.plot([0, 1], [0, 1], color=COLOURS[7], linewidth=0.8)
        rho = data.rho_truth.sel(measure=name, condition="long").item()
        panel.set_title(f"{_spoken(name)}\nrho = {rho:.2f}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    for panel in axes[-1]:
        panel.set_xlabel(named(data.truth_rank))
    for panel in axes[:, 0]:
        panel.set_ylabel(named(data["rank"]))
    return figure


def forecastability(study: Results) -> Figure:
    """Error of the foretold valid time by each measure, against theory, choice and the median."""
    data = study["entropy/comparison"]
    errors = data.forecast_error
    errors = errors.isel(predictor=np.argsort(-errors.mean("system").values))
    found = interval(errors, "system")
    figure, axes = panels(1, 1, width=PAGE, height=5.4)
    panel = axes[0, 0]
    _name(panel, "y", errors.predictor.values, data)
    for y, label in enumerate(panel.get_yticklabels()):
        marker = "o" if errors.predictor.values[y] in data.measure.values else "D"
        row = (np.asarray(end)[[y]] for end in found[:3])
        _across(panel, [y], *row, fmt=marker, color=label.get_color())
    panel.axvline(errors.sel(predictor="median").mean().item(), color="black", linestyle="--", linewidth=0.8)
    panel.set(xlabel=f"mean {named(errors)}", ylim=(-0.7, errors.sizes["predictor"] - 0.3))
    panel.grid(axis="x", alpha=0.3)
    _sections(panel)
    return figure


def production(study: Results) -> Figure:
    """Errors of five estimators of entropy production against the dimension and against the sample."""
    data = study["entropy/production"]
    worlds, dims, sizes = (data.coords[name].values for name in ("world", "dim", "size"))
    figure, axes = panels(2, len(worlds), width=PAGE, height=2.7, sharey="row")
    fixed = {"dim": {"size": sizes.max()}, "size": {"dim": 8 if 8 in dims else dims.max()}}
    for row, (along, at) in zip(axes, fixed.items(), strict=True):
        for panel, world in zip(row, worlds, strict=True):
            for place, estimator in enumerate(data.estimator.values):
                found = interval(data.error.sel(world=world, estimator=estimator, **at), "seed")
                look = {"label": data.named.values[place], "fmt": "o^sDv"[place] + "-", "color": COLOURS[place]}
                interval_whiskers(panel, data[along] * 1.05 ** (place - 2), found, **look)
            panel.axhline(0, color="black", linewidth=0.8)
            log_axis(panel, "x", data[along].values)
            panel.set_xlabel("dimensions of state space" if along == "dim" else "samples")
        row[0].set_ylabel(f"{named(data.error)}\n({_fixed(at)})")
    for panel, world in zip(axes[0], worlds, strict=True):
        panel.set_title(SYSTEMS[world])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _fixed(at: dict[str, int]) -> str:
    return ", ".join(f"{value} {'samples' if name == 'size' else 'dimensions'}" for name, value in at.items())


def _across(panel, y, centre, low, high, **look) -> None:
    """Points with their intervals along x. All arrays have shape (n,)."""
    panel.errorbar(centre, y, xerr=np.abs([centre - low, high - centre]), markersize=4, capsize=2, linewidth=1, **look)


def _name(panel, which: str, shown, data) -> None:
    """Names along an axis, those of measures in the colour of their section."""
    section = dict(zip(data.measure.values, data.section.values, strict=True))
    names(panel, which, [WORDS.get(name, _spoken(name)) for name in shown], rotation=90 if which == "x" else 0)
    for label, name in zip(getattr(panel, f"get_{which}ticklabels")(), shown, strict=True):
        label.set_color(SECTIONS[str(section[name])][1] if name in section else "black")


def _sections(panel) -> None:
    """Names of the sections in their colours, above the panel."""
    handles = [Line2D([], [], marker="o", linestyle="", color=colour, label=word) for word, colour in SECTIONS.values()]
    legend(panel, handles=handles, loc="lower right", bbox_to_anchor=(1.02, 1.0), ncols=4, columnspacing=1)


def _spoken(name: str) -> str:
    return str(name).replace("_", " ")
