"""The world: a dissipative transverse-field Ising ring and rectangle, their exact steady states, and runs in time."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import expm_multiply

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.povm_transformer_open_quantum import povm
from studies.povm_transformer_open_quantum.params import Params, Simulate


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups `ring` and `plane`: what networks may see is the first state alone; the exact solutions are truth."""
    p = case.params.simulate
    rest, turn = ring(p)
    start = first_state(p)
    times = p.dt * np.arange(p.steps + 1)
    moving = [
        expm_multiply(rest + g * turn, start, start=0, stop=times[-1], num=p.steps + 1, endpoint=True) for g in p.drives
    ]
    chance = "probability of an outcome"
    in_plane = plane(p)
    return xr.DataTree.from_dict(
        {
            "ring": xr.Dataset(
                {
                    "start": labelled("outcome", start, f"{chance} at the start"),
                    "steady": labelled(("field", "outcome"), rest_of(rest, turn, p.fields), chance, role="truth"),
                    "moving": labelled(("drive", "time", "outcome"), np.array(moving), chance, role="truth"),
                },
                {"field": p.fields, "drive": p.drives, "time": times},
            ),
            "plane": xr.Dataset(
                {
                    "steady": labelled(
                        ("plane_field", "outcome"), rest_of(*in_plane, p.plane_fields), chance, role="truth"
                    )
                },
                {"plane_field": p.plane_fields},
            ),
        }
    )


def rest_of(rest: csr_matrix, turn: csr_matrix, fields: list[float]) -> np.ndarray:
    """Steady states at some fields, shape (fields, outcomes)."""
    return np.array([povm.steady(rest + g * turn) for g in fields])


def first_state(p: Simulate) -> np.ndarray:
    """All spins up, as probabilities of the ring's outcomes."""
    one = povm.probabilities(np.diag([1.0, 0.0])[None], p.frame)[0]
    found = one
    for _ in range(p.sites - 1):
        found = np.kron(found, one)
    return found


def ring(p: Simulate) -> tuple[csr_matrix, csr_matrix]:
    """Generators of the ring."""
    return povm.generators(p.sites, povm.ring(p.sites), p.coupling, p.decay, p.frame)


def plane(p: Simulate) -> tuple[csr_matrix, csr_matrix]:
    """Generators of the rectangle."""
    return povm.generators(p.plane[0] * p.plane[1], povm.lattice(*p.plane), p.coupling, p.decay, p.frame)
