"""The study's figures: response, recession, depth, spins, synchronisation, planets, sensitivity."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, band, legend, log_axis, named, names, note, panels, whiskers
from pesin.stats.passage import kaplan_meier
from pesin.steps.results import Results

GREY = COLOURS[7]


def love_number(study: Results) -> Figure:
    """Response against frequency, the closed form's error, and the response over the melt fraction."""
    love, control = study["simulate/love"], study["simulate/no_self_attraction"]
    figure, axes = panels(1, 3, height=2.9)
    panel, curves = axes[0, 0], love["curves"].to_dataset()
    for i, depth in enumerate(curves["depth"].values):
        panel.plot(curves.sigma, curves.ocean.sel(depth=depth), color=COLOURS[i], label=f"{depth / 1e3:g} km")
    for i, viscosity in enumerate(curves.viscosity.values):
        line = ("--", "-.", ":")[i % 3]
        label = f"{viscosity:.0e} Pa s"
        panel.plot(curves.sigma, curves.maxwell.sel(viscosity=viscosity), line, color=GREY, label=label)
    panel.set(yscale="log", xlabel=named(love["check"].sigma), ylabel=named(love["melt"].im_k2))
    panel.set_ylim(1e-6, 1e5 * panel.get_ylim()[1])
    title = "ocean's depth, solid's viscosity"
    legend(panel, loc="upper left", ncols=2, columnspacing=1, handlelength=1.5, title=title)
    panel = axes[0, 1]
    for result, label, colour in ((love, "closed form", COLOURS[0]), (control, "no self-attraction", COLOURS[1])):
        check = result["check"]
        panel.plot(check.sigma, np.maximum(check.relative_error, 1e-17), ".", color=colour, label=label)
    panel.axhline(1e-6, color="black", linewidth=0.8)
    panel.set(yscale="log", xlabel=named(love["check"].sigma), ylabel=named(love["check"].relative_error))
    legend(panel, loc="lower left", bbox_to_anchor=(0, 0.6))
    for panel in axes[0, :2]:
        log_axis(panel, "x", [1e-4, 3e-4, 1e-3])
    panel, melt = axes[0, 2], love["melt"]
    for i, model in enumerate(melt.model.values):
        panel.plot(melt.melt, melt.im_k2.sel(model=model), ("-", "--")[i], color=COLOURS[i], label=str(model))
    panel.set(yscale="log", xlabel="melt fraction", ylabel=named(melt.im_k2))
    legend(panel)
    return figure


def recession(study: Results) -> Figure:
    """Distance of the Moon against time, and the share of the ensemble still inside 20 Earth radii."""
    moon = study["simulate/moon"]
    grid, ensemble = moon["grid"], moon["ensemble"]
    figure, axes = panels(1, 2, height=3.1)
    panel, years = axes[0, 0], grid.time.values[1:]
    for i, branch in enumerate(ensemble.branch.values):
        rows = ensemble.distance.sel(branch=branch).values[:, 1:]
        # The range of members in which 25 should lie. Where a run failed nobody knows it: nothing is drawn.
        low, middle, high = np.quantile(rows, [0.16, 0.5, 0.84], axis=0)
        band(panel, years, middle, low, high, label=f"ensemble, {branch}", color=COLOURS[i])
    for run in np.flatnonzero(grid.feedback.values == 1):
        panel.plot(years, grid.distance.values[run, 1:], color=GREY, linewidth=0.6, label="grid" if run == 0 else None)
    chosen = grid.distance.values[int(grid.reference), 1:]
    panel.plot(years, chosen, color="black", linewidth=2.2, label="reference run")
    panel.axhline(25, color="black", linestyle=":", linewidth=0.8)
    panel.axvspan(1e4, 1e5, color=COLOURS[4], alpha=0.15)
    panel.set(xscale="log", xlabel="time (year)", ylabel=named(grid.distance), ylim=(0, None))
    legend(panel, loc="upper left")
    panel, end = axes[0, 1], years[-1]
    for i, branch in enumerate(ensemble.branch.values):
        times = ensemble.passage_time.sel(branch=branch).values  # not finite: not there, or failed on the way
        share, low, high = kaplan_meier(np.where(np.isfinite(times), times, end), np.isfinite(times), years)
        band(panel, years, share, low, high, label=str(branch), color=COLOURS[i])
    panel.axvspan(1e4, 1e5, color=COLOURS[4], alpha=0.15)
    on_time = float(ensemble.on_time.sel(branch="ocean").mean())
    panel.set_title(f"{on_time:.0%} pass 20 to 30 in the shaded time")
    panel.set(xscale="log", xlabel="time (year)", ylabel="share not yet at 20 Earth radii", ylim=(0, 1.05))
    legend(panel, loc="lower left")
    return figure


def depth(study: Results) -> Figure:
    """Depth of the ocean and its resonance, and entropies, for a run that locks and for the reference."""
    grid, made = study["simulate/moon"]["grid"].to_dataset(), study["entropy/moon"]
    figure, axes = panels(2, 2, height=2.4, sharex=True)
    locked = np.flatnonzero(
        (grid.flux.values == grid.flux.values.min())
        & (grid.drag.values == grid.drag.values[int(grid.reference)])
        & (grid.feedback.values == 1)
    )[0]
    years = grid.time.values[1:]
    for column, run in zip(axes.T, (locked, int(grid.reference)), strict=True):
        column[0].plot(years, grid["depth"].values[run, 1:] / 1e3, color=COLOURS[0], label="ocean")
        resonant = grid.resonant_depth.values[run, 1:] / 1e3
        column[0].plot(years, resonant, "--", color=COLOURS[1], label="resonant depth")
        flux, drag = grid.flux.values[run], grid.drag.values[run]
        column[0].set(xscale="log", title=f"F = {flux:g} W m$^{{-2}}$, $\\sigma_R$ = {drag:g} s$^{{-1}}$")
        column[1].plot(years, made.tidal_entropy.values[run, 1:], color=COLOURS[1], label="made by tides")
        column[1].plot(years, made.radiated_entropy.values[run, 1:], color=COLOURS[4], label="radiated")
        column[1].set(yscale="log", xlabel="time (year)")
    axes[0, 0].set_ylabel("depth (km)")
    axes[1, 0].set_ylabel(named(made.tidal_entropy, "entropy since the start"))
    for panel in axes[:, 0]:
        legend(panel)
    return figure


def spins(study: Results) -> Figure:
    """Histories of spins with their final entropies, and the map of traps."""
    result, made = study["simulate/spin"], study["entropy/spin"]
    histories, traps = result["histories"], result["traps"].traps.isel(period=0)
    drags = traps.drag.values
    figure, axes = panels(1, 1 + len(drags), height=3.1, gridspec_kw={"width_ratios": [2, *[1] * len(drags)]})
    panel = axes[0, 0]
    for i, branch in enumerate(histories.branch.values):
        rows = histories.spin.sel(branch=branch).values
        value, low, high = (float(made[f"final_entropy{end}"].sel(branch=branch)) for end in ("", "_low", "_high"))
        label = f"{branch}: entropy {value:.2f} [{low:.2f}, {high:.2f}] {made.final_entropy.units}"
        lines = panel.plot(histories.time.values[1:], rows[:, 1:].T, color=COLOURS[i], linewidth=0.5)
        lines[0].set_label(label)
    for place in (1, 1.5, 2, 2.5):
        panel.axhline(place, color="black", linewidth=0.4, linestyle=":")
    panel.set(xscale="log", xlabel="time (year)", ylabel=named(histories.spin), ylim=(0.9, 4.9))
    legend(panel, loc="upper right")
    order = np.sort(traps.eccentricity.values)
    deep = np.sort(traps.depth.values)
    counts = traps.sum("resonance").sel(eccentricity=order, depth=deep)
    for panel, drag in zip(axes[0, 1:], np.sort(drags), strict=True):
        table = counts.sel(drag=drag).transpose("depth", "eccentricity").values
        panel.imshow(table, vmin=0, vmax=3, cmap="cividis", origin="lower", aspect="auto")
        for (y, x), number in np.ndenumerate(table):
            panel.text(x, y, str(number), ha="center", va="center", color="white" if number < 2 else "black")
        names(panel, "x", [f"{e:g}" for e in order], rotation=90)
        names(panel, "y", [])
        panel.set(xlabel="e", title=f"$\\sigma_R$ = {drag:g}")
    names(axes[0, 1], "y", ["solid" if d == 0 else f"{d / 1e3:g} km" for d in deep])
    return figure


def synchronisation(study: Results) -> Figure:
    """Spin-down time against the period, and of every ocean at ten days against its drag."""
    down = study["simulate/spin"]["down"].to_dataset()
    figure, axes = panels(1, 2, height=3.0, gridspec_kw={"width_ratios": [1, 1.25]}, sharey=True)
    panel, periods = axes[0, 0], down.period.values
    panel.plot(periods, down.solid_time, "o-", color="black", label="no ocean")
    low, under, middle, over, high = np.quantile(down.fluid_time, [0.025, 0.16, 0.5, 0.84, 0.975], axis=1)
    panel.fill_between(periods, low, high, color=COLOURS[0], alpha=0.15, linewidth=0)
    band(panel, periods, middle, under, over, label="oceans drawn", color=COLOURS[0])
    panel.set(yscale="log", xlabel="orbital period (day)", ylabel=named(down.fluid_time, "time from 4 n to 1.3 n"))
    log_axis(panel, "x", periods)
    legend(panel)
    right, ten = axes[0, 1], down.sel(period=10, method="nearest")
    km = ten["depth"].values / 1e3
    drawn = right.scatter(ten.drag, ten.fluid_time, 8, km, norm=LogNorm(km.min(), km.max()), cmap="cividis")
    right.axhline(float(ten.solid_time), color="black", linewidth=1, label="no ocean")
    right.set(xscale="log", xlabel=named(ten.drag), title=f"{float(ten.period):g} days")
    for panel in axes[0]:
        for years in (1e6, 1e9):
            panel.axhline(years, color=GREY, linestyle=":", linewidth=0.8)
    figure.colorbar(drawn, ax=right, label="depth of the ocean (km)")
    legend(right)
    return figure


def planets(study: Results) -> Figure:
    """Tidal heat against insolation, and the rise of the surface temperature."""
    result = study["simulate/planets"]
    figure, axes = panels(1, 2, height=3.2)
    panel, drag = axes[0, 0], result.drag.values[min(1, result.sizes["drag"] - 1)]
    for i, e in enumerate(result.eccentricity.values):
        heat = result.heat_flux.sel(eccentricity=e, drag=drag)
        panel.plot(result.insolation, heat, "o", markersize=4, color=COLOURS[i], label=f"e = {e:g}")
    for j, top in enumerate(result.heat_flux.isel(eccentricity=-1).sel(drag=drag)):
        # Numbers, for close neighbours' names would overlap; the names stand under the other panel.
        note(panel, str(j + 1), (result.insolation[j], top), xytext=(0, 4), textcoords="offset points", ha="center")
    ends = np.array([result.insolation.values.min() / 2, result.insolation.values.max() * 2])
    panel.plot(ends, ends, color="black", linewidth=0.8)
    panel.set(xscale="log", yscale="log", xlabel=named(result.insolation), ylabel=named(result.heat_flux))
    panel.set_title(f"drag {drag:g} s$^{{-1}}$")
    legend(panel, loc="upper left")
    panel = axes[0, 1]
    for i, e in enumerate(result.eccentricity.values):
        for k, other in enumerate(result.drag.values):
            rise = result.temperature_rise.sel(eccentricity=e, drag=other).values
            place = np.arange(len(rise)) + 0.2 * (i - 1)
            label = f"drag {other:g} s$^{{-1}}$" if i == 0 else None
            panel.plot(place, np.maximum(rise, 1e-5), "osv^D"[k], markersize=3, color=COLOURS[i], label=label)
    panel.axhline(0.1, color="black", linewidth=0.8)
    names(panel, "x", [f"{name}  {j + 1}" for j, name in enumerate(result.planet.values)], rotation=90)
    panel.set(yscale="log", ylabel=named(result.temperature_rise, "relative rise of temperature"))
    panel.set_ylim(top=100 * panel.get_ylim()[1])
    legend(panel, loc="upper left")
    return figure


def sensitivity(study: Results) -> Figure:
    """Sobol indices of the final distance, and the error of emulated recessions."""
    sobol, runs = study["simulate/moon"]["sobol"], study["forecast/moon"]
    figure, axes = panels(1, 2, height=2.9)
    panel, factors = axes[0, 0], [str(name) for name in sobol.factor.values]
    for i, order in enumerate(sobol.order.values):
        one = sobol.sel(order=order)
        place = np.arange(len(factors)) + 0.2 * (i - 0.5)
        values = (one.index.values, one.index_low.values, one.index_high.values)
        whiskers(panel, place, *values, label=str(order), color=COLOURS[i])
    labels = {"flux": "flux F", "drag": r"drag $\sigma_R$", "depth": r"depth $H_0$", "solid": r"solid $k_2/Q$"}
    names(panel, "x", [labels[name] for name in factors])
    panel.axhline(0, color="black", linewidth=0.6)
    panel.set_ylabel(named(sobol["index"]))
    legend(panel)
    panel = axes[0, 1]
    for name in runs.model.values[1:]:
        error = runs.largest_error.sel(model=name).values
        said, colour = ("table", COLOURS[1]) if name == "table" else ("net", COLOURS[0])
        label = said if name in ("table", "net_0") else None
        panel.plot(runs.drag, error, "x" if name == "table" else ".", color=colour, label=label, markersize=4)
    edge = float(runs.drag.where(runs.inside, drop=True).min())
    panel.axvspan(float(runs.drag.min()), edge, color=GREY, alpha=0.15, label="below the training range")
    log_axis(panel, "x", [1e-6, 3e-6, 1e-5, 3e-5, 1e-4])
    panel.set(yscale="log", xlabel=named(runs.drag), ylabel=named(runs.largest_error))
    legend(panel)
    return figure
