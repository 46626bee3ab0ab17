"""Initial DSE of many networks, and DSMI with the label at the end of their training."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.diffusion_spectral_entropy.measures import NO_MEDIAN, bits, bits_between, bits_of, subsample_error
from studies.diffusion_spectral_entropy.nets.params import Params


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return initial DSE against accuracy after a fixed budget (C6), and DSMI with the label after training (C7)."""
    kept = trained["kept"].to_dataset()
    count = case.params.train.choices.nets
    random, initialised = kept.isel(run=slice(count)), kept.isel(run=slice(count, None))
    return xr.merge([of_random(case, data, random), of_initialised(case, initialised)], join="exact")


def of_initialised(case: Case[Params], kept: xr.Dataset) -> xr.Dataset:
    """DSE before training and accuracy after it: seeds x scales, and their rank correlation for each seed."""
    init, p = case.params.train.initialisations, case.params.entropy
    shape, grid = (init.seeds, len(init.scales)), ("init_seed", "scale")
    start = kept["z"].sel(progress="start").values
    dse = np.stack([bits_of(start, one).reshape(shape) for one in p.initialisation.values()])
    accuracy = kept["test_accuracy"].sel(progress="end").values.astype(float).reshape(shape)
    if p.shuffled:
        dse = case.rng("shuffled").permuted(dse, axis=-1)
    rho = [[spearman(*pair) for pair in zip(one, accuracy, strict=True)] for one in dse]
    by_seed = ("convention", "init_seed")
    return xr.Dataset(
        {
            "initial_dse": labelled(
                ("convention", *grid), dse, "DSE of the untrained representation", "bit", nan=NO_MEDIAN
            ),
            "initial_accuracy": labelled(grid, accuracy, "test accuracy after the fixed budget"),
            "initial_rank_correlation": labelled(
                by_seed,
                rho,
                "Spearman correlation of initial DSE and accuracy over the scales",
                nan=f"{NO_MEDIAN}, or no change over the scales",
            ),
            "initial_dse_range": labelled(
                by_seed, np.ptp(dse, -1), "range of the initial DSE over the scales", "bit", nan=NO_MEDIAN
            ),
            "initial_accuracy_range": labelled(
                "init_seed", np.ptp(accuracy, 1), "range of the accuracy after the fixed budget over the scales"
            ),
        },
        {"convention": list(p.initialisation), "init_seed": np.arange(init.seeds), "scale": init.scales},
    )


def of_random(case: Case[Params], data: xr.Dataset, kept: xr.Dataset) -> xr.Dataset:
    """DSMI with the label of each random network at its end, beside its test accuracy."""
    p, held = case.params.entropy, case.params.train.evaluation
    label = data[f"{held.split}_label"].values[0, 0, : held.samples]
    rng = case.rng("information")
    end = kept.sel(progress="end", drop=True)
    z, accuracy = end["z"].values, end["test_accuracy"].values.astype(float)
    told = [rng.permutation(label) if p.shuffled else label for _ in z]
    dsmi = [bits_between(*pair, rng, p.information, p.subsets) for pair in zip(z, told, strict=True)]
    error = [subsample_error(*pair, rng, p.information, p.subsets, p.subsamples) for pair in zip(z, told, strict=True)]
    return xr.Dataset(
        {
            "dsmi_label": bits("net", dsmi, "DSMI of representation and label"),
            "dsmi_label_error": bits("net", error, "standard error of DSMI over the samples"),
            "test_accuracy": labelled("net", accuracy, "test accuracy at the end of training"),
            "test_accuracy_range": labelled((), np.ptp(accuracy), "range of test accuracy over the networks"),
            "label_noise": labelled("net", kept["label_noise"], "share of training labels drawn at random"),
        },
        {"net": np.arange(len(z))},
    )
