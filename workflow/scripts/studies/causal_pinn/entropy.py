"""Entropies: of the causal weights along the training, of the flow's stretching, and of the fields' spectra."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.special import entr

from pesin.entropy.dynamical import pesin_entropy
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.causal_pinn.judged import kind_of, networks
from studies.causal_pinn.params import Params
from studies.causal_pinn.problems import Line


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """Of weights (snapshot, seed), of each window's stretching, and of spectra (slice) exact and learnt."""
    variables: dict[str, Any] = {}
    for name in ("causal", "long"):
        kind = kind_of(case.params, trained, name, case.device)
        found = np.stack([spread(np.exp(kind.log_weights(i))) for i in range(len(kind.snapshots))])
        variables[f"{name}_weight_entropy"] = labelled(
            ("snapshot", "seed"), found, "entropy of the weights over its largest", nan=DIVERGED, may_be_constant=1
        )
    stretch = np.log(np.linalg.svd(data["propagator"].values, compute_uv=False)) / case.params.lorenz.window
    variables["stretching_entropy"] = labelled(
        "window", pesin_entropy(stretch).value, "sum of the positive rates of stretching", "nat"
    )
    coords: dict[str, Any] = {"seed": np.arange(case.params.train.seeds), "window": data["window"].values}
    coords["snapshot"] = np.arange(trained.sizes["curves_snapshot"])
    for name, equation in case.params.fields.items():
        tau = data[f"{name}_time"].values / equation.end
        line = Line.of(equation, 2 * equation.seeds, 1, case.device, equation.points, tau)
        sizes = [line.inputs, *[case.params.train.width] * case.params.train.layers, 1]
        found = line.at(networks(trained, name, sizes, -1, device=case.device))
        rows = np.stack([data[f"{name}_u"].values, found[0], found[equation.seeds]])
        variables[f"{name}_spectrum_entropy"] = labelled(
            ("made_by", f"{name}_time"), spectral(rows), "entropy of the spatial spectrum", "nat", nan=DIVERGED
        )
        coords |= {"made_by": ["reference", "plain", "causal"], f"{name}_time": data[f"{name}_time"].values}
    return xr.Dataset(variables, coords)


def spread(weights: np.ndarray) -> np.ndarray:
    """Entropy of normalised weights (..., n) over ln n: 0 if one alone is left, 1 if all are alike."""
    return entr(weights / weights.sum(-1, keepdims=True)).sum(-1) / np.log(weights.shape[-1])


def spectral(field: np.ndarray) -> np.ndarray:
    """Shannon entropy of the power of the modes of fields (..., points), in nats."""
    power = abs(np.fft.rfft(field)) ** 2
    return entr(power / power.sum(-1, keepdims=True)).sum(-1)
