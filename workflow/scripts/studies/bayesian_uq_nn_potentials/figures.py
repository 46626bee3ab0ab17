"""The study's figures: free energies with their bands, coverage beside width, and what the other rules ask."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.bayesian_uq_nn_potentials import molecule
from studies.bayesian_uq_nn_potentials.posterior import central

GREY = COLOURS[7]
FAMILIES = {"SG-MCMC": COLOURS[0], "cold": COLOURS[5], "ensemble": COLOURS[1], "bootstrap": COLOURS[4]}


def profiles(study: Results) -> Figure:
    """The first data set: bands by one chain, all chains, the ensemble, with a gap, and from a biased reference."""
    data: Any = study["simulate/dihedrals"]
    result: Any = study["forecast/dihedrals"]
    chains: Any = study["train/dihedrals"]["chains"]
    figure, axes = panels(2, 3, height=2.3, sharex=True, sharey=True)
    angle, count = result["angle"].values, int(result["n"][1])
    gap = data["gap"].values
    alone = molecule.free_energy(chains["potential"].sel(arm="middle").isel(seed=0, member=0).values)
    shown = {
        "one chain": central(alone, axis=0),
        "all chains": "SG-MCMC, middle",
        "deep ensemble": "ensemble, middle",
        "all chains, gap": "SG-MCMC, gap",
        "ensemble, gap": "ensemble, gap",
        "biased reference": "SG-MCMC, biased",
    }
    for panel, (name, what) in zip(axes.flat, shown.items(), strict=True):
        if isinstance(what, str):
            one = result.sel(arm=what).isel(seed=0)
            what = tuple(one[part].values for part in ("profile", "low", "high"))
        colour = FAMILIES["ensemble" if "ensemble" in name else "SG-MCMC"]
        panel.fill_between(angle, what[1], what[2], color=colour, alpha=0.3, linewidth=0)
        panel.plot(angle, what[0], color=colour, linewidth=1, label="mean, 95 % interval")
        panel.plot(angle, data["profile"].sel(truth="molecule"), color="black", linewidth=1, label="exact")
        if name == "biased reference":
            panel.plot(angle, data["profile"].sel(truth="biased"), "--", color="black", linewidth=1, label="reference")
            legend(panel, loc="upper right")
        else:
            source = "gap" if "gap" in name else "molecule"
            ticks = data["phi"].sel(source=source).isel(seed=0).values[:count]
            panel.plot(ticks, np.full(ticks.shape, -2.1), "|", color=GREY, markersize=4, markeredgewidth=0.5)
        if "gap" in name:
            panel.axvspan(*gap, color=GREY, alpha=0.2, linewidth=0)
        panel.set_title(name)
    legend(axes[0, 0], loc="upper right")
    for panel in axes[:, 0]:
        panel.set_ylabel("free energy (kT)")
    for panel in axes[-1]:
        panel.set_xlabel("φ (rad)")
    top = float(data["profile"].max())
    axes[0, 0].set(xlim=(-np.pi, np.pi), ylim=(-2.5, top + 6))
    return figure


def coverage(study: Results) -> Figure:
    """Coverage, width and error of each method by the number of samples; one chain against all."""
    result: Any = study["forecast/dihedrals"]
    figure, ((left, right), (low, last), below) = panels(3, 2, height=2.4)
    for panel, variable, said in (
        (left, "coverage", "coverage of the free energy"),
        (right, "width", "mean width of intervals (kT)"),
        (low, "rmse", "error of the mean profile (kT)"),
    ):
        by_size(panel, result, variable)
        panel.set_ylabel(said)
    for level, said in ((0.95, "nominal"), (0.8, "C1: above")):
        left.axhline(level, color=GREY, linestyle=":", linewidth=0.8)
        note(left, said, (0.99, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=GREY)
    left.set(xlim=(-0.5, 3.1), ylim=(0, 1.05))
    for panel in (right, low):
        panel.set_ylim(bottom=0)
    legend(left, outside="above", ncols=4)
    pairs = np.stack([result["single_coverage"].values, result["shared_coverage"].values])
    last.plot([0, 1], pairs, "o-", color=COLOURS[0], alpha=0.5, markersize=3, linewidth=0.8)
    for place, name in enumerate(("single_coverage", "shared_coverage")):
        found = interval(result[name].values)
        ends = [[found.centre - found.low], [found.high - found.centre]]
        last.errorbar([place + 0.08], [found.centre], ends, fmt="s", color="black", markersize=4, capsize=2)
    last.axhline(0.95, color=GREY, linestyle=":", linewidth=0.8)
    names(last, "x", ["one chain", "as many samples\nof all chains"])
    last.set(xlim=(-0.4, 1.4), ylim=(0, 1.05), ylabel="coverage, each data set")
    traces(study, *below)
    return figure


def traces(study: Results, left: Axes, right: Axes) -> None:
    """Delta F along the cold chains, and what intervals of three levels hold."""
    data: Any = study["simulate/dihedrals"]
    result: Any = study["forecast/dihedrals"]
    trace = result["trace"].isel(seed=0)
    for chain, colour in zip(trace.transpose("chain", "draw").values, cycle((*COLOURS[:6], GREY)), strict=False):
        left.plot(trace["draw"] + 1, chain, color=colour, linewidth=0.7, alpha=0.7)
    exact = float(molecule.difference(data["profile"].sel(truth="molecule").values))
    left.axhline(exact, color="black", linewidth=1.5, label="exact")
    legend(left, outside="above")
    left.set(xlabel="sample of a cold chain", ylabel="ΔF of the basins (kT)")
    level = result["level"].values
    for family, colour in FAMILIES.items():
        found = interval(result["calibration"].sel(arm=f"{family}, middle"), "seed")
        interval_whiskers(right, level, found, label=family, color=colour, fmt="o-")
    right.plot([0, 1], [0, 1], ":", color=GREY, linewidth=0.8)
    right.set(
        xlim=(0.4, 1.02), ylim=(0, 1.02), xlabel="nominal level", ylabel=f"coverage, {int(result['n'][1])} samples"
    )


def by_size(panel: Axes, result: Any, variable: str) -> None:
    """Data sets as dots and means with their intervals, a colour for each method."""
    sizes = ("few", "middle", "many")
    for i, (family, colour) in enumerate(FAMILIES.items()):
        arms = [f"{family}, {size}" for size in sizes]
        there = [k for k, arm in enumerate(arms) if arm in result["arm"].values]
        values = result[variable].sel(arm=[arms[k] for k in there])
        place = np.array(there) + 0.17 * (i - 1.5)
        rows = values.transpose("arm", "seed").values
        panel.plot(np.repeat(place, rows.shape[1]), rows.ravel(), ".", color=colour, alpha=0.4, markersize=3)
        interval_whiskers(panel, place, interval(values, "seed"), label=family, color=colour)
    names(panel, "x", [f"{n:g}" for n in result["n"].values])
    panel.set(xlabel="samples", xlim=(-0.5, 2.5))


def rules(study: Results) -> Figure:
    """What C2 to C6 ask beside coverage, each data set a dot, what is asked shaded; information along the circle."""
    result: Any = study["forecast/dihedrals"]
    parts: Any = study["entropy/dihedrals"]
    data: Any = study["simulate/dihedrals"]
    figure, ((left, right), (low, last)) = panels(2, 2, height=2.7)
    of = {"SG-MCMC": "chains", "deep ensemble": "ensemble"}
    gaps = {f"gap,\n{name}": (parts["gap_ratio"].sel({"arm": "gap", "method": m}), 2, 100) for m, name in of.items()}
    widths = {
        f"noise,\n{name}": (parts["aleatoric_ratio"].sel({"arm": "many", "method": m}), 0.85, 1.15)
        for m, name in of.items()
    }
    first = {"widths\n(C1)": (result["relative_width"], 0.01, 2.5), "errors\n(C4)": (result["rmse_ratio"], 0.7, 1.4)}
    asked(left, first | gaps | widths)
    log_axis(left, "y", [0.5, 1, 2, 4])
    left.set(ylim=(0.35, 6), ylabel="ratios (C1, C4, C5)")
    at = {arm: result.sel(arm=arm) for arm in result["arm"].values}
    saved = at["SG-MCMC, few"]["rmse"] - at["cold, few"]["rmse"]
    more = at["ensemble, middle"]["coverage"] - at["SG-MCMC, middle"]["coverage"]
    differences = {
        "between less\nwithin chains,\nln (C2)": (result["log_variances"], 0, 100),
        "error that cold\nchains save,\nkT (C3)": (saved, 0, 100),
        "coverage that the\nensemble adds\n(C4)": (more, -0.1, 100),
    }
    asked(right, differences)
    ends = np.concatenate([values.values for values, _, _ in differences.values()])
    right.set(ylim=(ends.min() - 0.3, max(ends.max(), 0) + 0.5), ylabel="differences")
    shares = {
        "covers the\nmolecule": (at["SG-MCMC, biased"]["coverage"], -1, 0.5),
        "covers the\nreference": (result["reference_coverage"], 0.8, 2),
        "rank corr.,\nchains": (at["SG-MCMC, middle"]["rank_correlation"], 0.3, 2),
        "rank corr.,\nensemble": (at["ensemble, middle"]["rank_correlation"], 0.3, 2),
    }
    asked(low, shares)
    least = min(float(values.min()) for values, _, _ in shares.values())
    low.set(ylim=(min(least, 0) - 0.05, 1.05), ylabel="coverage (C6), correlation (C5)")
    for method, colour in (("SG-MCMC", FAMILIES["SG-MCMC"]), ("deep ensemble", FAMILIES["ensemble"])):
        found = interval(parts["information"].sel({"arm": "gap", "method": method}), "seed")
        interval_band(last, result["angle"].values, found, label=method, color=colour, linewidth=1)
    last.axvspan(*data["gap"].values, color=GREY, alpha=0.2, linewidth=0, label="no samples")
    last.set(xlim=(-np.pi, np.pi), ylim=(0, None), xlabel="φ (rad)", ylabel="information of networks (nat)")
    legend(last, outside="above", ncols=3)
    return figure


def asked(panel: Axes, columns: Mapping[str, tuple[Any, float, float]]) -> None:
    """A column for each name: data sets, their mean with its interval, and where a rule wants it, shaded."""
    for place, (values, low, high) in enumerate(columns.values()):
        panel.fill_between([place - 0.4, place + 0.4], low, high, color=COLOURS[2], alpha=0.15, linewidth=0)
        panel.plot(np.full(values.shape, place - 0.15), values, ".", color=GREY, markersize=4)
        interval_whiskers(panel, [place + 0.1], interval(values.expand_dims("rule"), "seed"), color="black")
    names(panel, "x", columns)
