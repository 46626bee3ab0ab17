"""The study's figures: the family of halos; rotation curves and their fits; star counts and radii not fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.darkexp_halos.fits import curves

SAID = {
    "darkexp": "DARKexp",
    "nfw": "NFW",
    "nfw_tied": "NFW, c(M)",
    "burkert": "Burkert",
    "soliton": "soliton",
    "no_halo": "no halo",
    "darkexp_wide": "DARKexp from 1.5",
    "darkexp_one": "DARKexp, 4 alone",
}
TRUTHS = {"core_nfw": "coreNFW", "burkert": "Burkert", "pseudo_isothermal": "pseudo-isothermal", "nfw": "NFW"}
SHOWN = (1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
CORE, CUSP, AT = 0.35, 1.0, 0.03
SLOW, FAST = 0.63, 0.90
LEAST, BALANCED = 2.0, 0.01
GOOD, ACCEPTED = 2.0, 1.5
"""What the claims accept."""
APART = ("darkexp_wide", "darkexp_one")
"""Models that are no rivals."""
GREY: dict[str, Any] = {"color": "0.85", "lw": 0, "zorder": 0}


def family(study: Results) -> Figure:
    """Density, slope and speed of each phi0 with NFW; slopes, speeds and errors that are judged, against phi0."""
    halos: Any = study["simulate/theory"]
    figure, axes = panels(2, 3, height=2.5)
    profiles(axes[0], halos)
    slope, speed, error = axes[1]
    phi0 = halos.phi0.values
    for panel, judged in ((slope, halos.slope_at.sel(place=AT)), (speed, halos.speed_ratio)):
        for i, (name, look) in enumerate((("given", "o"), ("finer", "x"))):
            panel.plot(phi0, judged.sel(grid=name), look, color=COLOURS[i], ms=5 - i, label=f"{name} grid")
    slope.fill_between([LEAST - 0.2, LEAST + 0.2], -0.1, CORE, **GREY)
    slope.fill_between([4 - 0.2, phi0[-1] + 0.2], CUSP, 1.8, **GREY)
    speed.fill_between([LEAST - 0.2, LEAST + 0.2], 0.5, SLOW, **GREY)
    speed.fill_between([phi0[-1] - 0.2, phi0[-1] + 0.2], FAST, 1, **GREY)
    speed.axhline(float(np.sqrt(curves.nfw(np.array(0.2 * curves.NFW_PEAK)))), color="k", ls="--", lw=1, label="NFW")
    slope.set(ylabel=f"slope at {AT} r₋₂", ylim=(-0.1, 1.8), yticks=[0, 0.5, 1, 1.5])
    speed.set(ylabel="V(0.2 r_max) / V_max", ylim=(0.5, 1))
    for i, (name, label) in enumerate((("virial_error", "virial ratio"), ("misfit", "density"))):
        worst = halos[name].max("grid").values
        error.plot(phi0, worst, color=COLOURS[i], lw=0.8)
        for solved, face in ((phi0 >= LEAST, COLOURS[i]), (phi0 < LEAST, "w")):
            said = label if face != "w" else None
            error.plot(phi0[solved], worst[solved], "o", ms=5, mfc=face, color=COLOURS[i], label=said)
    error.fill_between([LEAST - 0.2, phi0[-1] + 0.2], 1e-4, BALANCED, **GREY)
    log_axis(error, "y", [1e-4, 1e-3, 1e-2, 1e-1])
    error.minorticks_off()
    error.set(ylabel="largest relative error", ylim=(1e-4, 0.3))
    for panel in axes[1]:
        panel.set(xlabel="φ₀", xlim=(1.2, 6.3))
        legend(panel, loc="lower right" if panel is not error else "upper right")
    return figure


def profiles(axes: Any, halos: Any) -> None:
    """Density, slope and circular speed against the radius, for the shapes in `SHOWN`."""
    density, slope, speed = axes
    r = halos.radius.values
    shown = [phi0 for phi0 in halos.phi0.values if phi0 in SHOWN]
    for i, phi0 in enumerate(shown):
        one, label = halos.sel(phi0=phi0), f"{phi0:g}" if phi0 >= LEAST else f"{phi0:g}, unsolved"
        look = {"color": COLOURS[i], "label": label, "ls": "-" if phi0 >= LEAST else ":"}
        two = np.interp(2, np.maximum.accumulate(one.slope.values), r)
        density.plot(r / two, one.density * r**2 * two, **look)
        slope.plot(r / two, one.slope, **look)
        speed.plot(r / float(one.r_max), one.speed / one.speed.max(), **look)
    x = np.geomspace(1e-3, 30, 200)
    broken: dict[str, Any] = {"color": "k", "ls": "--", "lw": 1, "label": "NFW"}
    density.plot(x, 0.05 * x / (1 + x) ** 2, **broken)
    slope.plot(x, 1 + 2 * x / (1 + x), **broken)
    speed.plot(x / curves.NFW_PEAK, np.sqrt(curves.nfw(x)), **broken)
    for panel in axes:
        log_axis(panel, "x", [0.01, 0.1, 1, 10])
    log_axis(density, "y", [1e-4, 1e-3, 1e-2])
    for panel in axes:
        panel.minorticks_off()
    density.set(xlabel="radius (r₋₂)", ylabel="density × radius² (mass / r₋₂)", xlim=(0.015, 30), ylim=(1e-4, 0.03))
    slope.set(xlabel="radius (r₋₂)", ylabel=named(halos.slope), xlim=(0.015, 30), ylim=(0, 4), yticks=range(5))
    speed.set(
        xlabel="radius (r_max)", ylabel="circular speed (V_max)", xlim=(0.02, 10), ylim=(0, 1.05), yticks=[0, 0.5, 1]
    )
    legend(speed, title="φ₀", loc="lower right", handlelength=1.2, labelspacing=0.2, borderpad=0)


def galaxies(study: Results) -> Figure:
    """Curves of each truth with their fits, all models' chi^2, and the shapes found."""
    data: Any = study["simulate/fits"]["galaxies"].to_dataset().sel(world="cored")
    found: Any = study["forecast/fits"]
    figure, axes = panels(2, 3, height=2.5)
    truth = data.truth.values
    kinds = list(dict.fromkeys(truth))
    places = [np.flatnonzero(truth == kind)[0] for kind in kinds][:4]
    for panel, place in zip([*axes[0], axes[1, 0]], places, strict=False):
        one, here = data.isel(galaxy=place), found.isel(galaxy=place)
        on = one.measured.values.astype(bool)
        panel.errorbar(one.rad[on], one.v_obs[on], one.v_err[on], fmt="k.", ms=3, lw=0.8)
        for colour, name in enumerate(("darkexp", "nfw")):
            panel.plot(one.rad[on], here.speed.sel(model=name)[on], color=COLOURS[colour], label=SAID[name])
        panel.set(title=TRUTHS.get(str(truth[place]), str(truth[place])), xlabel="radius (kpc)", ylim=(0, None))
    for panel in axes[:, 0]:
        panel.set_ylabel("speed (km/s)")
    legend(axes[0, 0], loc="lower right")
    chi, shapes = axes[1, 1:]
    for colour, (name, said) in enumerate(SAID.items()):
        values = np.sort(found.reduced.sel(model=name).values)
        look = {"color": COLOURS[colour], "lw": 1, "ls": ":" if name in APART else "-"}
        chi.step(values, np.arange(1, values.size + 1) / values.size, label=said, **look)
        if name in ("darkexp", "soliton"):
            interval_whiskers(chi, [GOOD], sharing(found.fits.sel(model=name)), color=COLOURS[colour], zorder=5)
    chi.axvline(GOOD, color="k", lw=3, alpha=0.15, zorder=0)
    log_axis(chi, "x", [1, 10, 100, 1000])
    chi.minorticks_off()
    chi.set(xlabel=named(found.reduced), ylabel="share of galaxies below", xlim=(0.3, 2e4), ylim=(0, 1.02))
    legend(chi, loc="lower right", handlelength=1.2, labelspacing=0.2, borderpad=0)
    bins = np.arange(1.75, 6.51, 0.5)
    shapes.hist(
        [found["shape"].values[truth == kind] for kind in kinds],
        bins,
        stacked=True,
        label=[TRUTHS.get(k, k) for k in kinds],
    )
    shapes.set(xlabel="φ₀ of the best fit", ylabel="galaxies", xlim=(1.5, 6.5))
    legend(shapes, loc="upper right")
    return figure


def sharing(fits: Any) -> Any:
    """Share of galaxies that are fitted, with its interval, as an array of one."""
    return interval(fits.expand_dims(one=1), "galaxy", "share")


def dwarfs(study: Results) -> Figure:
    """Deviances of star counts at the best shape and at a cusp; errors of held-out radii of all models."""
    found: Any = study["forecast/fits"]
    cuspy: Any = study["forecast/one_shape"]
    figure, axes = panels(1, 2, height=2.8, width_ratios=[1, 1.6])
    counts, errors = axes[0]
    for colour, (result, said) in enumerate(((found, "best φ₀ up to 2.5"), (cuspy, "φ₀ = 5"))):
        values = np.sort(result.dwarf_reduced.values)
        counts.plot(np.arange(1, values.size + 1), values, "o", ms=4, color=COLOURS[colour], label=said)
        mean = interval(result.dwarf_reduced.expand_dims(one=1), "dwarf")
        interval_whiskers(counts, [values.size + 2 + colour], mean, color=COLOURS[colour], fmt="D")
    counts.axhspan(0.5, ACCEPTED, **GREY)
    log_axis(counts, "y", [0.5, 1, 2, 5, 10, 20])
    counts.minorticks_off()
    counts.set(xlabel="dwarf, in order; last, means", ylabel=named(found.dwarf_reduced), ylim=(0.5, 20))
    legend(counts, loc="upper left")
    rivals, ways = found.rival.values, {"outwards": "inner radii fitted", "inwards": "outer radii fitted"}
    for i, (way, said) in enumerate(ways.items()):
        values = found.held_out.sel(way=way)
        at, look = np.arange(rivals.size) + 0.36 * i - 0.18, {"color": COLOURS[i]}
        errors.boxplot(
            [values.sel(rival=name).values for name in rivals],
            positions=at,
            widths=0.3,
            showfliers=False,
            manage_ticks=False,
            medianprops=look,
            boxprops=look,
            whiskerprops=look,
            capprops=look,
        )
        errors.plot([], [], color=COLOURS[i], label=said)
    log_axis(errors, "y", [0.5, 1, 2, 5, 10, 20, 50])
    errors.minorticks_off()
    names(errors, "x", [SAID[name] for name in rivals], at=range(rivals.size), rotation=30)
    errors.set_ylabel(named(found.held_out))
    legend(errors, loc="upper left")
    return figure
