"""LixFePO4: all symmetry classes of one cell, relaxed."""

from __future__ import annotations

import xarray as xr

from pesin.steps.case import Case
from pesin.steps.parallel import each
from studies.chgnet_charge_informed.delithiated import relax_delithiated, relaxed_dataset
from studies.chgnet_charge_informed.olivine.params import Params


def simulate(case: Case[Params]) -> xr.DataTree:
    """All symmetry classes of LixFePO4 in one cell, relaxed by each version.

    LiFePO4 comes first; the others start from it, rattled.
    """
    p = case.params.simulate
    relaxed: list[dict] = []
    for version in p.versions:
        full = relax_delithiated((version, (), "lifepo4", p.relax, None))
        tasks = []
        for name, empty in delithiations().items():
            if empty:
                atoms = full["atoms"].copy()
                atoms.rattle(p.rattle, rng=case.rng(f"rattle {name}"))
                tasks.append((version, empty, "lifepo4", p.relax, full | {"atoms": atoms}))
        relaxed += [full, *each(relax_delithiated, tasks, case.threads)]
    found = relaxed_dataset(relaxed, ("version", p.versions), ("config", list(delithiations())), 4, "Fe")
    return xr.DataTree.from_dict({"olivine": found})


def delithiations(sites: int = 4) -> dict[str, tuple[int, ...]]:
    """Which of LiFePO4's four Li sites are emptied: one choice of each symmetry class.

    All four sites are equivalent, so one vacancy and three are one class each, and the three pairs that contain the
    first site are the three classes of pairs.
    """
    classes = {"full": (), "without_0": (0,)}
    classes |= {f"without_0{other}": (0, other) for other in range(1, sites)}
    return classes | {"only_0": tuple(range(1, sites)), "empty": tuple(range(sites))}
