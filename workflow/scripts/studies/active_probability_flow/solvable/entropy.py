"""Entropy production of the ring and of trapped swimmers: learned, score-free, exact, and by rivals."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.special import logsumexp

from pesin.entropy.nonequilibrium import active_entropy_production, uncertainty_bound
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.active_probability_flow.solvable.params import Params
from studies.active_probability_flow.solvable.scores import (
    in_open,
    in_pieces,
    on_ring,
    production,
    ring_points,
    trap_points,
    velocity,
)
from studies.active_probability_flow.solvable.simulate import ring_law, trap_law
from studies.active_probability_flow.solvable.train import networks

RATE = "nat per time"


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.DataTree:
    """Return the group `ring` (seed) and `trap` (estimator, swimmers, set)."""
    return xr.DataTree.from_dict({"ring": ring(case, data, trained), "trap": trap(case, data, trained)})


def ring(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Total and parts of each estimator, and where along the ring entropy is made."""
    params, simulated = case.params, data["ring"].to_dataset()
    law = ring_law(params.simulate.ring)
    points = ring_points(simulated, params.train.shuffle, case.device, params.simulate.ring.walkers)
    with torch.no_grad():
        weights = networks(trained, f"ring/{params.entropy.weights}", case.device)
        found = in_pieces(on_ring(law.box), weights, points)
        local = production(law, points, found)[..., 0].double().numpy(force=True)
        flow = velocity(law, points, found)[..., 0].double().numpy(force=True)
    x, g, force = (part[..., 0].double().numpy(force=True) for part in (points.x, points.g, points.force))
    push = law.speed * g
    work = active_entropy_production(push[..., None], (push + force)[..., None], law.diffusion)
    currents = uncertainty_bound(
        simulated["current"].values, params.simulate.ring.snapshots * params.simulate.ring.every
    )
    exact, parts = simulated["production"].values, local.mean(1)
    total, free = parts.sum(1), np.asarray(work.value)
    along, cells = binned(case, x, g, local, flow)
    grid = ("seed", "part")
    return xr.Dataset(
        {
            "part_production": labelled(grid, parts, "entropy production, learned", RATE, nan=DIVERGED),
            "exact_part": labelled("part", exact, "entropy production, exact", RATE, may_be_constant=1),
            "total": labelled(
                ("estimator", "seed"),
                np.stack([total, free, np.full_like(free, exact.sum()), np.asarray(currents.value)]),
                "entropy production",
                RATE,
                nan=DIVERGED,
            ),
            "total_error": labelled(
                ("against", "seed"),
                np.stack([total / exact.sum(), total / free]) - 1,
                "relative error of the learned entropy production",
                nan=DIVERGED,
            ),
            "part_error": labelled(grid, parts / exact - 1, "relative error of a learned part", nan=DIVERGED),
            **cells,
            "peak": labelled(
                "seed",
                abs(along_centres(case))[np.where(np.isfinite(along[1]), along[1], -1.0).argmax(-1)],
                "distance at which the propulsions make most entropy",
                "R",
            ),
        },
        coordinates(case, simulated),
    )


def binned(case: Case[Params], x, g, local, flow) -> tuple[np.ndarray, dict[str, Any]]:
    """Entropy made per length along x, (part, seed, x); and maps over (x, g) of the mean over seeds."""
    box, reach = case.params.simulate.ring.box, case.params.simulate.ring.reach
    nx, ng = case.params.entropy.cells
    seeds, samples = x.shape
    column = np.minimum(((x / box + 0.5) * nx).astype(int), nx - 1)
    row = np.clip(((g / reach + 1) / 2 * ng).astype(int), 0, ng - 1)
    made = local.sum(-1)
    parts = np.moveaxis(local, -1, 0)
    along = np.stack([[np.bincount(c, m, nx) for c, m in zip(column, part, strict=True)] for part in parts])
    along = along / (samples * box / nx)
    place = (column * ng + row).ravel()

    def spread(values) -> np.ndarray:
        return np.bincount(place, np.ravel(values), nx * ng).reshape(nx, ng) / (seeds * samples)

    share, area = spread(np.ones_like(x)), box / nx * 2 * reach / ng
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.stack([spread(flow[..., part]) / share for part in (0, 1)])
    cells, empty = ("cell_x", "cell_g"), "no sample in the cell"
    return along, {
        "along": labelled(
            ("part", "seed", "cell_x"), along, "entropy production per length", "nat per time and R", nan=DIVERGED
        ),
        "density": labelled(cells, share / area, "density of the samples", "per R"),
        "map": labelled(cells, spread(made) / area, "entropy production per area", "nat per time and R", nan=DIVERGED),
        "velocity": labelled(("part", *cells), mean, "mean local velocity, learned", nan=empty),
    }


def along_centres(case: Case[Params]) -> np.ndarray:
    """Centres of the maps' cells along x."""
    box, nx = case.params.simulate.ring.box, case.params.entropy.cells[0]
    return (np.arange(nx) + 0.5) / nx * box - box / 2


def coordinates(case: Case[Params], simulated: xr.Dataset) -> dict[str, Any]:
    """Names and values along the dimensions of the ring's results."""
    ng, reach = case.params.entropy.cells[1], case.params.simulate.ring.reach
    return {
        "seed": simulated["seed"].values,
        "part": ["x", "g"],
        "estimator": ["learned", "score_free", "exact", "uncertainty"],
        "against": ["exact", "score_free"],
        "cell_x": along_centres(case),
        "cell_g": ((np.arange(ng) + 0.5) / ng * 2 - 1) * reach,
    }


# ---------------------------------------------------------------------------------------------------------------- trap


def trap(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Entropy production by networks and by a kernel density, against the closed form."""
    params, simulated = case.params, case.params.simulate.trap
    law, values, errors, gaps = trap_law(simulated), [], [], []
    for many in params.train.traps:
        group = data[f"trap_{many}"].to_dataset()
        points = trap_points(group, simulated.stiffness, case.device)
        with torch.no_grad():
            weights = networks(trained, f"trap_{many}/{params.entropy.weights}", case.device)
            local = production(law, points, in_open(weights, points)).double().numpy(force=True)
        state, truth = group["state"].values, float(group["production"])
        rival = np.array([by_kernel(law, one) for one in state])
        totals = np.stack([local.sum((2, 3)).mean(1), rival])
        values.append(totals)
        errors.append(totals / truth - 1)
        gaps.append(abs(local.mean(1).sum(1).sum(1) / totals[0] - 1))
    found, off = np.stack(values, 1), np.stack(errors, 1)
    grid = ("estimator", "swimmers", "set")
    return xr.Dataset(
        {
            "total": labelled(grid, found, "entropy production", RATE, nan=DIVERGED),
            "error": labelled(grid, off, "relative error of the entropy production", nan=DIVERGED),
            "square": labelled(grid, off**2, "squared relative error of the entropy production", nan=DIVERGED),
            "gap": labelled(("swimmers", "set"), gaps, "sum over particles less total, relative", nan=DIVERGED),
        },
        {
            "estimator": ["learned", "kernel"],
            "swimmers": params.train.traps,
            "set": np.arange(simulated.sets),
        },
    )


def by_kernel(law, state: np.ndarray) -> float:
    """Entropy production of trapped swimmers by the score of a Gaussian kernel density, state (samples, 2 swimmers).

    The kernel has the samples' covariance, scaled by Silverman's rule; each point is left out of its own density.
    """
    samples, dim = state.shape
    spread = np.cov(state.T) * (4 / ((dim + 2) * samples)) ** (2 / (dim + 4))
    inverse = np.linalg.inv(spread)
    white = state @ np.linalg.cholesky(inverse)
    square = (white**2).sum(1)
    log_kernel = -(square[:, None] + square - 2 * white @ white.T) / 2
    np.fill_diagonal(log_kernel, -np.inf)
    share = np.exp(log_kernel - logsumexp(log_kernel, 1, keepdims=True))
    score = (share @ state - state) @ inverse
    x, g = np.split(state, 2, 1)
    at_x, at_g = np.split(score, 2, 1)
    move = law.speed * g - law.trap * x - law.diffusion * at_x
    turn = -law.turning * (g + at_g)
    return float((move**2 / law.diffusion + turn**2 / law.turning).sum(1).mean())
