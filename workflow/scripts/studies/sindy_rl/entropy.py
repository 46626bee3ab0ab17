"""Entropy of the policies, information that the models give and take, and whether an ensemble knows its errors."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.gaussian import gaussian_entropy
from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.sindy_rl.params import Params
from studies.sindy_rl.worlds import applied, on_circle

LAST = 0.25
RESOLUTION = 1e-3
"""Standard deviation added to each coordinate of a prediction: an ensemble that agrees has no entropy otherwise."""
BITS = 16
"""Of a coefficient in a description."""
PIECES, LEADS = 20, 50


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Return policy entropies, predictive entropies, descriptions, and correlations of spread and error."""
    curves, models = trained["curves"].to_dataset(), trained["models"].to_dataset()
    known = data["pendulum"].to_dataset()
    blocks = curves["entropy"].values
    late = blocks[..., -max(round(LAST * blocks.shape[-1]), 1) :].mean(-1)
    each = [_one_step(case, known, members) for members in models["sindy"].values]
    rho = np.array([[spearman(s, e) for s, e in zip(*both, strict=True)] for both in each])
    spread, error = each[-1]
    said = "rank correlation of the ensemble's spread and its error"
    grid = ("arm", "agent")
    return xr.Dataset(
        {
            "policy_entropy": curves["entropy"],
            "block_step": curves["block_step"],
            "entropy_gap": labelled(
                grid, late + 1, "policy entropy minus its target, last quarter", "nat", nan=DIVERGED
            ),
            "knows_its_error": labelled(("samples", "seed"), np.nan_to_num(rho), said),
            "one_step_spread": labelled(("seed", "held"), spread, "spread of the ensemble"),
            "one_step_error": labelled(("seed", "held"), error, "error of its median"),
            "predictive_entropy": labelled(
                ("seed", "lead"), _predictive(case, known, models), "entropy of the prediction", "nat"
            ),
            "description": labelled(("kind", "seed"), _descriptions(case, models, trained), "description", "bit"),
        },
        {
            "kind": ["sindy", "linear", "nn"],
            "samples": models["samples"].values,
            "seed": known["seed"].values,
            "lead": np.arange(1, LEADS + 1),
        },
    )


def _one_step(case: Case[Params], known: xr.Dataset, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spread over members and error of their median, in standard deviations of the held-out state; (seeds, held)."""
    degree = case.params.train.dynamics.degree
    path, unit = known["held_state"].values, known["held_state"].values.reshape(-1, 3).std(0)
    x = np.concatenate([path[:, :-1], known["held_action"].values], -1).reshape(-1, 4)
    after = path[:, 1:].reshape(-1, 3)

    def foretold(coefficients: np.ndarray) -> np.ndarray:
        return applied(coefficients, degree, np.broadcast_to(x, (len(coefficients), *x.shape)))

    each = [foretold(some) for some in members]
    middle = on_circle(foretold(np.median(members, axis=1)))
    spread = np.array([np.sqrt(((some / unit).var(0)).sum(-1)) for some in each])
    error = np.sqrt((((middle - after) / unit) ** 2).sum(-1))
    if not case.params.entropy.paired:
        error = case.rng("unpaired").permuted(error, axis=1)
    return spread, error


def _predictive(case: Case[Params], known: xr.Dataset, models: xr.Dataset) -> np.ndarray:
    """0.5 ln det(2 pi e Sigma) of the members' own rollouts along held-out actions, mean over paths; (seeds, leads)."""
    degree, members = case.params.train.dynamics.degree, models["sindy"].values[-1]
    flat = members.reshape(-1, *members.shape[-2:])
    start, actions = known["held_state"].values[:PIECES, 0], known["held_action"].values[:PIECES]
    state, found = np.broadcast_to(start, (len(flat), *start.shape)), []
    for lead in range(LEADS):
        action = np.broadcast_to(actions[:, lead], (len(flat), *actions[:, lead].shape))
        state = on_circle(applied(flat, degree, state, action))
        cloud = state.reshape(*members.shape[:2], *start.shape)
        apart = cloud - cloud.mean(1, keepdims=True)
        covariance = np.einsum("smpi,smpj->spij", apart, apart) / (members.shape[1] - 1)
        found.append(np.mean(gaussian_entropy(covariance + RESOLUTION**2 * np.eye(start.shape[-1])).value, -1))
    return np.stack(found, -1)


def _descriptions(case: Case[Params], models: xr.Dataset, trained: xr.DataTree) -> np.ndarray:
    """Bits: each coefficient that isn't zero names its place in the library and its value; networks, values alone."""
    found = []
    for name in ("sindy", "linear"):
        middle = np.median(models[name].values[-1], axis=1)
        found.append((middle != 0).sum((-2, -1)) * (np.log2(middle[0].size) + BITS))
    weights = trained["networks"].to_dataset()
    size = sum(weights[name][0].size for name in weights.data_vars if str(name).startswith(("weight_", "bias_")))
    count = len(found[0])
    return np.array([*found, np.full(count, size * case.params.train.networks.members * BITS)], float)
