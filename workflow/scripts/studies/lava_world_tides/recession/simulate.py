"""The Earth and its Moon: runs on a grid and in an ensemble of unknowns, and what decides where the Moon ends."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.stats.passage import first_passage
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lava_world_tides.recession.moon import (
    DEPTH_UNIT,
    ENERGY_UNIT,
    Members,
    dissipation,
    evolve,
    mechanical_energy,
    power,
    recession,
    spin,
    tidal_frequency,
)
from studies.lava_world_tides.recession.params import Params, Simulate
from studies.lava_world_tides.settings import FAILED, output_years
from studies.lava_world_tides.tides import EARTH_GRAVITY, EARTH_RADIUS, resonant_depth

PASSED = "infinity where it never gets there, NaN where the integration failed"


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups: grid, ensemble, sobol."""
    wanted = case.params.simulate
    years = output_years(*wanted.years, wanted.outputs)
    return xr.DataTree.from_dict(
        {
            "grid": _grid(wanted, years),
            "ensemble": _ensemble(case, wanted, years),
            "sobol": _sobol(case, wanted),
        }
    )


def _grid(wanted: Simulate, years: np.ndarray) -> xr.Dataset:
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
    resonant = resonant_depth(sigma, EARTH_GRAVITY, EARTH_RADIUS)
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


def _ensemble(case: Case[Params], wanted: Simulate, years: np.ndarray) -> xr.Dataset:
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


def _sobol(case: Case[Params], wanted: Simulate) -> xr.Dataset:
    """Sobol indices of the logarithm of the distance at the end (Saltelli's design, scipy)."""
    from scipy import stats  # takes a second to load, and no other step needs it

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
    rows = []
    for order in ("first_order", "total_order"):
        ends = np.quantile([getattr(one, order) for one in again], [0.025, 0.975], axis=0)
        rows.append(np.stack([getattr(found, order), *ends], -1))
    numbers = np.array(rows)
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
