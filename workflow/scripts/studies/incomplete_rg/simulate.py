"""Solitons at every source, with two tolerances, and a table of black holes over source and horizon radius."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.incomplete_rg.gravity import Theory, angles, hole, shoot, soliton, theory
from studies.incomplete_rg.params import Params

LINEAR = 2 / np.pi
"""Scalar at the centre per source, of the linear soliton phi = phi_c arctan(r) / r."""
CHANGE = 1e-4
"""Relative change of the centre's scalar by which its logarithmic slope is taken."""
LOOSER = 100


def simulate(case: Case[Params]) -> xr.DataTree:
    """`soliton` (potential, tolerance, source, angle) and `hole` (potential, source, radius)."""
    return xr.DataTree.from_dict({"soliton": solitons(case), "hole": holes(case)})


def members(case: Case[Params], each: int) -> Theory:
    """The theories of `each` solutions of every potential."""
    params = case.params.simulate
    return theory(params.potentials, each, params.quartic, params.backreaction)


def strengths(case: Case[Params]) -> np.ndarray:
    """The sources as they act, shape (sources,)."""
    return case.params.simulate.strength * np.array(case.params.simulate.sources)


def centres(targets: np.ndarray, of: Theory, rtol: float, guess: np.ndarray | None = None) -> np.ndarray:
    """Scalars at the centres of the solitons with these sources, shape (members,)."""
    guess = LINEAR * targets / (1 + targets / 10) if guess is None else guess
    return shoot(targets, guess, of, lambda phi: soliton(phi, of, 17, rtol).source, rtol)


def solitons(case: Case[Params]) -> xr.Dataset:
    """Boundary data and profiles; the looser of the two tolerances tells the numerical error."""
    params = case.params.simulate
    sources, potentials = strengths(case), params.potentials
    of = members(case, sources.size)
    shape = (len(potentials), 2, sources.size)
    target = np.tile(sources, len(potentials))
    tolerances = [params.rtol, LOOSER * params.rtol]
    centre = [centres(target, of, params.rtol)]
    centre += [centres(target, of, tolerances[1], centre[0])]
    found = [soliton(phi, of, params.nodes, rtol) for phi, rtol in zip(centre, tolerances, strict=True)]

    def kept(values, name, *more):
        both = np.stack([v.reshape(shape[0], shape[2], *v.shape[1:]) for v in values], 1)
        return labelled(("potential", "tolerance", "source", *more), both, name, may_be_constant=1)

    ends = [soliton(centre[0] * (1 + change), of, 17, params.rtol).source for change in (-CHANGE, CHANGE)]
    on = sources > 0
    rise = np.log((ends[1] / np.where(target > 0, ends[0], 1)).reshape(shape[::2])[:, on])
    slope = np.log((1 + CHANGE) / (1 - CHANGE)) / rise
    return xr.Dataset(
        {
            "centre": kept(centre, "scalar at the centre"),
            "response": kept([s.response for s in found], "response b"),
            "energy": kept([16 * np.pi * s.mu for s in found], "energy of the soliton"),
            "chi_inf": kept([s.chi_inf for s in found], "chi at infinity"),
            "phi": kept([s.phi for s in found], "scalar", "angle"),
            "chi": kept([s.chi for s in found], "chi", "angle"),
            "above": kept([s.above for s in found], "f - r^2", "angle"),
            "slope": labelled(("potential", "driven"), slope, "d ln(centre) / d ln(source)", may_be_constant=1),
        },
        {
            "potential": potentials,
            "tolerance": tolerances,
            "source": params.sources,
            "driven": params.sources[1:],
            "angle": angles(params.nodes),
        },
    )


def holes(case: Case[Params]) -> xr.Dataset:
    """Black holes that have the wanted sources at every horizon radius."""
    params = case.params.simulate
    sources, radii = strengths(case), np.array(params.radii)
    shape = (len(params.potentials), sources.size, radii.size)
    target, radius = (np.broadcast_to(v, shape).ravel() for v in (sources[:, None], radii))
    of = members(case, sources.size * radii.size)
    guess = LINEAR * target / (1 + target / 10) / np.maximum(1, radius)
    phi = shoot(target, guess, of, lambda phi: hole(radius, phi, of, params.rtol).source, params.rtol)
    found = hole(radius, phi, of, params.rtol)
    names = {
        "scalar": (phi, "scalar at the horizon"),
        "temperature": (found.temperature, "temperature"),
        "entropy": (found.entropy, "thermal entropy"),
        "response": (found.response, "response b"),
        "energy": (found.energy, "energy of the black hole"),
        "chi_inf": (found.chi_inf, "chi at infinity"),
    }
    dims = ("potential", "source", "radius")
    return xr.Dataset(
        {key: labelled(dims, v.reshape(shape), name, may_be_constant=1) for key, (v, name) in names.items()},
        {"potential": params.potentials, "source": params.sources, "radius": radii},
    )
