"""The study's figures: the family of halos; rotation curves and their fits; star counts and radii not fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, legend, log_axis, named, names, panels
from pesin.steps.results import Results
from studies.darkexp_halos.fits import curves

SAID = {
    "darkexp": "DARKexp",
    "nfw": "NFW",
    "nfw_tied": "NFW, c(M)",
    "burkert": "Burkert",
    "no_halo": "no halo",
    "soliton": "soliton",
}
TRUTHS = {"core_nfw": "coreNFW", "burkert": "Burkert", "pseudo_isothermal": "pseudo-isothermal", "nfw": "NFW"}
SHOWN = (0.5, 1.5, 2.0, 3.0, 4.0, 6.0)
CORE, CUSP, AT = 0.35, 1.0, 0.03
SLOW, FAST, SHARE = 0.63, 0.90, 0.2
GOOD, ACCEPTED = 2.0, 1.5
"""What the claims accept."""


def family(study: Results) -> Figure:
    """Density, slope and speed of each phi0 with NFW, and entropies."""
    halos: Any = study["simulate/theory"]
    found: Any = study["entropy/theory"]
    figure, axes = panels(2, 2, height=2.7)
    (density, slope), (speed, entropies) = axes
    r = halos.radius.values
    shown = [phi0 for phi0 in halos.phi0.values if phi0 in SHOWN]
    for i, phi0 in enumerate(shown):
        one, look = halos.sel(phi0=phi0), {"color": COLOURS[i], "label": f"{phi0:g}"}
        two = np.interp(2, np.maximum.accumulate(one.slope.values), r)
        density.plot(r, one.density, **look)
        slope.plot(r / two, one.slope, **look)
        speed.plot(r / float(one.r_max), one.speed / one.speed.max(), **look)
    x = np.geomspace(1e-3, 30, 200)
    broken: dict[str, Any] = {"color": "k", "ls": "--", "lw": 1, "label": "NFW"}
    density.plot(x, 0.04 / (x * (1 + x) ** 2), **broken)
    slope.plot(x, 1 + 2 * x / (1 + x), **broken)
    speed.plot(x / curves.NFW_PEAK, np.sqrt(curves.nfw(x)), **broken)
    slope.vlines([AT, AT], [-0.3, CUSP], [CORE, 3.2], color="k", lw=3, alpha=0.4)
    speed.vlines([SHARE, SHARE], [0.2, FAST], [SLOW, 1.0], color="k", lw=3, alpha=0.4)
    for panel in (density, slope, speed):
        log_axis(panel, "x")
    log_axis(density, "y")
    density.set(xlabel="radius (half-mass radius)", ylabel=named(halos.density), xlim=(1e-3, 30), ylim=(1e-7, 1e4))
    slope.set(xlabel="radius ($r_{-2}$)", ylabel=named(halos.slope), xlim=(3e-3, 30), ylim=(-0.3, 4.2))
    speed.set(xlabel="radius ($r_{max}$)", ylabel="circular speed ($V_{max}$)", xlim=(0.02, 10), ylim=(0.2, 1.05))
    legend(density, title="$\\phi_0$", loc="lower left")
    phi0 = found.phi0.values
    for name, label in (
        ("boltzmann", "of f(e)"),
        ("exact", "of binned N(e)"),
        ("measured", "the same, from particles"),
    ):
        entropies.plot(phi0, found[name], "o" if name == "measured" else "-", label=label, ms=4)
    entropies.set(xlabel="$\\phi_0$", ylabel="entropy (nat)")
    legend(entropies)
    return figure


def galaxies(study: Results) -> Figure:
    """Curves of each truth with their fits, all models' chi^2, and the shapes found."""
    data: Any = study["simulate/fits"]["galaxies"].to_dataset().sel(world="cored")
    found: Any = study["forecast/fits"]
    figure, axes = panels(2, 4, height=2.4)
    truth = data.truth.values
    kinds = list(dict.fromkeys(truth))
    places = [np.flatnonzero(truth == kind)[i] for i in (0, 1) for kind in kinds][:6]
    for panel, place in zip([*axes[0], *axes[1, :2]], places, strict=False):
        one, here = data.isel(galaxy=place), found.isel(galaxy=place)
        on = one.measured.values.astype(bool)
        panel.errorbar(one.rad[on], one.v_obs[on], one.v_err[on], fmt="k.", ms=3, lw=0.8)
        for colour, name in enumerate(("darkexp", "nfw")):
            panel.plot(one.rad[on], here.speed.sel(model=name)[on], color=COLOURS[colour], label=SAID[name])
        panel.set(title=TRUTHS.get(str(truth[place]), str(truth[place])), xlabel="radius (kpc)", ylim=(0, None))
    for panel in axes[:, 0]:
        panel.set_ylabel("speed (km/s)")
    legend(axes[0, 0], loc="lower right")
    chi, shapes = axes[1, 2:]
    for colour, (name, said) in enumerate(SAID.items()):
        values = np.sort(found.reduced.sel(model=name).values)
        chi.step(values, np.arange(1, values.size + 1) / values.size, color=COLOURS[colour], label=said)
    chi.axvline(GOOD, color="k", lw=3, alpha=0.3)
    log_axis(chi, "x", [0.5, 1, 2, 5, 20, 100])
    chi.set(xlabel=named(found.reduced), ylabel="share of galaxies below", xlim=(0.3, 200), ylim=(0, 1.02))
    legend(chi, fontsize=5.5, loc="lower right", handlelength=1)
    bins = np.arange(0.25, 6.51, 0.5)
    shapes.hist(
        [found["shape"].values[truth == kind] for kind in kinds],
        bins,
        stacked=True,
        label=[TRUTHS.get(k, k) for k in kinds],
    )
    shapes.set(xlabel="$\\phi_0$ of the best fit", ylabel="galaxies")
    legend(shapes, fontsize=5.5)
    return figure


def dwarfs(study: Results) -> Figure:
    """Deviances of star counts at the best shape and at a cusp; errors of held-out radii of all models."""
    found: Any = study["forecast/fits"]
    cuspy: Any = study["forecast/one_shape"]
    figure, axes = panels(1, 3, height=2.8)
    counts, outwards, inwards = axes[0]
    for colour, (result, said) in enumerate(((found, "best $\\phi_0$ up to 2.5"), (cuspy, "$\\phi_0$ = 5"))):
        values = np.sort(result.dwarf_reduced.values)
        counts.plot(np.arange(1, values.size + 1), values, "o", ms=4, color=COLOURS[colour], label=said)
    counts.axhline(ACCEPTED, color="k", lw=3, alpha=0.3)
    log_axis(counts, "y", [0.2, 0.5, 1, 2, 5, 10, 20])
    counts.set(xlabel="dwarf, in order of its deviance", ylabel=named(found.dwarf_reduced))
    legend(counts)
    for panel, way, title in (
        (outwards, "outwards", "from inside to outside"),
        (inwards, "inwards", "from outside to inside"),
    ):
        values = found.held_out.sel(way=way)
        panel.boxplot([values.sel(model=name).values for name in SAID], showfliers=False)
        log_axis(panel, "y", [0.5, 1, 2, 5, 10, 20])
        names(panel, "x", SAID.values(), at=range(1, len(SAID) + 1), rotation=60)
        panel.set_title(title)
    outwards.set_ylabel(named(found.held_out))
    return figure
