"""The worlds: Earth and Moon, spins of close-in planets, heat of known planets, and the response itself."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.ode import solve
from pesin.stats.passage import first_passage
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lava_world_tides.moon import (
    DEPTH_UNIT,
    ENERGY_UNIT,
    FAILED,
    GRAVITY,
    Members,
    dissipation,
    evolve,
    mechanical_energy,
    power,
    recession,
    spin,
    tidal_frequency,
)
from studies.lava_world_tides.spin import RESONANCES, Planet, evolve_spins, spin_down_time, traps
from studies.lava_world_tides.tides import (
    BULK_DENSITY,
    DAY,
    EARTH_MASS,
    EARTH_RADIUS,
    STEFAN_BOLTZMANN,
    SUN_LUMINOSITY,
    SUN_MASS,
    attraction,
    maxwell_dissipation,
    mean_motion,
    ocean_dissipation,
    ocean_love,
    orbit_size,
    resonant_depth,
    solid_love,
    surface_gravity,
    synchronous_heat,
)

PASSED = "infinity where it never gets there, NaN where the integration failed"


def simulate(case: Case) -> xr.DataTree | xr.Dataset:
    return {"moon": _moon, "spin": _spin, "planets": _planets, "love": _love}[case.params.kind](case)


# -------------------------------------------------------------------------------------------------------- the Moon


def output_years(first: float, end: float, outputs: int) -> np.ndarray:
    """0 and logarithmically spaced years."""
    return np.r_[0, np.logspace(np.log10(first), np.log10(end), outputs)]


def _moon(case: Case) -> xr.DataTree:
    wanted = case.params.simulate
    years = output_years(*wanted.years, wanted.outputs)
    return xr.DataTree.from_dict(
        {
            "grid": _grid(wanted, years),
            "ensemble": _ensemble(case, wanted, years),
            "sobol": _sobol(case, wanted),
        }
    )


def _grid(wanted, years) -> xr.Dataset:
    """All pairs of flux and drag, with and without tidal heat in the ocean, and the reference run by itself."""
    flux, drag, feedback = (v.ravel() for v in np.meshgrid(wanted.fluxes, wanted.drags, [1.0, 0.0], indexing="ij"))
    same = np.ones(len(flux))
    members = Members(flux, drag, wanted.depth * same, wanted.solid * same, same * wanted.ocean, feedback)
    run = evolve(members, years, wanted.start)
    distance, depth, energy = np.moveaxis(run.states, -1, 0)
    metres, index = distance * EARTH_RADIUS, np.arange(len(flux))
    response = np.stack(
        [dissipation(members, index, metres[:, i], depth[:, i] * DEPTH_UNIT) for i in range(years.size)], 1
    )
    sigma = tidal_frequency(metres)
    resonant = resonant_depth(sigma, GRAVITY, EARTH_RADIUS)
    lost = (mechanical_energy(metres[:, :1]) - mechanical_energy(metres)) / ENERGY_UNIT
    reference = np.flatnonzero((flux == wanted.reference[0]) & (drag == wanted.reference[1]) & (feedback == 1))[0]
    passage = first_passage(years, distance, 20)
    dims = ("run", "time")
    return xr.Dataset(
        {
            "distance": labelled(dims, distance, "distance a of the Moon", "Earth radii", nan=FAILED),
            "depth": labelled(dims, depth * DEPTH_UNIT, "depth H of the magma ocean", "m", nan=FAILED),
            "resonant_depth": labelled(dims, resonant, "depth at which the ocean resonates", "m", nan=FAILED),
            "sigma": labelled(dims, sigma, "tidal frequency", "1/s", nan=FAILED),
            "im_k2": labelled(dims, response, "-Im k2", nan=FAILED, may_be_constant=1),
            "power": labelled(dims, power(metres, recession(metres, response)), "tidal heat", "W", nan=FAILED),
            "spin_period": labelled(
                dims, 2 * np.pi / spin(metres) / 3600, "rotation period of the Earth", "h", nan=FAILED
            ),
            "dissipated": labelled(dims, energy * ENERGY_UNIT, "tidal heat since the start", "J", nan=FAILED),
            "energy_lost": labelled(
                dims, lost * ENERGY_UNIT, "mechanical energy lost since the start", "J", nan=FAILED
            ),
            "flux": labelled("run", flux, "cooling flux F", "W m-2", may_be_constant=1),
            "drag": labelled("run", drag, "Rayleigh drag", "1/s", may_be_constant=1),
            "feedback": labelled("run", feedback, "1 if tidal heat goes into the ocean"),
            "passage_time": labelled(
                "run", passage, "time to reach 20 Earth radii", "year", nan=PASSED, may_be_constant=1
            ),
            "steps": labelled("run", run.steps, "steps of the integrator"),
            "reference": labelled((), reference, "index of the reference run"),
            "reference_distance": labelled(
                (), distance[reference, -1], "distance at the end", "Earth radii", nan=FAILED
            ),
            "reference_log_time": labelled(
                (), np.log10(passage[reference]), "log10 of the years to 20 Earth radii", "log10(year)", nan=PASSED
            ),
        },
        {"time": years},
    )


def _log_uniform(u, low, high):
    return low * (high / low) ** u


def _ensemble(case: Case, wanted, years) -> xr.Dataset:
    """The same draws with the ocean's response and without it."""
    draws = wanted.draws
    u = case.rng("ensemble").random((3, draws.members))
    flux, drag, depth = (_log_uniform(u[i], *r) for i, r in enumerate((draws.flux, draws.drag, draws.depth)))
    same = np.ones(draws.members)
    branches = {"ocean": same * wanted.ocean, "solid": 0 * same}
    found = [
        evolve(Members(flux, drag, depth, wanted.solid * same, ocean, same), years, wanted.start)
        for ocean in case.progress(branches.values(), what="ensemble")
    ]
    distance = np.stack([run.states[..., 0] for run in found])
    window = (years >= 1e4 * (1 - 1e-9)) & (years <= 1e5 * (1 + 1e-9))
    inside, passage = (distance >= 20) & (distance <= 30), first_passage(years, distance, 20)
    dims = ("branch", "member")
    return xr.Dataset(
        {
            "distance": labelled((*dims, "time"), distance, "distance a of the Moon", "Earth radii", nan=FAILED),
            "final_distance": labelled(dims, distance[..., -1], "distance at the end", "Earth radii", nan=FAILED),
            "beyond_25": labelled(dims, distance[..., -1] >= 25, "at or beyond 25 Earth radii at the end"),
            "passage_time": labelled(
                dims, passage, "time to reach 20 Earth radii", "year", nan=PASSED, may_be_constant=1
            ),
            "on_time": labelled(
                dims, inside[..., window].any(-1), "between 20 and 30 Earth radii at some time in 1e4 to 1e5 years"
            ),
            "steps": labelled(dims, np.stack([run.steps for run in found]), "steps of the integrator"),
            "flux": labelled("member", flux, "cooling flux F", "W m-2"),
            "drag": labelled("member", drag, "Rayleigh drag", "1/s"),
            "depth": labelled("member", depth, "depth of the ocean at the start", "m"),
        },
        {"branch": list(branches), "member": np.arange(draws.members), "time": years},
    )


def _sobol(case: Case, wanted) -> xr.Dataset:
    """Sobol indices of the logarithm of the distance at the end (Saltelli's design, scipy)."""
    from scipy import stats  # takes a second to load, and no other case needs it

    draws = wanted.draws
    factors = ("flux", "drag", "depth", "solid")
    years = np.array([0, wanted.years[1]])

    def outcome(u):
        values = {name: _log_uniform(u[i].ravel(), *getattr(draws, name)) for i, name in enumerate(factors)}
        same = np.ones(u[0].size)
        run = evolve(Members(**values, ocean=same * wanted.ocean, feedback=same), years, wanted.start, rtol=1e-4)
        return np.log(run.states[:, -1, 0]).reshape(u.shape[1:])

    rng = case.rng("sobol")
    found = stats.sobol_indices(func=outcome, n=draws.sobol, dists=[stats.uniform()] * len(factors), rng=rng)
    # scipy's own bootstrap of the indices can't be seeded: the same points drawn anew, a percentile interval.
    outputs = {name: getattr(found, f"_{name}") for name in ("f_A", "f_B", "f_AB")}
    drawn_again = rng.integers(draws.sobol, size=(200, draws.sobol))
    draws_anew = [{name: values[..., i] for name, values in outputs.items()} for i in drawn_again]
    again = [stats.sobol_indices(func=drawn, n=draws.sobol) for drawn in draws_anew]
    numbers = []
    for order in ("first_order", "total_order"):
        ends = np.quantile([getattr(one, order) for one in again], [0.025, 0.975], axis=0)
        numbers.append(np.stack([getattr(found, order), *ends], -1))
    numbers = np.array(numbers)
    names = ("index", "index_low", "index_high")
    label, none = "Sobol index of ln a at the end", "a design in which an integration failed"
    ends = ("", ", lower end", ", upper end")
    return xr.Dataset(
        {
            name: labelled(("order", "factor"), numbers[..., i], label + ends[i], nan=none)
            for i, name in enumerate(names)
        },
        {"order": ["first", "total"], "factor": list(factors)},
    )


# -------------------------------------------------------------------------------------------------------- spins


def _body(params, period, e, depth, drag, viscosity) -> Planet:
    body = params.body
    depth = depth if params.ocean else 0.0 * np.asarray(depth)
    return Planet(body.mass, body.radius, np.asarray(period) * DAY, e, body.star, body.rigidity, viscosity, depth, drag)


def _spin(case: Case) -> xr.DataTree:
    params = case.params
    return xr.DataTree.from_dict(
        {"traps": _trap_map(params), "histories": _histories(case, params), "down": _spin_down(params)}
    )


def _trap_map(params) -> xr.Dataset:
    """Which resonances trap, over period, eccentricity, depth and drag; depth 0 is the solid planet."""
    depths = [0.0, *params.depths]
    axes = {
        "period": params.periods,
        "eccentricity": params.eccentricities,
        "depth": depths,
        "drag": params.drags,
    }
    period, e, depth, drag = np.meshgrid(*axes.values(), indexing="ij")
    planet = _body(params, period, e, depth, drag, params.viscosity)
    caught = np.stack([traps(planet, q) for q in RESONANCES.values()], -1).astype(np.int8)
    solid, ocean = caught[0, 0, 0, 0], caught[0, 0, 1, 0]  # the first of each axis is the reference
    return xr.Dataset(
        {
            "traps": labelled((*axes, "resonance"), caught, "1 if the resonance traps", may_be_constant=1),
            "solid_traps": labelled("resonance", solid, "traps the solid reference planet"),
            "reference_traps": labelled("resonance", ocean, "traps the reference planet with its ocean"),
        },
        axes | {"resonance": list(RESONANCES)},
    )


def _histories(case: Case, params) -> xr.Dataset:
    starts = case.rng("starts").uniform(*params.start_range, params.starts)
    years = output_years(*params.years, params.outputs)
    branches = {"ocean": params.depths[0], "solid": 0.0}
    found = [
        evolve_spins(
            _body(params, params.periods[0], params.eccentricities[0], depth, params.drags[0], params.viscosity),
            starts,
            years,
        ).states[..., 0]
        for depth in branches.values()
    ]
    spins = np.stack(found)
    return xr.Dataset(
        {
            "spin": labelled(("branch", "start", "time"), spins, "rotation number Omega / n", nan=FAILED),
            "final_spin": labelled(
                ("branch", "start"), spins[..., -1], "rotation number at the end", nan=FAILED, may_be_constant=1
            ),
            "first_spin": labelled("start", starts, "rotation number at the start"),
        },
        {"branch": list(branches), "start": np.arange(params.starts), "time": years},
    )


def _spin_down(params) -> xr.Dataset:
    """Time from 4 n to 1.3 n, solid and with every ocean, against the period."""
    oceans = [(depth, drag) for depth in params.depths for drag in params.down_drags]
    e, viscosity = params.eccentricities[0], params.down_viscosity
    solid = np.array([spin_down_time(_body(params, period, e, 0.0, 1e-5, viscosity)) for period in params.down_periods])
    fluid = np.array(
        [
            [spin_down_time(_body(params, period, e, *ocean, viscosity)) for ocean in oceans]
            for period in params.down_periods
        ]
    )
    dims = ("period", "ocean")
    return xr.Dataset(
        {
            "fluid_time": labelled(dims, fluid, "time from 4 n to 1.3 n with an ocean", "year"),
            "solid_time": labelled("period", solid, "time from 4 n to 1.3 n without an ocean", "year"),
            "log_fluid_time": labelled(dims, np.log10(fluid), "log10 of the years with an ocean", "log10(year)"),
            "log_ratio": labelled(
                dims, np.log10(solid[:, None] / fluid), "log10 of the ratio solid / fluid", may_be_constant=1
            ),
            "depth": labelled("ocean", [depth for depth, _ in oceans], "depth of the ocean", "m", may_be_constant=1),
            "drag": labelled("ocean", [drag for _, drag in oceans], "Rayleigh drag", "1/s", may_be_constant=1),
        },
        {"period": params.down_periods, "ocean": np.arange(len(oceans))},
    )


# ------------------------------------------------------------------------------------------------------ planets


def _planets(case: Case) -> xr.Dataset:
    params = case.params
    names, worlds = list(params.worlds), list(params.worlds.values())
    period, radius, mass, star, light = (
        np.array([getattr(world, key) for world in worlds])
        for key in ("period", "radius", "mass", "star", "luminosity")
    )
    metres, kilograms = radius * EARTH_RADIUS, mass * EARTH_MASS
    motion, size = mean_motion(period * DAY), orbit_size(period * DAY, star * SUN_MASS)
    gravity = surface_gravity(kilograms, metres)
    density = kilograms / (4 / 3 * np.pi * metres**3)
    stiffness = 19 * params.rigidity / (2 * density * gravity * metres)
    solid = maxwell_dissipation(motion, params.viscosity / params.rigidity, stiffness)
    depth = params.depth if params.ocean else 0.0
    drag = np.array(params.drags)[:, None]
    response = solid + ocean_dissipation(motion, depth, drag, gravity, metres)
    e = np.array(params.eccentricities)[:, None, None]
    heat = synchronous_heat(response, star * SUN_MASS, metres, motion, e, size) / (4 * np.pi * metres**2)
    received = light * SUN_LUMINOSITY / (16 * np.pi * size**2)
    absorbed = received * (1 - params.albedo)
    before, after = ((flux / STEFAN_BOLTZMANN) ** 0.25 for flux in (absorbed, absorbed + heat))
    dims = ("eccentricity", "drag", "planet")
    return xr.Dataset(
        {
            "heat_flux": labelled(dims, heat, "tidal heat through the surface", "W m-2"),
            "insolation": labelled("planet", received, "insolation S / 4", "W m-2"),
            "exceeds": labelled(dims, (heat > received).astype(np.int8), "tidal heat exceeds insolation"),
            "temperature_before": labelled("planet", before, "surface temperature without tides", "K"),
            "temperature": labelled(dims, after, "surface temperature with tides", "K"),
            "temperature_rise": labelled(dims, after / before - 1, "relative rise of the surface temperature"),
            "im_k2": labelled(("drag", "planet"), response, "-Im k2 at the orbital frequency"),
            "resonant_depth": labelled("planet", resonant_depth(motion, gravity, metres), "resonant depth", "m"),
        },
        {"eccentricity": params.eccentricities, "drag": params.drags, "planet": names},
    )


# --------------------------------------------------------------------------------------------------- the response


def _love(case: Case) -> xr.DataTree:
    params = case.params
    return xr.DataTree.from_dict(
        {"curves": _curves(params), "check": _closed_form_check(params), "melt": _melt(params)}
    )


def _curves(params) -> xr.Dataset:
    sigma = np.geomspace(*params.sigma, params.points)
    depths, viscosities = np.array(params.depths)[:, None], np.array(params.viscosities)[:, None]
    drag = params.drags[0]
    body = (BULK_DENSITY, GRAVITY, EARTH_RADIUS)
    maxwell, andrade = (-solid_love(sigma, params.rigidity, viscosities, *body, a).imag for a in (None, params.andrade))
    return xr.Dataset(
        {
            "ocean": labelled(
                ("depth", "sigma"), -ocean_love(sigma, depths, drag, GRAVITY, EARTH_RADIUS).imag, "-Im k2 of the ocean"
            ),
            "maxwell": labelled(("viscosity", "sigma"), maxwell, "-Im k2 of a Maxwell body"),
            "andrade": labelled(("viscosity", "sigma"), andrade, "-Im k2 of an Andrade body"),
        },
        {"sigma": sigma, "depth": params.depths, "viscosity": params.viscosities},
    )


def _closed_form_check(params) -> xr.Dataset:
    """k2 in closed form against the periodic solution of the ocean's equations, found by integrating them."""
    low, high = np.log(params.sigma)
    frequencies = np.exp(np.linspace(low, high, params.checks + 2)[1:-1])
    points = np.array([(s, h, d) for s in frequencies for h in params.depths for d in params.drags])
    sigma, depth, drag = points.T
    closed = ocean_love(sigma, depth, drag, GRAVITY, EARTH_RADIUS, self_attraction=params.self_attraction)
    solved = np.array([integrated_love(*point) for point in points])
    return xr.Dataset(
        {
            "relative_error": labelled(
                "point", np.abs(closed - solved) / np.abs(solved), "relative error of k2 in closed form"
            ),
            "closed_real": labelled("point", closed.real, "Re k2 in closed form"),
            "closed_imaginary": labelled("point", closed.imag, "Im k2 in closed form"),
            "solved_real": labelled("point", solved.real, "Re k2 integrated"),
            "solved_imaginary": labelled("point", solved.imag, "Im k2 integrated"),
            "sigma": labelled("point", sigma, "tidal frequency", "1/s"),
            "depth": labelled("point", depth, "depth of the ocean", "m", may_be_constant=1),
            "drag": labelled("point", drag, "Rayleigh drag", "1/s", may_be_constant=1),
        }
    )


def integrated_love(sigma: float, depth: float, drag: float, gravity=GRAVITY, radius=EARTH_RADIUS) -> complex:
    """k2 of the ocean from its equations of motion, integrated over one period from three starts.

    Degree 2 of the surface elevation z (in units of the equilibrium tide) and of the scaled flow potential f, with
    time in radians of the tide: z' = k f, f' = -k ((1 - x) z - cos t) - (sigma_R / sigma) f, k^2 = 6 g H / (R sigma)^2.
    The system is linear, so three integrations give the start from which it is periodic.
    """
    x, k = attraction(), np.sqrt(6 * gravity * depth) / (radius * sigma)

    def rhs(t, y, forced):
        return np.array([k * y[1], -k * ((1 - x) * y[0] - forced * np.cos(t)) - drag / sigma * y[1]])

    times = np.array([0, np.pi / 2, 2 * np.pi])
    at = [solve(rhs, start, times, args=(forced,)) for start, forced in (((0, 0), 1), ((1, 0), 0), ((0, 1), 0))]
    through = np.stack([at[1][-1], at[2][-1]], 1)
    start = np.linalg.solve(np.eye(2) - through, at[0][-1])
    quarter = at[0][1] + start[0] * at[1][1] + start[1] * at[2][1]
    return complex(x * (start[0] - 1j * quarter[0]))


def _melt(params) -> xr.Dataset:
    """-Im k2 over the melt fraction at the middle frequency: sharp switch to the ocean branch, and blended."""
    sigma = float(np.sqrt(np.prod(params.sigma)))
    melt = np.linspace(0, 1, 201)
    sharp, blended = (_branches(params, sigma, melt, width) for width in (None, params.blend_width))
    edge = params.critical_melt + np.array([-1e-9, 1e-9])
    jumps = [_branches(params, sigma, edge, width) for width in (None, params.blend_width)]
    relative = [abs(k2[1] - k2[0]) / abs(k2).max() for k2 in jumps]
    return xr.Dataset(
        {
            "im_k2": labelled(("model", "melt"), -np.stack([sharp.imag, blended.imag]), "-Im k2"),
            "re_k2": labelled(("model", "melt"), np.stack([sharp.real, blended.real]), "Re k2"),
            "jump": labelled("model", relative, "relative jump of k2 across the critical melt fraction"),
        },
        {"model": ["sharp", "blended"], "melt": melt},
    )


def _branches(params, sigma: float, melt, width: float | None):
    viscosity = params.solid_viscosity * np.exp(-params.softening * np.minimum(melt, params.critical_melt))
    solid = solid_love(sigma, params.rigidity, viscosity, BULK_DENSITY, GRAVITY, EARTH_RADIUS, params.andrade)
    fluid = ocean_love(sigma, params.ocean_depth, params.drags[0], GRAVITY, EARTH_RADIUS)
    over = melt - params.critical_melt
    weight = (over > 0).astype(float) if width is None else 1 / (1 + np.exp(-over / width))
    return (1 - weight) * solid + weight * fluid
