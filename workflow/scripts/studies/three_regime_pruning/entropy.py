"""How far retrained copies disagree, and how spread the spectra of pruned weights are. No claim is judged by them."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.entropy.kernel import effective_rank
from pesin.entropy.learning import epistemic_information, predictive_entropy
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.three_regime_pruning.forecast import groups
from studies.three_regime_pruning.nets import logits
from studies.three_regime_pruning.params import Params
from studies.three_regime_pruning.train import images


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return predictive entropy of the copies, its part that is their disagreement, and spectral entropy of weights."""
    p = case.params.train
    x = images(case, data, "test")[0][: case.params.entropy.images]
    whole, between, spectral = [], [], []
    for _, parameters in groups(case, trained):
        said = torch.softmax(logits(p.net, parameters, x).double(), -1).numpy(force=True)
        members = said.reshape(-1, p.copies, *said.shape[1:]).swapaxes(1, 2)  # (network, image, copy, class)
        whole.append(np.mean(predictive_entropy(members).value, -1))
        between.append(np.mean(epistemic_information(members).value, -1))
        spectral.append(spectral_entropy({name: value[:: p.copies] for name, value in parameters.items()}))
    shape = (-1, len(p.densities), p.seeds)
    grid = ("arm", "density", "seed")
    tables = {
        "predictive_entropy": (whole, "entropy of the copies' mean prediction"),
        "information": (between, "information between prediction and copy"),
        "spectral_entropy": (spectral, "spectral entropy of pruned layers"),
    }
    return xr.Dataset(
        {name: labelled(grid, np.concatenate(v).reshape(shape), text, "nat") for name, (v, text) in tables.items()},
        {name: trained[name].values for name in grid},
    )


def spectral_entropy(parameters) -> np.ndarray:
    """Entropy of the normalised singular values of each layer's weights, mean over layers, shape (runs,)."""
    found = []
    for name, value in parameters.items():
        if name.startswith("weight"):
            matrix = value.flatten(2).double().numpy(force=True)
            found.append(np.log(effective_rank(matrix).value))
    return np.mean(found, 0)
