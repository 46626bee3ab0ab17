"""Observed paths of fresh processes, of the ratchet and of the stand-ins, with their true rates."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.nonequilibrium import jump_entropy_production
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.markov_jump_inference.params import Params
from studies.markov_jump_inference.worlds import STAND_INS, balanced_law, draw_processes, observe, ratchet

RATE = "1"  # time has no unit in any of these processes


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups states_2, states_3, ... of the prior; ratchet, flat; channel, folding, peptide."""
    groups = {f"states_{n}": _fresh(case, n) for n in case.params.simulate.fresh.states}
    groups |= {"ratchet": _ratchet(case, 1), "flat": _ratchet(case, 0)}
    groups |= {name: _stand_in(case, name) for name in STAND_INS}
    return xr.DataTree.from_dict(groups)


def _fresh(case: Case[Params], states: int) -> xr.Dataset:
    params, rng = case.params.simulate.fresh, case.rng(f"fresh {states}")
    made = draw_processes(rng, params.processes, states, params.scale)
    times = np.linspace(0, params.window, params.points)
    labels = observe(rng, made.rates, made.start, params.paths + params.held_out, times, params.noise)
    return xr.Dataset(
        {
            "labels": labelled(("process", "path", "time"), labels, "observed state"),
            "rates": labelled(("process", "i", "j"), made.rates, "rate from i to j", RATE, role="truth"),
            "links": labelled(
                ("process", "i", "j"),
                made.links.astype(np.int8),
                "whether i and j are linked",
                role="truth",
                may_be_constant=1,
            ),
            "start": labelled(("process", "i"), made.start, "probability of the first state", role="truth"),
        },
        {"process": np.arange(params.processes), "time": times},
    )


def _ratchet(case: Case[Params], factor: float) -> xr.Dataset:
    """Paths along the drive times a factor: with 0, the control, the potential is flat all along."""
    params, rng = case.params.simulate.ratchet, case.rng("ratchet")
    rates = np.stack([ratchet(factor * drive) for drive in params.drives])
    known = jump_entropy_production(np.stack([ratchet(drive) for drive in params.drives])).value
    shown = np.repeat(rates[:, None], params.contexts, 1)
    times = np.linspace(0, params.window, params.points)
    labels = observe(rng, shown, balanced_law(shown), params.paths, times, 0.0)
    return xr.Dataset(
        {
            "labels": labelled(("drive", "context", "path", "time"), labels, "observed state"),
            "rates": labelled(("drive", "i", "j"), rates, "rate from i to j", RATE, role="truth"),
            "entropy_production": labelled(
                "drive", known, "entropy production rate at the drive's full height", "nat", role="truth"
            ),
        },
        {"drive": params.drives, "context": np.arange(params.contexts), "time": times},
    )


def _stand_in(case: Case[Params], name: str) -> xr.Dataset:
    params, world = case.params.simulate.stand_ins, STAND_INS[name]
    labels = world.read(case.rng(name), params.contexts, params.paths, params.points)
    return xr.Dataset(
        {
            "labels": labelled(("context", "path", "time"), labels, "observed state"),
            "rates": labelled(("i", "j"), world.rates, "rate from i to j", RATE, role="truth"),
        },
        {"context": np.arange(params.contexts), "time": world.pace * np.arange(params.points)},
    )
