"""How uncertain the accepted next state is against the proposed one, and how far the discriminators can tell."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import softmax

from pesin.entropy.gaussian import gaussian_entropy
from pesin.entropy.policy import categorical_entropy
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.morec.models import world
from studies.morec.params import Params

LEAST = 1e-6
"""Variance below which an accepted law counts as this wide, degC^2."""


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Entropies by policy (seed, policy), and the divergence along training (seed, block)."""
    how, tests = case.params.entropy, data["tests"].to_dataset()
    model = world(case.params, data, trained, how.pair.models, how.pair.reward)
    rows = []
    for name in tests["policy"].values:
        state, action = (tests[key].sel(policy=name).values[:, :: how.every] for key in ("state", "action"))
        shape = (len(state), model.members, state.shape[1], case.params.entropy.filter.samples)
        offered = model.candidates(state, action, case.rng(f"candidates {name}").standard_normal(shape))
        logits = model.rewards(state, action, offered) / case.params.entropy.filter.temperature
        rows.append([*laws(offered, logits), categorical_entropy(logits).mean(1)])
    proposed, accepted, selection = np.moveaxis(np.array(rows), 1, 0).swapaxes(1, 2)
    curve = trained[f"reward_{how.pair.reward}"].to_dataset()["loss"].values
    unit = ("seed", "policy")
    return xr.Dataset(
        {
            "proposed": labelled(unit, proposed, "entropy of the proposed next state", "nat", nan=DIVERGED),
            "accepted": labelled(unit, accepted, "entropy of the accepted next state", "nat", nan=DIVERGED),
            "selection": labelled(unit, selection, "entropy of the selection", "nat", nan=DIVERGED),
            "divergence": labelled(
                ("seed", "block"), divergence(curve), "Jensen-Shannon divergence, true and false", "nat", nan=DIVERGED
            ),
        },
        {"policy": tests["policy"].values, "seed": np.arange(len(proposed))},
    )


def laws(offered: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entropies of normal laws with the variance of the candidates, alike and weighted: (seeds, n, k) -> (seeds,)."""
    weight = softmax(logits, -1)
    middle = (weight * offered).sum(-1, keepdims=True)
    each = (offered.var(-1), (weight * (offered - middle) ** 2).sum(-1))
    first, second = (np.asarray(gaussian_entropy(np.maximum(v, LEAST)[..., None, None]).value).mean(1) for v in each)
    return first, second


def divergence(loss: np.ndarray) -> np.ndarray:
    """JS = ln 2 - (cross entropy of the true + of the false) / 2, a lower bound by the discriminator at hand, nat."""
    return np.log(2) - loss / 2
