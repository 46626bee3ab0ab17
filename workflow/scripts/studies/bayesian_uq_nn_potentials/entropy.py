"""Configurational entropy with its interval, and what the uncertainty of forces is made of."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.gaussian import mixture_information, uncertainty_split
from pesin.forecast.probabilistic import coverage
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.bayesian_uq_nn_potentials import molecule
from studies.bayesian_uq_nn_potentials.params import Params
from studies.bayesian_uq_nn_potentials.posterior import METHODS, Samples, central, pooled, samples, surviving

ARMS = ("few", "middle", "many", "gap")
POPULATED = 0.01
"""Angles whose density is above this share of the largest."""


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """By method, arm and data set: entropy and its interval; aleatoric and epistemic parts, and information."""
    profile = data["profile"].sel(truth="molecule").values
    angle, (low, high) = data["angle"].values, case.params.simulate.gap
    populated = np.exp(-(profile - profile.min())) > POPULATED
    inside = (angle > low) & (angle < high)
    true = float(molecule.configurational_entropy(profile))
    stands = {"gap": "middle"} if case.params.entropy.gap == "closed" else {}
    blocks = []
    for group in METHODS.values():
        held = [samples(case.params.entropy.networks, trained, group, stands.get(arm, arm)) for arm in ARMS]
        arms = [surviving(lambda one: of_arm(one, true, inside, populated & ~inside), found) for found in held]
        blocks.append(xr.concat(arms, "arm"))
    found = xr.concat(blocks, "method").assign_coords(
        method=list(METHODS), arm=list(ARMS), seed=data["seed"].values, angle=angle
    )
    found["aleatoric_ratio"] = labelled(
        found["width"].dims,
        found["width"].values / float(data["width"]),
        "learnt width over the true one",
        nan=DIVERGED,
    )
    found["true_entropy"] = labelled((), true, "configurational entropy of the molecule", "nat", role="truth")
    return found


def of_arm(found: Samples, true: float, inside: np.ndarray, outside: np.ndarray) -> xr.Dataset:
    """All of one arm, by data set."""
    profiles = molecule.free_energy(pooled(found.potential))
    mean, low, high = central(molecule.configurational_entropy(profiles))
    force, width = pooled(found.force), pooled(found.width)
    by_angle = np.moveaxis(force, 1, -1)  # (seeds, angles, networks)
    laws = np.broadcast_to(width[:, None], by_angle.shape)
    aleatoric, epistemic = uncertainty_split(by_angle, laws)
    ends = np.moveaxis(found.force[:, :, -1], 1, -1)  # one network of each chain: pairs of all networks are too many
    information = mixture_information(ends, np.broadcast_to(found.width[:, None, :, -1], ends.shape), 24).value
    spread = np.sqrt(epistemic)
    ratio = spread[:, inside].mean(1) / spread[:, outside].mean(1)
    hit = coverage(low[:, None], high[:, None], np.full((len(low), 1), true))
    dims = ("seed", "angle")
    return xr.Dataset(
        {
            "entropy": labelled("seed", mean, "configurational entropy", "nat", nan=DIVERGED),
            "entropy_low": labelled("seed", low, "lower end of the entropy's interval", "nat", nan=DIVERGED),
            "entropy_high": labelled("seed", high, "upper end of the entropy's interval", "nat", nan=DIVERGED),
            "entropy_covered": labelled("seed", hit, "whether the interval holds the true entropy", nan=DIVERGED),
            "width": labelled(
                "seed", np.sqrt(aleatoric).mean(1), "aleatoric deviation of forces", "kT/rad", nan=DIVERGED
            ),
            "spread": labelled(dims, spread, "epistemic deviation of forces", "kT/rad", nan=DIVERGED),
            "information": labelled(dims, information, "information of force and network", "nat", nan=DIVERGED),
            "gap_ratio": labelled("seed", ratio, "epistemic deviation in the gap over that outside", nan=DIVERGED),
        }
    )
