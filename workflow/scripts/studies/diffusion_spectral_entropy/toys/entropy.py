"""Entropies of clouds of known dimension, and informations between views of known dependence."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import xarray as xr
from scipy.cluster.vq import kmeans2

from pesin.entropy.kernel import diffusion_spectral_entropy, diffusion_spectral_mutual_information, median_distance
from pesin.entropy.neighbours import mutual_information
from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.diffusion_spectral_entropy.bit import BIT
from studies.diffusion_spectral_entropy.toys.params import DependenceMeasures, Params

UNTRAINED = "a critic that diverged, or isn't trained at that mixing share"


def entropy(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Return entropies against the dimension and informations against the mixing share."""
    return xr.merge([dimension(case, data), dependence(case, data)], join="exact", combine_attrs="override")


def binned_entropy(x: np.ndarray, bins: int = 2) -> float:
    """Classic entropy of a cloud (samples, features) in bits: each coordinate cut into bins from least to largest."""
    low, span = x.min(0), np.ptp(x, axis=0)
    cell = ((x - low) / np.where(span > 0, span, 1) * bins).astype(np.int16).clip(0, bins - 1)
    share = np.array(list(Counter(map(bytes, cell)).values())) / len(x)
    return float(-(share * np.log2(share)).sum())


def dimension(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """DSE and binned entropy of spheres, Swiss roll and tree at each noise, and DSE over bandwidths and times."""
    p, noise = case.params.entropy, np.asarray(case.params.simulate.spheres.noise)
    coordinate = {"noise": noise} | {name: data[name].values for name in ("cloud", "intrinsic_dimension", "shape")}
    result: dict = {}
    for name, suffix, along in (("sphere", "", "intrinsic_dimension"), ("shape", "_shape", "shape")):
        clean = data["sphere" if name == "sphere" else "shape_points"].values.astype(float)
        unit = data[f"{name}_noise"].values
        noisy = clean[:, None] + noise[:, None, None, None] * unit[:, None]  # (cloud, noise, shape, sample, feature)
        dse = np.asarray(diffusion_spectral_entropy(noisy, p.sigma, p.t).value) / BIT
        flat = noisy.reshape(-1, *noisy.shape[-2:])
        cse = np.array([binned_entropy(x, p.bins) for x in flat]).reshape(dse.shape)
        grid = ("cloud", "noise", along)
        result[f"dse{suffix}"] = labelled(grid, dse, "diffusion spectral entropy", "bit")
        result[f"cse{suffix}"] = labelled(grid, cse, "binned entropy", "bit")
        if name == "sphere":
            ceiling = np.log2(noisy.shape[-2])
            result["cse_gap"] = labelled(grid, ceiling - cse, "log2 n minus binned entropy", "bit")
            for kind, values in (("dse", dse), ("cse", cse)):
                # Points that coincide have entropy 0 up to rounding, and nothing to be changed.
                clean = np.broadcast_to(values[:, :1], values.shape)
                change = np.full(values.shape, np.nan)
                np.divide(np.abs(values - clean), clean, out=change, where=clean > 1e-9)
                said = f"relative change of {kind.upper()} by the noise"
                result[f"{kind}_change"] = labelled(grid, change, said, nan="a clean cloud without entropy")
            result |= sweep(case, noisy)
            result["log2_samples"] = labelled((), ceiling, "log2 of the number of points, the ceiling", "bit")
    return xr.Dataset(result, coordinate | {"sigma": p.sweep.sigma, "time_sweep": p.sweep.t})


def sweep(case: Case[Params], noisy: np.ndarray) -> dict:
    """Rank correlation of dimension and DSE, and its change by the noise of the claim, over bandwidth and time."""
    p, known = case.params.entropy.sweep, case.params.simulate.spheres
    at = [0, int(np.argmin(np.abs(np.asarray(known.noise) - 0.02)))]
    some = noisy[: p.units][:, at][:, :, : p.samples]
    dse = np.stack([diffusion_spectral_entropy(some, sigma, p.t).value / BIT for sigma in p.sigma])
    rho = np.apply_along_axis(lambda v: spearman(known.dims, v), 3, dse)  # (sigma, cloud, 2, t)
    clean, moved = dse[:, :, 0], dse[:, :, 1]
    # A bandwidth that sees nothing has entropy 0 up to rounding: its change counts as complete.
    change = np.divide(np.abs(moved - clean), clean, out=np.ones_like(clean), where=clean > 1e-9).mean(2)
    grid = ("sigma", "swept_cloud", "time_sweep")
    return {
        "sweep_correlation": labelled(
            grid,
            rho.min(2),
            "Spearman correlation of d and DSE, the lower of two noises",
            nan="an entropy that is the same at every d",
        ),
        "sweep_change": labelled(grid, change, "mean relative change of DSE by noise"),
    }


def dependence(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """DSMI at every dimension of the space, and beside it KSG and MINE at one of them."""
    p, world = case.params.entropy.dependence, case.params.simulate.dependence
    grid = ("seed", "mixing", "view_noise")
    dsmi = []
    for ambient in world.ambient:
        first, second = (data[f"{name}_view_{ambient}"].values.astype(float) for name in ("first", "second"))
        found = np.empty((*first.shape[:3], len(p.times)))
        for cell in np.ndindex(first.shape[:3]):
            # The same draws at every p: where there is next to nothing to find, they would decide the order.
            rng = np.random.default_rng(case.seed(f"dependence {cell[0]}"))
            found[cell] = information(first[cell], second[cell], rng, p)
        dsmi.append(found)
    together = np.stack(dsmi)  # (ambient, seed, mixing, noise, time)
    compared = together[world.ambient.index(p.compare_ambient)]
    estimates = {f"dsmi_t{t:g}": compared[..., i] for i, t in enumerate(p.times)} | rivals(case, data)
    values = np.stack(list(estimates.values()))
    full = values[:, :, list(world.mixing).index(max(world.mixing))]  # (estimator, seed, noise)
    quiet, loud = full[..., np.argmin(world.noise)], full[..., np.argmax(world.noise)]
    retention = np.divide(loud, quiet, out=np.full_like(quiet, np.nan), where=quiet > 0)
    return xr.Dataset(
        {
            "dsmi": labelled(
                ("ambient", *grid, "time"), together, "DSMI of the first view and clusters of the second", "bit"
            ),
            "information": labelled(
                ("estimator", *grid), values, "information between the two views", "bit", nan=UNTRAINED
            ),
            "retention": labelled(
                ("estimator", "seed"),
                retention,
                "information at much noise over that at little noise, largest mixing share",
                nan="no information at little noise, or a critic that diverged",
            ),
        },
        {
            "ambient": world.ambient,
            "time": p.times,
            "estimator": list(estimates),
            "mixing": world.mixing,
            "view_noise": world.noise,
        },
    )


def rivals(case: Case[Params], data: xr.Dataset) -> dict[str, np.ndarray]:
    """KSG and MINE, in bits, of the two views in `compare_ambient` dimensions; shapes (seed, mixing, view_noise).

    MINE at the least and the largest mixing share alone, NaN between them.
    """
    p = case.params.entropy.dependence
    first, second = (data[f"{name}_view_{p.compare_ambient}"].values.astype(float) for name in ("first", "second"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*nearest neighbours are hardly nearer.*")  # that is what is tested
        cells = [mutual_information(first[c], second[c], p.neighbours).value for c in np.ndindex(first.shape[:3])]
    mixing = case.params.simulate.dependence.mixing
    ends = [int(np.argmin(mixing)), int(np.argmax(mixing))]  # critics cost most, and the claim looks at the ends
    critics = np.full(first.shape[:3], np.nan)
    critics[:, ends] = mine(case, first[:, ends], second[:, ends]) / BIT
    return {"ksg": np.array(cells).reshape(first.shape[:3]) / BIT, "mine": critics}


def information(first: np.ndarray, second: np.ndarray, rng: np.random.Generator, p: DependenceMeasures) -> np.ndarray:
    """DSMI in bits at each diffusion time of one view (samples, dim) and the k-means clusters of the other."""
    _, clusters = kmeans2(second, p.clusters, iter=50, minit="++", rng=rng)
    sigma = p.medians * median_distance(first)
    found = diffusion_spectral_mutual_information(first, clusters, rng, sigma, p.times, p.subsets)
    return np.asarray(found.value) / BIT


def mine(case: Case[Params], first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """MINE in nats of every cell (seed, mixing, noise), all trained together."""
    from pesin.entropy.critics import critic_information

    how = case.params.entropy.dependence.mine.model_dump()
    x, y = (v.reshape(-1, *v.shape[-2:]) for v in (first, second))
    return critic_information(x, y, case.rng("mine"), device=case.device, **how).reshape(first.shape[:3])
