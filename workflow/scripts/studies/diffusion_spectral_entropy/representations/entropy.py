"""DSE and DSMI of representations along training, under each convention."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.kernel import classes_of
from pesin.stats.intervals import spearman
from pesin.stats.surrogates import rank_p_value
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.diffusion_spectral_entropy.measures import bits, bits_between, bits_of, subsample_error
from studies.diffusion_spectral_entropy.representations.params import Params
from studies.diffusion_spectral_entropy.shared_params import Convention, Sweep

RUN = ("mode", "seed")


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return DSE, DSMI with the label and DSMI with the input at each checkpoint, under each convention."""
    kept = trained["kept"].to_dataset()
    p, held = case.params.entropy, case.params.train.evaluation
    z, grid = kept["z"].values, ("convention", *RUN, "epoch")
    if not p.trained:
        kept = untrained(kept)
        z = kept["z"].values
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
        "dse": bits(grid, np.stack([bits_of(z, one) for one in conventions]), "DSE of the representation"),
        "dsmi_label": bits(grid, with_label, "DSMI of representation and training label"),
        "dsmi_input": bits(
            grid[1:],
            information(case, z, inputs, p.conventions[p.information]),
            "DSMI of representation and cluster of the input",
        ),
        "dsmi_label_other": bits(
            (*RUN, "moment"),
            held_out,
            "DSMI of representation and label on the images that are not evaluated otherwise",
        ),
        "dsmi_label_change": bits(
            grid[:-1],
            with_label[..., -1] - with_label[..., 0],
            "DSMI with the label at the last checkpoint minus that at the first",
        ),
        "feature_norm": labelled(
            (*RUN, "epoch"), np.linalg.norm(z, axis=-1).mean(-1), "mean norm of the features", nan=DIVERGED
        ),
    }
    result = xr.Dataset(values, {"convention": list(p.conventions), "moment": kept["moment"].values})
    result = result.assign(accuracy=kept["accuracy"], test_accuracy=kept["test_accuracy"])
    result = result.merge(chance(case, z[:, :, -1], label))
    return result if p.sweep is None else result.merge(sweep(case, p.sweep, z, label))


def untrained(kept: xr.Dataset) -> xr.Dataset:
    """The null: the first and the last checkpoint, and at both the networks as they were before training."""
    ends = {"epoch": kept["epoch"].values[[0, -1]], "moment": kept["moment"].values}
    return kept.isel(epoch=[0, 0], moment=[0, 0]).assign_coords(ends)


def information(case: Case[Params], z: np.ndarray, classes: np.ndarray, convention: Convention) -> np.ndarray:
    """DSMI of z (mode, seed, moment, sample, feature) and classes (mode, seed, sample), in bits."""
    found = np.empty(z.shape[:3])
    for mode, seed, moment in np.ndindex(found.shape):
        # The same subsets at every moment and under every convention.
        rng = np.random.default_rng(case.seed(f"subsets {mode} {seed}"))
        subsets = case.params.entropy.subsets
        found[mode, seed, moment] = bits_between(z[mode, seed, moment], classes[mode, seed], rng, convention, subsets)
    return found


def chance(case: Case[Params], z: np.ndarray, label: np.ndarray) -> xr.Dataset:
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
    p_value = rank_p_value(-found[..., 0], -null)
    return xr.Dataset(
        {
            "dsmi_null": bits((*RUN, "permutation"), null, "DSMI with permuted labels, last checkpoint"),
            "dsmi_p_value": labelled(RUN, p_value, "share of permutations, and the labels, with as much DSMI"),
            "dsmi_label_error": bits(RUN, error, "standard error of DSMI over the samples"),
        }
    )


def sweep(case: Case[Params], grid: Sweep, z: np.ndarray, label: np.ndarray) -> xr.Dataset:
    """Over bandwidths and diffusion times: rank correlation of epoch and DSE, and the gain of DSMI with the label."""
    p = case.params.entropy
    some, modes = slice(grid.samples), case.params.modes
    supervised = z[modes.index("supervised"), : grid.units, :, some]
    raw = np.stack([bits_of(supervised, ("raw", sigma, grid.t)) for sigma in grid.sigma])  # (sigma, seed, epoch, t)
    rho = np.apply_along_axis(lambda values: spearman(np.arange(len(values)), values), 2, raw)
    told = [mode for mode in modes if mode != "self_supervised"]
    gain = np.empty((len(p.sweep_information), len(told), len(supervised), len(grid.t)))
    for i, j, seed in np.ndindex(gain.shape[:3]):
        mode, convention, ends = modes.index(told[j]), ("l2", p.sweep_information[i], grid.t), []
        for epoch in (0, -1):
            rng = np.random.default_rng(case.seed(f"subsets {mode} {seed}"))
            ends.append(bits_between(z[mode, seed, epoch, some], label[mode, seed, some], rng, convention, p.subsets))
        gain[i, j, seed] = ends[1] - ends[0]
    return xr.Dataset(
        {
            "sweep_dse_correlation": labelled(
                ("sigma", "swept_seed", "time"),
                rho,
                "Spearman correlation of epoch and DSE of raw features, supervised",
                nan=f"{DIVERGED}, or a DSE that never changes",
            ),
            "sweep_dsmi_gain": labelled(
                ("sigma_information", "told_mode", "swept_seed", "time"),
                gain,
                "DSMI with the label of L2-normalised features, last checkpoint minus first",
                "bit",
                nan=DIVERGED,
            ),
        },
        {"sigma": grid.sigma, "time": grid.t, "sigma_information": p.sweep_information, "told_mode": told},
    )
