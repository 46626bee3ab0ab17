"""Diffusion spectral entropies and informations, in bits, of the toys, of representations and of many networks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.kernel import classes_of
from pesin.stats.intervals import spearman
from pesin.steps.labels import about
from studies.diffusion_spectral_entropy.measures import bits_between, bits_of, subsample_error

RUN = ("mode", "seed")


def entropy(case, data: xr.Dataset, trained: xr.DataTree | None) -> xr.Dataset:
    """Return every entropy and information of the case that a claim or a figure needs."""
    if case.params.kind == "toys":
        from studies.diffusion_spectral_entropy.toys import dependence, dimension  # slow to import

        return xr.merge([dimension(case, data), dependence(case, data)], join="exact", combine_attrs="override")
    kept = trained["kept"].to_dataset()
    return nets(case, data, kept) if case.params.kind == "nets" else representations(case, data, kept)


# ---------------------------------------------------------------------------------------------------- along training


def representations(case, data: xr.Dataset, kept: xr.Dataset) -> xr.Dataset:
    """DSE, DSMI with the label and DSMI with the input at each checkpoint, under each convention."""
    p, held = case.params.entropy, case.params.train.evaluation
    z, grid = kept["z"].values, ("convention", *RUN, "epoch")
    if p.shuffled:
        order = case.rng("shuffled").permuted(np.tile(np.arange(z.shape[2]), (*z.shape[:2], 1)), axis=-1)
        z = np.take_along_axis(z, order[..., None, None], 2)
    label = data[f"{held.split}_label"].values[..., : held.samples]
    images = data[f"{held.split}_images"].values[: held.samples]
    inputs = np.broadcast_to(classes_of(images.reshape(len(images), -1), p.clusters), label.shape)

    conventions = list(p.conventions.values())
    with_label = np.stack([information(case, z, label, one) for one in conventions])
    other = data[f"{'test' if held.split == 'train' else 'train'}_label"].values[..., : kept.sizes["other_sample"]]
    held_out = information(case, kept["z_other"].values, other, p.conventions[p.information])
    values = {
        "dse": (grid, np.stack([bits_of(z, one) for one in conventions]), about("bit", "DSE of the representation")),
        "dsmi_label": (grid, with_label, about("bit", "DSMI of representation and training label")),
        "dsmi_input": (
            grid[1:],
            information(case, z, inputs, p.conventions[p.information]),
            about("bit", "DSMI of representation and cluster of the input"),
        ),
        "dsmi_label_other": (
            (*RUN, "moment"),
            held_out,
            about("bit", "DSMI of representation and label on the images that are not evaluated otherwise"),
        ),
        "dsmi_label_change": (
            grid[:-1],
            with_label[..., -1] - with_label[..., 0],
            about("bit", "DSMI with the label at the last checkpoint minus that at the first"),
        ),
        "feature_norm": ((*RUN, "epoch"), np.linalg.norm(z, axis=-1).mean(-1), about("1", "mean norm of the features")),
    }
    result = xr.Dataset(values, {"convention": list(p.conventions), "moment": kept["moment"].values})
    result = result.assign(accuracy=kept["accuracy"], test_accuracy=kept["test_accuracy"])
    result = result.merge(chance(case, z[:, :, -1], label))
    return result if p.sweep is None else result.merge(sweep(case, z, label))


def information(case, z: np.ndarray, classes: np.ndarray, convention) -> np.ndarray:
    """DSMI of z (mode, seed, moment, sample, feature) and classes (mode, seed, sample), in bits."""
    found = np.empty(z.shape[:3])
    for mode, seed, moment in np.ndindex(found.shape):
        # The same subsets at every moment and under every convention.
        rng = np.random.default_rng(case.seed(f"subsets {mode} {seed}"))
        subsets = case.params.entropy.subsets
        found[mode, seed, moment] = bits_between(z[mode, seed, moment], classes[mode, seed], rng, convention, subsets)
    return found


def chance(case, z: np.ndarray, label: np.ndarray) -> xr.Dataset:
    """DSMI with the label at the last checkpoint: under permuted labels, and its error over the samples."""
    p = case.params.entropy
    convention, rng = p.conventions[p.information], case.rng("chance")
    found = np.empty((*z.shape[:2], 1 + p.chance.permutations))  # with the labels, then with permuted ones
    for run in np.ndindex(z.shape[:2]):
        permuted = rng.permuted(np.tile(label[run], (p.chance.permutations, 1)), axis=1)
        found[run] = bits_between(z[run], np.vstack([label[run], permuted]), rng, convention, p.subsets)
    null = found[..., 1:]
    error = [
        [subsample_error(*pair, rng, convention, p.subsets, p.chance.subsamples) for pair in zip(*both, strict=True)]
        for both in zip(z, label, strict=True)
    ]
    p_value = (found >= found[..., :1]).mean(-1)
    return xr.Dataset(
        {
            "dsmi_null": ((*RUN, "permutation"), null, about("bit", "DSMI with permuted labels, last checkpoint")),
            "dsmi_p_value": (RUN, p_value, about("1", "share of permutations, and the labels, with as much DSMI")),
            "dsmi_label_error": (RUN, np.array(error), about("bit", "standard error of DSMI over the samples")),
        }
    )


def sweep(case, z: np.ndarray, label: np.ndarray) -> xr.Dataset:
    """Over bandwidths and diffusion times: rank correlation of epoch and DSE, and the gain of DSMI with the label."""
    p = case.params.entropy
    grid, some = p.sweep, slice(p.sweep.samples)
    modes = case.params.modes
    supervised = z[modes.index("supervised"), :, :, some]
    raw = np.stack([bits_of(supervised, ("raw", sigma, grid.t)) for sigma in grid.sigma])  # (sigma, seed, epoch, t)
    rho = np.apply_along_axis(lambda values: spearman(np.arange(len(values)), values), 2, raw)
    told = [mode for mode in modes if mode != "self_supervised"]
    gain = np.empty((len(p.sweep_information), len(told), z.shape[1], len(grid.t)))
    for i, j, seed in np.ndindex(gain.shape[:3]):
        mode, convention, ends = modes.index(told[j]), ("l2", p.sweep_information[i], grid.t), []
        for epoch in (0, -1):
            rng = np.random.default_rng(case.seed(f"subsets {mode} {seed}"))
            ends.append(bits_between(z[mode, seed, epoch, some], label[mode, seed, some], rng, convention, p.subsets))
        gain[i, j, seed] = ends[1] - ends[0]
    return xr.Dataset(
        {
            "sweep_dse_correlation": (
                ("sigma", "seed", "time"),
                rho,
                about("1", "Spearman correlation of epoch and DSE of raw features, supervised"),
            ),
            "sweep_dsmi_gain": (
                ("sigma_information", "told_mode", "seed", "time"),
                gain,
                about("bit", "DSMI with the label of L2-normalised features, last checkpoint minus first"),
            ),
        },
        {"sigma": grid.sigma, "time": grid.t, "sigma_information": p.sweep_information, "told_mode": told},
    )


# ----------------------------------------------------------------------------------------------------- many networks


def nets(case, data: xr.Dataset, kept: xr.Dataset) -> xr.Dataset:
    """Initial DSE against accuracy after a fixed budget (C6), and DSMI with the label of trained networks (C7)."""
    count = case.params.train.choices.nets
    random, initialised = kept.isel(run=slice(count)), kept.isel(run=slice(count, None))
    return xr.merge([of_random(case, data, random), of_initialised(case, initialised)], join="exact")


def of_initialised(case, kept: xr.Dataset) -> xr.Dataset:
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
            "initial_dse": (("convention", *grid), dse, about("bit", "DSE of the untrained representation")),
            "initial_accuracy": (grid, accuracy, about("1", "test accuracy after the fixed budget")),
            "initial_rank_correlation": (by_seed, np.array(rho), about("1", "Spearman correlation over the scales")),
            "initial_dse_range": (by_seed, np.ptp(dse, -1), about("bit", "range of that DSE over the scales")),
            "initial_accuracy_range": ("init_seed", np.ptp(accuracy, 1), about("1", "range of that accuracy")),
        },
        {"convention": list(p.initialisation), "init_seed": np.arange(init.seeds), "scale": init.scales},
    )


def of_random(case, data: xr.Dataset, kept: xr.Dataset) -> xr.Dataset:
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
            "dsmi_label": ("net", np.array(dsmi), about("bit", "DSMI of representation and label")),
            "dsmi_label_error": ("net", np.array(error), about("bit", "standard error of DSMI over the samples")),
            "test_accuracy": ("net", accuracy, about("1", "test accuracy at the end of training")),
            "test_accuracy_range": ((), np.ptp(accuracy), about("1", "range of test accuracy over the networks")),
            "label_noise": ("net", kept["label_noise"].values, about("1", "share of training labels drawn at random")),
        },
        {"net": np.arange(len(z))},
    )
