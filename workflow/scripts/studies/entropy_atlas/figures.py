"""The figures of entropy_atlas."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pesin.plot.style import COLOURS, PAGE, panels
from pesin.stats.intervals import mean_interval

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


def agreement(study) -> Figure:
    """Rank correlations of all pairs of measures, in the order of the dendrogram."""
    data = study["entropy/comparison"]
    order = np.argsort(data.leaf.values)
    names = data.measure.values[order]
    rho = data.agreement.values[np.ix_(order, order)]
    figure, axes = panels(1, 1, width=PAGE, height=6.2)
    panel = axes[0, 0]
    image = panel.imshow(rho, vmin=-1, vmax=1, cmap="RdBu_r")
    panel.set_xticks(range(len(names)), [_spoken(n) for n in names], rotation=90)
    panel.set_yticks(range(len(names)), [_spoken(n) for n in names])
    for labels in (panel.get_xticklabels(), panel.get_yticklabels()):
        for label, section in zip(labels, data.section.values[order], strict=True):
            label.set(color=SECTIONS[str(section)][1], fontsize=7)
    clusters = data.cluster.values[order]
    for edge in np.flatnonzero(np.diff(clusters)) + 0.5:
        panel.axhline(edge, color="black", linewidth=0.8)
        panel.axvline(edge, color="black", linewidth=0.8)
    figure.colorbar(image, ax=panel, shrink=0.7, label=f"Spearman's rho over {data.sizes['system']} systems")
    _sections(panel, loc="lower right", bbox_to_anchor=(1.02, 1.0), ncols=4, columnspacing=1, handletextpad=0.2)
    return figure


def kolmogorov_sinai(study) -> Figure:
    """Rank correlation of each measure with the Pesin entropy, under three conditions and with the order destroyed."""
    data, shuffled = study["entropy/comparison"], study["entropy/shuffled"]
    order = np.argsort(np.nan_to_num(data.rho_truth.sel(condition="long").values))
    figure, axes = panels(1, 1, width=PAGE, height=6.0)
    panel = axes[0, 0]
    y = np.arange(order.size)
    styles = {"long": (COLOURS[0], "o", 0.22), "noisy": (COLOURS[1], "s", 0), "short": (COLOURS[2], "^", -0.22)}
    words = {"long": "clean, long", "noisy": "5 % noise", "short": "clean, short"}
    for condition, (colour, marker, shift) in styles.items():
        one = data.sel(condition=condition).isel(measure=order)
        rho, low, high = one.rho_truth.values, one.rho_truth_low.values, one.rho_truth_high.values
        panel.errorbar(
            rho,
            y + shift,
            xerr=np.abs([rho - low, high - rho]),
            fmt=marker,
            color=colour,
            markersize=3.5,
            linewidth=0.9,
            capsize=1.5,
            label=words[condition],
        )
    destroyed = shuffled.sel(condition="long").isel(measure=order).rho_truth.values
    panel.plot(destroyed, y, "D", color=COLOURS[7], markersize=3.5, markerfacecolor="none", label="order destroyed")
    panel.axvline(0, color=COLOURS[7], linewidth=0.8)
    _names(panel, data, order)
    panel.set(xlabel="Spearman's rho with the recomputed Pesin entropy per sample", xlim=(-1, 1))
    panel.grid(axis="x", alpha=0.3)
    panel.legend(loc="upper left", bbox_to_anchor=(0.0, 1.08), ncols=4)
    return figure


def systems(study) -> Figure:
    """Ranks of the systems by six measures against their rank by the Pesin entropy."""
    data = study["entropy/comparison"]
    shown = [name for name in SHOWN if name in data.measure.values]
    figure, axes = panels(2, 3, width=PAGE, height=2.5, sharex=True, sharey=True)
    for panel, name in zip(axes.ravel(), shown, strict=True):
        for condition, colour, marker in (("noisy", COLOURS[1], "s"), ("long", COLOURS[0], "o")):
            ranked = data["rank"].sel(measure=name, condition=condition)
            style = {"color": colour, "markersize": 2.5, "alpha": 0.7}
            panel.plot(
                data.truth_rank, ranked, marker, label={"long": "clean", "noisy": "5 % noise"}[condition], **style
            )
        panel.plot([0, 1], [0, 1], color=COLOURS[7], linewidth=0.8)
        rho = data.rho_truth.sel(measure=name, condition="long").item()
        panel.set_title(f"{_spoken(name)}\nrho = {rho:.2f}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    for panel in axes[-1]:
        panel.set_xlabel("rank by Pesin entropy")
    for panel in axes[:, 0]:
        panel.set_ylabel("rank by the measure")
    return figure


def forecastability(study) -> Figure:
    """Error of the foretold valid time by each measure, against theory, choice and the median."""
    data = study["entropy/comparison"]
    errors = data.forecast_error
    order = np.argsort(-errors.mean("system").values)
    names = data.predictor.values[order]
    centre, low, high = np.array([mean_interval(errors.sel(predictor=name).values) for name in names]).T
    figure, axes = panels(1, 1, width=PAGE, height=5.4)
    panel = axes[0, 0]
    y = np.arange(names.size)
    section = dict(zip(data.measure.values, data.section.values, strict=True))
    colours = [SECTIONS[str(section[name])][1] if name in section else "black" for name in names]
    for i in y:
        whiskers_of = np.abs([[centre[i] - low[i]], [high[i] - centre[i]]])
        marker = "o" if names[i] in section else "D"
        panel.errorbar(
            centre[i], i, xerr=whiskers_of, fmt=marker, color=colours[i], markersize=4, capsize=2, linewidth=1
        )
    panel.axvline(errors.sel(predictor="median").mean().item(), color="black", linestyle="--", linewidth=0.8)
    words = {"median": "median of the others", "chosen": "chosen on the others", "pesin_entropy": "true Pesin entropy"}
    panel.set_yticks(y, [words.get(name, _spoken(name)) for name in names])
    for label, colour in zip(panel.get_yticklabels(), colours, strict=True):
        label.set(color=colour, fontsize=7)
    panel.set(
        xlabel="mean error of ln(valid prediction time), foretold from the other systems", ylim=(-0.7, y[-1] + 0.7)
    )
    panel.grid(axis="x", alpha=0.3)
    _sections(panel, loc="lower left")
    return figure


def _names(panel, data, order) -> None:
    """Names of the measures along y, in the colour of their section."""
    panel.set_yticks(range(order.size), [_spoken(n) for n in data.measure.values[order]])
    for label, section in zip(panel.get_yticklabels(), data.section.values[order], strict=True):
        label.set(color=SECTIONS[str(section)][1], fontsize=7)
    panel.set_ylim(-0.7, order.size - 0.3)


def _sections(panel, **where) -> None:
    handles = [Line2D([], [], marker="o", linestyle="", color=colour, label=word) for word, colour in SECTIONS.values()]
    panel.legend(handles=handles, **where)


def _spoken(name: str) -> str:
    return str(name).replace("_", " ")
