"""The study's figures: histories; how many transformations and which way; what comes before and with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, SMALL, interval_band, interval_whiskers, legend, log_axis, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.cool_core_transformations import finder

SUCCESS = 0.6
MAJORITY, VAST = 0.5, 0.65
FOUND = 0.95
UP, DOWN, ANY = 0.1, 0.05, 0.03
POOR, RISING = 0.65, 0.1
BUSIER, ALONE = 1.5, 0.1
"""What the claims accept."""
WAYS = {"up": 0, "down": 1}
GREY: dict[str, Any] = {"color": "0.85", "lw": 0, "zorder": 0}


def histories(study: Results) -> Figure:
    """Six clusters of the first population, from the largest fall to the largest rise."""
    data: Any = study["simulate/population"]
    world = data.sel(switch="all", success=SUCCESS).isel(population=0)
    dt, times = float(np.diff(data.time.values[:2])[0]), data.time.values
    log_k = np.log(world.k0.values.astype(float))
    smoothed = finder.smooth(log_k, dt)
    events = finder.transformations(smoothed, dt)
    moved = np.unique(events.row)
    order = moved[np.argsort((smoothed[:, -1] - smoothed[:, 0])[moved], kind="stable")]
    chosen = order[np.linspace(0, order.size - 1, 6).round().astype(int)] if order.size else np.arange(6)
    figure, axes = panels(2, 3, height=2.1, sharex=True, sharey=True)
    for panel, row in zip(axes.flat, chosen, strict=True):
        panel.axhspan(finder.COOL, finder.HOT, **GREY)
        panel.plot(times, world.k0.values[row], color="0.6", lw=0.7)
        panel.plot(times, np.exp(smoothed[row]), color="k", lw=1)
        for sign, mark, way in ((1, "^", "up"), (-1, "v", "down")):
            at = events.place[(events.row == row) & (events.sign == sign)]
            panel.plot(times[at], np.exp(smoothed[row, at]), mark, color=COLOURS[WAYS[way]], ms=7, label=way)
        energy = world.agn.values[row]
        bursts = np.flatnonzero(energy > 0)
        panel.vlines(times[bursts], 1.2, 1.2 * np.exp(0.5 * energy[bursts]), color=COLOURS[2], lw=0.8, label="bursts")
        merged = np.flatnonzero(world.mass_ratio.values[row] > 0)
        size = 40 * world.mass_ratio.values[row, merged]
        panel.scatter(times[merged], np.full(merged.size, 5.0), size, color=COLOURS[3], label="mergers")
        log_axis(panel, "y", [3, 10, 30, 100, 300])
        panel.minorticks_off()
        panel.set(ylim=(1.2, 900), xlim=(times[0], times[-1]))
    for panel in axes[1]:
        panel.set_xlabel("cosmic time (Gyr)")
    for panel in axes[:, 0]:
        panel.set_ylabel("central entropy (keV cm²)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, markerscale=0.7)
    return figure


def transformations(study: Results) -> Figure:
    """Counts at all thresholds; shares upward; states and spells; the finder on ramps."""
    found: Any = study["entropy/population"]
    figure, axes = panels(2, 3, height=2.5)
    here, factors = found.sel(success=SUCCESS), found.slope_factor.values
    table, shares, number = axes[0]
    counts = here.events.mean("population")
    table.imshow(counts.values, cmap="Blues", vmin=0, aspect="auto")
    for i in range(factors.size):
        for j in range(factors.size):
            value = float(counts[i, j])
            dark = value > 0.6 * float(counts.max())
            table.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=SMALL, color="w" if dark else "k")
    names(table, "x", [f"{finder.CHANGE * f:.2f}" for f in factors])
    names(table, "y", [f"{finder.SLOPE * f:.2f}" for f in factors])
    table.set(xlabel="least change of ln K", ylabel="least slope (1/Gyr)", title="transformations of a cluster")
    for i, slope in enumerate(factors):
        share = interval(here.up_share.sel(slope_factor=slope), "population")
        label = f"slope {finder.SLOPE * slope:.2f}"
        interval_whiskers(shares, np.arange(3) + 0.15 * (i - 1), share, label, color=COLOURS[i])
    fewer = found.up_share.sel(slope_factor=1.0, change_factor=1.0).isel(success=slice(0, 2))
    interval_whiskers(shares, [3.2, 4.2], interval(fewer, "population"), "fewer successes", color=COLOURS[3])
    back: Any = study["entropy/time_reversed"]
    turned = back.up_share.sel(slope_factor=1.0, change_factor=1.0, success=[SUCCESS])
    interval_whiskers(shares, [5.2], interval(turned, "population"), "backwards", color=COLOURS[7])
    for height, look in ((MAJORITY, "-"), (VAST, "--")):
        shares.axhline(height, color="k", lw=0.8, ls=look)
    said = [f"{finder.CHANGE * f:.2f}" for f in factors] + [f"{100 * s:g} %" for s in fewer.success.values] + ["back"]
    names(shares, "x", said, at=[0, 1, 2, 3.2, 4.2, 5.2], rotation=30)
    shares.set(xlabel="least change | success", ylabel="share upward", ylim=(0, 1))
    legend(shares, loc="lower left", labelspacing=0.2, handletextpad=0.2)
    for way, colour in WAYS.items():
        of = here.clusters_with.sel(sign=way).mean("population")
        number.bar(np.arange(7) + 0.4 * colour - 0.2, of, 0.4, color=COLOURS[colour], label=way)
    names(number, "x", [*range(6), "6+"])
    number.set(xlabel="transformations", ylabel="share of clusters")
    legend(number)
    states(axes[1, 0], here, found.isel(success=0))
    spells(axes[1, 1], study)
    ramps(axes[1, 2], study)
    return figure


def states(axes: Any, here: Any, fewest: Any) -> None:
    """Shares in cool and hot cores in three eras, at each factor of the lines; with the fewest successes."""
    for colour, state in enumerate(("cool", "hot")):
        for factor, look in zip(here.line_factor.values, (":", "-", "--"), strict=False):
            one = interval(here.share.sel(line_factor=factor, state=state), "population")
            said = state if factor == 1 else None if state == "hot" else f"lines × {factor:g}"
            interval_whiskers(axes, np.arange(3), one, said, fmt="o" + look, color=COLOURS[colour], markersize=3)
        one = interval(fewest.share.sel(line_factor=1.0, state=state), "population")
        said = None if colour else f"success {100 * float(fewest.success):g} %"
        interval_whiskers(axes, np.arange(3), one, said, fmt="s-.", color=COLOURS[colour], markersize=3, mfc="w")
    names(axes, "x", here.when.values)
    axes.set(xlabel="first, middle, last Gyr", ylabel="share of clusters", ylim=(0, 1.45), yticks=[0, 0.5, 1])
    legend(axes, loc="upper right", ncols=2, labelspacing=0.2, columnspacing=0.6, handlelength=1.5)


def spells(axes: Any, study: Results) -> None:
    """Spells that last, in cool and hot cores: at the lines' factors, with fewer successes, and in two controls."""
    found, cold, back = (study[f"entropy/{case}"].outlast for case in ("population", "no_mergers", "time_reversed"))
    factors, fewer = found.line_factor.values, found.success.values[:-1]
    plain = {"line_factor": 1.0, "success": [SUCCESS]}
    parts = (
        found.sel(success=SUCCESS),
        found.sel(line_factor=1.0, success=fewer),
        cold.sel(plain),
        back.sel(plain),
    )
    said = [f"× {f:g}" for f in factors] + [f"{100 * s:g} %" for s in fewer] + ["no heat", "back"]
    for colour, state in enumerate(("cool", "hot")):
        start = 0.2 * colour - 0.1
        for i, part in enumerate(parts):
            one = interval(part.sel(state=state), "population")
            at = start + np.arange(np.size(one.low))
            interval_whiskers(axes, at, one, None if i else state, color=COLOURS[colour], markersize=3)
            start += np.size(one.low)
    names(axes, "x", said, rotation=30)
    axes.set(xlabel="lines | success | controls", ylabel=f"spells over {finder.LASTING:g} Gyr", ylim=(0, 1.25))
    axes.set(yticks=[0, 0.5, 1])
    legend(axes, loc="upper left", ncols=2)


def ramps(axes: Any, study: Results) -> None:
    """Recall and precision of the finder, of a series' own ramps and of another's."""
    axes.axhspan(FOUND, 1.0, **GREY)
    for colour, (case, said) in enumerate((("population", "own ramps"), ("shuffled", "another's"))):
        result: Any = study[f"entropy/{case}"]
        for i, name in enumerate(("recall", "precision")):
            one = interval(result[name].expand_dims(one=1), "population")
            interval_whiskers(axes, [i + 0.2 * colour - 0.1], one, said if not i else None, color=COLOURS[colour])
    names(axes, "x", ["recall", "precision"])
    axes.set(ylabel="share", ylim=(0, 1.02), xlim=(-0.5, 1.5))
    legend(axes, loc="center")


def drivers(study: Results) -> Figure:
    """Mergers, black hole, and prediction, a row each."""
    cases = {name: study[f"entropy/{name}"] for name in ("population", "no_mergers", "no_agn", "shuffled")}
    figure, axes = panels(3, 3, height=2.3)
    mergers(axes[0], cases)
    black_holes(axes[1], cases)
    predictions(axes[2], cases["population"], study["forecast/population"])
    return figure


def mergers(axes: Any, cases: dict[str, Any]) -> None:
    """Shares with a merger before, by window; excesses of the case and its controls; by bins."""
    window, judged, bins = axes
    here = cases["population"].sel(success=SUCCESS)
    for way, colour in WAYS.items():
        for name, look in (("with_merger", "-"), ("control_merger", ":")):
            one = interval(here[name].sel(sign=way), "population")
            said = way if look == "-" else "controls" if way == "down" else None
            interval_band(window, here.window.values, one, said, color=COLOURS[colour], ls=look)
    window.axvline(1.0, color="0.7", lw=3, zorder=0)
    window.set(xlabel="window before (Gyr)", ylabel="share with a merger", ylim=(0, 1.3), yticks=[0, 0.5, 1])
    legend(window, loc="upper left", ncols=3, columnspacing=0.6, handlelength=1.2, handletextpad=0.4)
    success = cases["population"].success.values
    places, ticks = np.arange(success.size + 2), [f"{100 * s:g} %" for s in success]
    for way, colour in WAYS.items():
        own = interval(cases["population"].excess.sel(sign=way), "population")
        interval_whiskers(judged, places[:-2] + 0.2 * colour - 0.1, own, way, color=COLOURS[colour])
        for place, name in zip(places[-2:], ("no_mergers", "shuffled"), strict=True):
            other = interval(cases[name].excess.sel(sign=way, success=[SUCCESS]), "population")
            interval_whiskers(judged, [place + 0.2 * colour - 0.1], other, color=COLOURS[colour])
    for height, colour in ((UP, 0), (DOWN, 1)):
        judged.axhline(height, color=COLOURS[colour], lw=0.8, ls="--")
    names(judged, "x", [*ticks, "no heat", "shuffled"], rotation=30)
    judged.set(xlabel="success | controls", ylabel="excess within 1 Gyr")
    legend(judged, loc="upper right")
    for i, (name, case) in enumerate((("population", "all"), ("no_mergers", "no heat"))):
        one = cases[name].sel(success=SUCCESS)
        for start, variable in ((0, "ratio_excess"), (3.5, "spin_excess")):
            at, found = start + np.arange(3) + 0.2 * i - 0.1, interval(one[variable], "population")
            interval_whiskers(bins, at, found, None if start else case, color=COLOURS[i])
    bins.axhline(ANY, color="k", lw=0.8, ls="--")
    names(bins, "x", [*here.ratio_bin.values, *here.spin_bin.values], at=[0, 1, 2, 3.5, 4.5, 5.5], rotation=30)
    bins.set(xlabel="mass ratio | spin", ylabel="excess, upward")
    legend(bins)


def black_holes(axes: Any, cases: dict[str, Any]) -> None:
    """Power around transformations; its ratio to the controls'; transformations alone, and without bursts."""
    stack, ratio, alone = axes
    here = cases["population"]
    for way, colour in WAYS.items():
        one = interval(here.power.sel(sign=way, success=SUCCESS), "population")
        interval_band(stack, here.lag.values, one, way, color=COLOURS[colour])
    stack.axvspan(-0.5, 0.5, **GREY)
    stack.axhline(1, color="k", lw=0.8)
    stack.set(xlabel="time from the event (Gyr)", ylabel="AGN power (of its mean)")
    legend(stack)
    success = here.success.values
    for i, (name, said) in enumerate((("population", "own"), ("shuffled", "another's"))):
        one = interval(cases[name].power_ratio.sel(sign="up"), "population")
        interval_whiskers(ratio, np.arange(success.size) + 0.2 * i - 0.1, one, said, color=COLOURS[i])
    ratio.axhline(BUSIER, color="k", lw=0.8, ls="--")
    ratio.set(ylabel="power over controls'", ylim=(0, 5))
    legend(ratio, loc="upper right", ncols=2)
    places = np.arange(success.size)
    interval_whiskers(alone, places, interval(here.alone, "population"), "no merger before", color=COLOURS[0])
    for i, (name, said) in enumerate((("population", "events"), ("no_agn", "events, no bursts"))):
        one = interval(cases[name].events_per_cluster, "population")
        interval_whiskers(alone, places + 0.2 * i - 0.1, one, said, color=COLOURS[1 + i])
    alone.axhline(ALONE, color="k", lw=0.8, ls="--")
    alone.set(ylabel="share, or number", ylim=(0, 4.5))
    legend(alone, loc="upper left", labelspacing=0.2)
    for panel in (ratio, alone):
        names(panel, "x", [f"{100 * s:g} %" for s in success])
        panel.set(xlabel="successful mergers", xlim=(-0.5, success.size - 0.5))


def predictions(axes: Any, found: Any, forecasts: Any) -> None:
    """What the number of mergers tells; errors of the networks against persistence."""
    success = found.success.values
    for panel, name, bound in ((axes[0], "auc", POOR), (axes[1], "rank_correlation", RISING)):
        interval_whiskers(panel, np.arange(success.size), interval(found[name], "population"), color=COLOURS[0])
        panel.axhline(bound, color="k", lw=0.8, ls="--")
        names(panel, "x", [f"{100 * s:g} %" for s in success])
        panel.set(xlabel="successful mergers", xlim=(-0.5, success.size - 0.5))
    axes[0].set(ylabel="AUC of few mergers", ylim=(0.4, 0.95))
    axes[1].set(ylabel="rank corr. of mergers, K", ylim=(-0.1, 0.7))
    gain = forecasts.rmse.sel(model="persistence", drop=True) - forecasts.rmse
    shown = [name for name in forecasts.model.values if name != "persistence"]
    for i, horizon in enumerate(forecasts.horizon.values):
        one = interval(gain.sel(model=shown, horizon=horizon), "test_cluster")
        at = np.arange(len(shown)) + 0.2 * (i - 1)
        interval_whiskers(axes[2], at, one, f"{horizon:g} Gyr", color=COLOURS[i], markersize=3)
    axes[2].axhline(0, color="k", lw=0.8)
    names(axes[2], "x", [name.replace("_", " ") for name in shown], rotation=30)
    axes[2].set(ylabel="gain on persistence (ln K)")
    axes[2].margins(y=0.3)
    legend(axes[2], loc="upper left", ncols=3, columnspacing=0.6, handletextpad=0.2)
