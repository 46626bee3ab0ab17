"""The study's figures: searches in the strip, rare events, paths of words, entropies."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.riemann_cross_entropy.dirichlet import OFF_LINE
from studies.riemann_cross_entropy.train import group

SHOWN = 25
"""Searches in a picture."""
SLOPES, ERROR = (-0.65, -0.35), 0.1
"""Accepted by C4, and by C3."""
SAID = {"zeta": "zeta", "davenport_heilbronn": "Davenport and Heilbronn"}


def strip(study: Results) -> Figure:
    """|f| of both functions over the witness's window, with ways of searches; all limits of a seed against height."""
    plane: Any = study["simulate/known"]["plane"]
    searches: Any = study["train/known"]["search"]
    window = study.params("known").simulate.windows["witness"]
    low, high = window.low, window.high
    figure, axes = panels(1, 3, height=3.4, width_ratios=[1, 1, 0.9])
    for panel, (function, said) in zip(axes[0], SAID.items(), strict=False):
        part = plane["size"].sel(function=function).sel(t=slice(low, high))
        image = panel.pcolormesh(part["t"], part["sigma"], part, vmin=0, vmax=3, cmap="viridis", rasterized=True)
        panel.axhline(0.5, color="w", ls="--", lw=0.8)
        ways(panel, searches.sel(function=function).isel(seed=0), low, high)
        panel.set(xlabel="height t", title=said, xlim=(low, high), ylim=(0, 1))
    axes[0, 0].set_ylabel("real part sigma")
    axes[0, 1].plot(OFF_LINE.imag, OFF_LINE.real, "o", mfc="none", mec="r", ms=11, mew=1.5)
    figure.colorbar(image, ax=axes[0, :2], label="|f|", location="bottom", shrink=0.6)
    last, found = axes[0, 2], study["forecast/known"]["search"]
    for i, (name, said) in enumerate((("recall", "found"), ("precision", "right"))):
        share = found[name].mean("seed")
        last.plot(np.arange(share.size) + 0.15 * i, share, "os"[i], color=COLOURS[i], label=said)
    names(last, "x", found["window"].values, rotation=30)
    last.set(ylabel="share of known zeros found;\nof limits that are zeros", ylim=(-0.05, 1.1), xlim=(-0.5, 2.6))
    legend(last, loc="lower left")
    return figure


def ways(panel, searches, low: float, high: float) -> None:
    """Centres of the first searches that start in a window, and where they end."""
    mean = searches["mean"].values
    inside = np.flatnonzero((mean[:, 0, 1] > low) & (mean[:, 0, 1] < high))[:SHOWN]
    for one in mean[inside]:
        panel.plot(one[:, 1], one[:, 0], color="w", lw=0.6, alpha=0.8)
        panel.plot(one[0, 1], one[0, 0], ".", color="w", ms=4)
        panel.plot(one[-1, 1], one[-1, 0], "x", color=COLOURS[1], ms=5, zorder=3)


def estimates(study: Results) -> Figure:
    """Errors against samples by event; divergence of the fitted laws; errors of all samples in case, control, null."""
    rare: Any = study["forecast/known"]["rare"]
    entropies: Any = study["entropy/known"]["rare"]
    figure, axes = panels(2, 3, height=2.3)
    number = rare["samples"].values
    for panel, event in zip(axes[0], rare["event"].values, strict=False):
        for i, (name, said) in enumerate((("error_at", "fitted law"), ("plain_error_at", "plain Monte Carlo"))):
            found = interval(rare[name].sel(event=event), "estimate")
            interval_band(panel, number, found, said, color=COLOURS[i], marker="os"[i], ms=4)
        first = float(rare["error_at"].sel(event=event).isel(samples=0).mean())
        low, high = (first * (number / number[0]) ** slope for slope in SLOPES)
        panel.fill_between(number, low, high, color=COLOURS[7], alpha=0.3, lw=0, label="accepted slopes")
        for which in "xy":
            log_axis(panel, which)
        panel.set(xlabel="samples", title=event)
    axes[0, 0].set_ylabel("relative error")
    legend(axes[0, 0], loc="lower left")
    for i, event in enumerate(rare["event"].values):
        divergence = entropies[group(event)]["divergence"]
        found = interval(divergence, "estimate")
        interval_band(axes[1, 0], np.arange(divergence.sizes["fit"]), found, event, color=COLOURS[i], marker="o", ms=3)
    axes[1, 0].set(xlabel="fits", ylabel="KL of the best law\nfrom the fitted (nat)")
    legend(axes[1, 0])
    last = axes[1, 1]
    runs = {"known": "fitted law", "nothing_learnt": "not fitted (null)", "taken_away": "no weights (control)"}
    for i, (case, said) in enumerate(runs.items()):
        error: Any = study[f"forecast/{case}"]["rare"]["error"]
        interval_whiskers(last, np.arange(3) + 0.2 * (i - 1), interval(error, "estimate"), said, color=COLOURS[i])
    last.axhline(ERROR, color="k", ls="--", lw=0.8)
    log_axis(last, "y")
    names(last, "x", rare["event"].values, rotation=20)
    last.set(ylabel="mean relative error,\nall samples", xlim=(-0.5, 2.5), ylim=(1e-3, 1e9))
    legend(last, loc="upper right")
    ratio = rare["ratio"].isel(event=0)
    interval_whiskers(axes[1, 2], np.zeros(1), interval(ratio, "estimate"), color=COLOURS[0])
    axes[1, 2].plot(np.linspace(-0.3, 0.3, ratio.size), ratio, ".", color=COLOURS[7], ms=4, zorder=0)
    axes[1, 2].axhspan(0.9, 1.1, color=COLOURS[7], alpha=0.2, lw=0)
    axes[1, 2].set(
        ylabel="fitted law over\nplain Monte Carlo", xticks=[], xlim=(-0.6, 0.6), title=rare["event"].values[0]
    )
    return figure


def decoding(study: Results) -> Figure:
    """Box plot of log probabilities by method; differences that are judged, in case and control; the beam's entropy."""
    found: Any = study["forecast/known"]["decoding"]
    other: Any = study["forecast/taken_away"]["decoding"]
    figure, axes = panels(1, 3, height=2.8, width_ratios=[1.4, 1, 1])
    boxes, gains, entropy = axes[0]
    boxes.boxplot(
        found["log_probability"].values.T,
        widths=0.6,
        showmeans=True,
        meanprops={"marker": "o", "markerfacecolor": COLOURS[1], "markeredgecolor": COLOURS[1], "markersize": 4},
        flierprops={"marker": ".", "markersize": 3},
        medianprops={"color": COLOURS[0]},
    )
    names(boxes, "x", found["method"].values, at=1 + np.arange(found.sizes["method"]), rotation=30)
    boxes.set(ylabel=named(found["log_probability"]))
    for i, (one, said) in enumerate(((found, "beam"), (other, "one path (control)"))):
        for j, name in enumerate(("over_greedy", "over_sampling")):
            centre = interval(one[name], "model")
            interval_whiskers(gains, np.array([j + 0.2 * i]), centre, said if not j else "_", color=COLOURS[i])
    gains.axhline(0, color="k", lw=0.8, ls="--")
    names(gains, "x", ["over\ngreedy", "over mean\nof top-p"])
    gains.set(ylabel="gain in log probability (nat)", xlim=(-0.5, 1.7))
    legend(gains, loc="upper left")
    beam: Any = found["beam_entropy"]
    interval_band(entropy, 1 + np.arange(beam.sizes["step"]), interval(beam, "model"), marker="o", ms=3)
    entropy.set(xlabel="words chosen", ylabel=named(beam))
    return figure


def entropies(study: Results) -> Figure:
    """Entropy of the sampling laws against iterations; histogram of spacings with two laws."""
    result: Any = study["entropy/known"]
    figure, axes = panels(1, 2, height=2.8)
    law = result["search"]["entropy"]
    for i, (function, said) in enumerate(SAID.items()):
        found = interval(law.sel(function=function), "seed")
        interval_band(axes[0, 0], law["iteration"].values, found, said, color=COLOURS[i])
    axes[0, 0].set(xlabel="iterations", ylabel="entropy of the sampling law\n(nat; median of the starts)")
    legend(axes[0, 0])
    spacing = result["spacings"]
    width = float(np.diff(spacing["bin"].values).mean())
    axes[0, 1].bar(spacing["bin"], spacing["share"], width=0.9 * width, color=COLOURS[5], label="zeros of zeta")
    for i, name in enumerate(spacing["law"].values):
        said = f"{name}, KL = {float(spacing['divergence'].sel(law=name)):.2g} nat"
        axes[0, 1].plot(
            spacing["bin"], spacing["expected"].sel(law=name), "os"[i] + "-", ms=3, color=COLOURS[i], label=said
        )
    axes[0, 1].set(xlabel="spacing over its mean", ylabel="share of spacings")
    legend(axes[0, 1], loc="upper right")
    return figure
