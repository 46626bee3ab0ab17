"""Molecules with their properties, and pairs of short ones with the eutectic of their mixture; who is held out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import xarray as xr

from pesin.errors import UserError
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.molecular_generative_design.chemistry import LEARNED, QM9, random_molecules, read
from studies.molecular_generative_design.pairs import melting_point, mixed
from studies.molecular_generative_design.params import Params, Simulate

MIXTURE = {"t_eut": "K", "depression": "K", "x_eut": "1"}
TRAIN, PAIRS, COMPONENTS = 0, 1, 2
"""Where a pair belongs: training, held-out pairs of known components, pairs with a held-out component."""


def simulate(case: Case[Params]) -> xr.Dataset:
    """The molecules are the same in all seeds; each seed holds out others."""
    p = case.params.simulate
    if p.source == "selfies":
        smiles = random_molecules(case.rng("molecules"), p.molecules, p.atoms, p.longest)
        units, values = LEARNED, read(smiles)[1][:, : len(LEARNED)]
    else:
        (smiles, values), units = table(p), QM9
    rng = case.rng("pairs")
    short = [i for i, name in enumerate(smiles) if len(name) <= (p.longest - 1) // 2]
    if len(short) < p.components:
        raise UserError(
            f"molecular_generative_design: simulate.components asks for {p.components}, and only {len(short)} molecules"
            f" are short enough for a pair of {p.longest} characters. Raise simulate.molecules or simulate.longest."
        )
    components = [smiles[i] for i in rng.choice(short, p.components, replace=False)]
    known = read(components)[1]
    choice = np.array(list(combinations(range(p.components), 2)))
    chosen = rng.permuted(choice[rng.choice(len(choice), p.pairs, replace=False)], axis=1)
    mixture = mixed(known[chosen[:, 0]], known[chosen[:, 1]])
    train, split = held_out(case, chosen)
    tables = {
        "smiles": labelled("molecule", smiles, "canonical SMILES"),
        "prop": labelled(("molecule", "property"), values, "property, in its own unit"),
        "train": labelled(("seed", "molecule"), train.astype(np.int8), "whether a molecule is trained on"),
        "component": labelled("compound", components, "canonical SMILES of a component"),
        "melting": labelled("compound", melting_point(known), "melting point", "K"),
        "pair": labelled(("pair", "side"), chosen, "component of a pair"),
        "mixture": labelled(
            ("pair", "quantity"), np.stack(list(mixture.values()), -1), "of a mixture, in its own unit"
        ),
        "split": labelled(
            ("seed", "pair"), split.astype(np.int8), "0 trained on, 1 unseen, 2 with an unseen component"
        ),
    }
    coords = {"seed": np.arange(p.seeds), "property": list(units), "unit": ("property", list(units.values()))}
    return xr.Dataset(tables, coords | {"quantity": list(MIXTURE), "side": ["one", "two"]})


def held_out(case: Case[Params], pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether a molecule is trained on (seed, molecule), and where a pair belongs (seed, pair)."""
    p = case.params.simulate
    tested = round(p.test * p.molecules)
    train, split = np.ones((p.seeds, p.molecules), bool), np.zeros((p.seeds, len(pairs)), int)
    for seed, rng in enumerate(case.rng("held out").spawn(p.seeds)):
        train[seed, rng.permutation(p.molecules)[:tested]] = False
        unseen = rng.permutation(p.components)[: p.held_out.components]
        split[seed, rng.random(len(pairs)) < p.held_out.pairs] = PAIRS
        split[seed, np.isin(pairs, unseen).any(1)] = COMPONENTS
        if not np.bincount(split[seed], minlength=3).all():
            raise UserError(f"simulate.held_out: no pair is left to train on or to judge by in seed {seed}")
    return train, split


def table(p: Simulate) -> tuple[list[str], np.ndarray]:
    """The first molecules of the table that are short enough, as canonical SMILES, each once, with QM9's columns."""
    import pandas as pd

    found = pd.read_csv(str(p.table))
    missing = [name for name in ("smiles", *QM9) if name not in found]
    if missing:
        raise UserError(
            f"{p.table}: simulate.table lacks the columns {', '.join(missing)}. It should have smiles,"
            f" {', '.join(QM9)}: the table of QM9 that quantum-machine.org or MoleculeNet"
            " hands out (qm9.csv), its columns named so."
        )
    found["smiles"] = read([str(name) for name in found["smiles"]])[0]
    short = found["smiles"].str.len().between(1, p.longest)
    found = found[short].dropna(subset=list(QM9)).drop_duplicates("smiles").head(p.molecules)
    if len(found) < p.molecules:
        raise UserError(
            f"{p.table}: {len(found)} different molecules of up to {p.longest} characters, and simulate.molecules asks"
            f" for {p.molecules}."
        )
    return found["smiles"].tolist(), found[list(QM9)].to_numpy(float)
