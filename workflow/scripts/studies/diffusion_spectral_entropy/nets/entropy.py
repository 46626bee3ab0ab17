"""Initial DSE of many networks, and DSMI with the label at the end of their training."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.diffusion_spectral_entropy.measures import NO_MEDIAN, bits, bits_between, bits_of
from studies.diffusion_spectral_entropy.nets.params import Params


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return initial DSE against accuracy after a fixed budget (C6), and DSMI with the label after training (C7)."""
    kept = trained["kept"].to_dataset()
    count = case.params.train.choices.nets
    if not case.params.entropy.trained:
        kept = kept.isel(progress=[0] * kept.sizes["progress"]).assign_coords(progress=kept["progress"])
    random, initialised = kept.isel(run=slice(count)), kept.isel(run=slice(count, None))
    parts = [of_random(case, data, random), of_initialised(case, initialised), constant_guess(data)]
    return xr.merge(parts, join="exact")


def constant_guess(data: xr.Dataset) -> xr.Dataset:
    """Test accuracy of the trivial classifier, which gives every image the commonest label of the training images."""
    train, test = (data[f"{split}_label"].values[0, 0] for split in ("train", "test"))
    share = float((test == np.bincount(train).argmax()).mean())
    said = "test accuracy of the commonest training label"
    return xr.Dataset({"constant_accuracy": labelled((), share, said)})


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
    return xr.Dataset(
        {
            "dsmi_label": bits("net", dsmi, "DSMI of representation and label"),
            "test_accuracy": labelled("net", accuracy, "test accuracy at the end of training"),
            "label_noise": labelled("net", kept["label_noise"], "share of training labels drawn at random"),
        },
        {"net": np.arange(len(z))},
    )
