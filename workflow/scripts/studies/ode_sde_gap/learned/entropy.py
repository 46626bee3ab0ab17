"""Entropies of the generated laws: by change of variables along the flow, by nearest neighbours, by quadrature."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.entropy.neighbours import differential_entropy
from pesin.integrate.steppers import follow
from pesin.models.jets import gradient_and_laplacian, softplus_activation
from pesin.models.mlp import Parameters
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.ode_sde_gap.learned.params import Params
from studies.ode_sde_gap.learned.train import networks
from studies.ode_sde_gap.process import times, with_time

GRID = ("weight", "seed")


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree, made: xr.Dataset) -> xr.Dataset:
    """Entropies of data, SDE and ODE (law, weight, seed), KL of data and ODE, entropies along the flow."""
    params, points = case.params, case.params.entropy.points
    clouds = {str(name): made["samples"].sel(sampler=name).values for name in made["sampler"].values}
    shape = clouds["ode"].shape
    clouds["data"] = np.broadcast_to(data["data"].values[:, : shape[2]], shape)
    laws = ("data", "sde", "ode")
    near = np.stack([neighbour_entropy(case, clouds[law]) for law in laws])
    both = np.concatenate([clouds["data"][..., :points, :], clouds["ode"][..., :points, :]], 2)
    flow = densities(case, networks(trained, "end", case.device), both.reshape(-1, *both.shape[2:]))
    log_density = flow["log_density"].reshape(*shape[:2], -1)
    mean = {"data": log_density[..., :points].mean(-1), "ode": log_density[..., points:].mean(-1)}
    path = flow["path"].reshape(-1, *both.shape)[..., points:, :]
    along = flow["along"].reshape(-1, *shape[:2], 2 * points)[..., points:].mean(-1)
    known = float(data["data_entropy"])
    return xr.Dataset(
        {
            "neighbour_entropy": labelled(
                ("law", *GRID), near, "differential entropy by nearest neighbours", "nat", nan=DIVERGED
            ),
            "flow_entropy": labelled(
                GRID, -mean["ode"], "entropy of the ODE's law by change of variables", "nat", nan=DIVERGED
            ),
            "divergence": labelled(
                GRID, -mean["data"] - known, "KL divergence of the data from the ODE's law", "nat", nan=DIVERGED
            ),
            "entropy_on_the_way": labelled(
                ("estimate", "time", *GRID),
                np.stack([-along, np.stack([neighbour_entropy(case, cloud) for cloud in path])]),
                "entropy of the flow's law",
                "nat",
                nan=DIVERGED,
            ),
            "data_entropy": labelled((), known, "differential entropy of the data's law", "nat"),
        },
        {
            "law": list(laws),
            "estimate": ["divergence", "neighbours"],
            "time": sorted(params.entropy.times),
            "weight": made["weight"].values,
            "seed": made["seed"].values,
        },
    )


def neighbour_entropy(case: Case[Params], clouds: np.ndarray) -> np.ndarray:
    """Kozachenko and Leonenko's estimate of each cloud, (weights, seeds, samples, 2) -> (weights, seeds)."""
    found = np.full(clouds.shape[:2], np.nan)
    for place in np.ndindex(found.shape):
        if np.isfinite(clouds[place]).all():
            found[place] = differential_entropy(clouds[place].astype(float), case.params.entropy.neighbours).value
    return found


@torch.no_grad()
def densities(case: Case[Params], parameters: Parameters, points: np.ndarray) -> dict[str, np.ndarray]:
    """Log density of the flow's law at points (runs, n, 2): that of the base, and the integral of its divergence.

    Returns
    -------
    dict
        log_density (runs, n) at the points; path (times, runs, n, 2), where the flow carries them; along
        (times, runs, n), its log density there.
    """
    params, activation = case.params, softplus_activation(case.params.train.sharpness)

    def field(state: torch.Tensor, t: float) -> torch.Tensor:
        """dx/dt = -x - grad phi / 2, and its divergence -2 - lap phi / 2."""
        x = state[..., :2]
        _, gradient, laplacian = gradient_and_laplacian(parameters, with_time(x, t), activation, slice(1, 3))
        return torch.cat([-x - gradient / 2, (-2 - laplacian / 2)[..., None]], -1)

    grid = times(params.train.horizon, params.train.start, params.entropy.steps, "quadratic")[::-1]
    stops = np.searchsorted(grid, sorted(params.entropy.times))
    start = torch.as_tensor(points, dtype=torch.float32, device=case.device)
    state = torch.cat([start, torch.zeros_like(start[..., :1])], -1)
    wanted = {*stops, len(grid) - 1}
    found = {
        i: s.double().numpy(force=True) for i, s in enumerate(follow(field, state, grid, "heun"), 1) if i in wanted
    }
    end, way = found[len(grid) - 1], np.stack([found[i] for i in stops])
    log_density = -np.log(np.pi) - (end[..., :2] ** 2).sum(-1) + end[..., 2]
    return {"log_density": log_density, "path": way[..., :2], "along": log_density - way[..., 2]}
