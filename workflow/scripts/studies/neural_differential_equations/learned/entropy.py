"""Relative entropy of the true process and the learned one, and the entropies of their marginals."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.entropy.gaussian import gaussian_entropy, gaussian_kl
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.neural_differential_equations.learned.panels import drift_and_noise, generate
from studies.neural_differential_equations.learned.params import Params
from studies.neural_differential_equations.learned.simulate import exact_moments
from studies.neural_differential_equations.learned.train import networks


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Of each seed's process at the times of the data: from one to the next both are Gaussian, so that it is exact."""
    made, seeds = case.params.simulate.relaxation, case.params.simulate.seeds
    parameters = networks(trained, "relaxation")
    x = data["relaxation"].to_dataset()["x"].values[:, : case.params.entropy.paths]
    mean, variance = exact_moments(made)
    kept, last = np.exp(-made.rate), made.times - 1
    spread = np.full((1, 1), made.noise**2 * -np.expm1(-2 * made.rate) / (2 * made.rate))
    relative = np.zeros((seeds, last))
    with torch.no_grad():
        for t in range(last):
            drift, scale = drift_and_noise(parameters, torch.as_tensor(x[..., t]), float(t), float(last))
            true = mean[t + 1] + kept * (x[..., t] - mean[t])
            guess = x[..., t] + drift.numpy()
            covariance = scale.double().square().numpy()[..., None, None]
            found = gaussian_kl(true[..., None], spread, guess[..., None], covariance).value
            relative[:, t] = np.asarray(found).mean(1)
        noise = torch.as_tensor(case.rng("noise").standard_normal((*x.shape[:2], last), np.float32))
        path = generate(parameters, noise).double().numpy()
    learned = gaussian_entropy(path[..., 1:].var(1)[..., None, None]).value
    exact = gaussian_entropy(variance[1:, None, None]).value
    dims = ("seed", "time")
    return xr.Dataset(
        {
            "path_relative_entropy": labelled(
                "seed", relative.sum(1), "relative entropy of paths", "nat", nan=DIVERGED
            ),
            "relative_entropy": labelled(dims, relative, "relative entropy of a step", "nat", nan=DIVERGED),
            "learned_entropy": labelled(dims, learned, "entropy of the learned marginal", "nat", nan=DIVERGED),
            "exact_entropy": labelled("time", exact, "entropy of the marginal", "nat", role="truth"),
        },
        {"seed": np.arange(seeds), "time": np.arange(1, made.times)},
    )
