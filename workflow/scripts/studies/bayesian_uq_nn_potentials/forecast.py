"""Free energies from the sampled networks against the exact one: errors, intervals, their coverage and width."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import stdtrit

from pesin.forecast.probabilistic import coverage, crps_gaussian
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.bayesian_uq_nn_potentials import molecule
from studies.bayesian_uq_nn_potentials.params import Params
from studies.bayesian_uq_nn_potentials.posterior import Samples, central, pooled, samples, shared, surviving

ARMS = {
    "SG-MCMC, few": ("chains", "few"),
    "SG-MCMC, middle": ("chains", "middle"),
    "SG-MCMC, many": ("chains", "many"),
    "cold, few": ("chains", "cold few"),
    "cold, middle": ("chains", "cold middle"),
    "SG-MCMC, gap": ("chains", "gap"),
    "SG-MCMC, biased": ("chains", "biased"),
    "ensemble, few": ("ensembles", "few"),
    "ensemble, middle": ("ensembles", "middle"),
    "ensemble, many": ("ensembles", "many"),
    "ensemble, gap": ("ensembles", "gap"),
    "bootstrap, middle": ("ensembles", "bootstrap"),
}
NORMAL_OF = {0.5: 0.674490, 0.8: 1.281552, 0.95: 1.959964}


def stands_for(params: Params, arm: str) -> tuple[str, str]:
    """Group and arm of the networks that are judged under a name: other ones in the controls."""
    switched = {
        "cold, few": params.forecast.cold == "warm",
        "cold, middle": params.forecast.cold == "warm",
        "SG-MCMC, biased": params.forecast.reference == "kept",
    }
    other = {
        "cold, few": "SG-MCMC, few",
        "cold, middle": "SG-MCMC, middle",
        "SG-MCMC, biased": "SG-MCMC, many",
    }
    return ARMS[other[arm] if switched.get(arm) else arm]


def found_for(case: Case[Params], trained: xr.DataTree, arm: str) -> Samples:
    """The samples of an arm; the first chain in place of all in the control."""
    group, own = stands_for(case.params, arm)
    found = samples(case.params.forecast.networks, trained, group, own)
    if case.params.forecast.chains == "own" or group == "ensembles":
        return found
    return Samples(*(np.repeat(values[:, :1], values.shape[1], 1) for values in found))


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """By arm and data set: scores of profiles and observables; the chains one by one; rules' ratios and slopes."""
    truth = data["profile"].sel(truth="molecule").values
    held = [found_for(case, trained, arm) for arm in ARMS]
    times = case.params.forecast.widths
    found = xr.concat([surviving(lambda s: of_arm(s, truth, times), one) for one in held], "arm")
    found = found.assign_coords(arm=list(ARMS), seed=data["seed"].values, angle=data["angle"].values)
    found = found.assign_coords(level=list(NORMAL_OF), observable=list(molecule.OBSERVABLES))
    at = list(ARMS).index
    biased = data["profile"].sel(truth="biased").values
    reference = truth if case.params.forecast.reference == "kept" else biased
    own = surviving(lambda s: of_arm(s, reference, times), held[at("SG-MCMC, biased")])
    found["reference_coverage"] = labelled(
        "seed", own["coverage"].values, "coverage of the reference's own profile", nan=DIVERGED
    )
    rmse, width = found["rmse"].values, found["width"].values
    sizes = ("few", "many") if case.params.forecast.ensemble == "few" else ("middle", "middle")
    ratio = rmse[at(f"ensemble, {sizes[0]}")] / rmse[at(f"SG-MCMC, {sizes[1]}")]
    found["rmse_ratio"] = labelled("seed", ratio, "error of the ensemble over that of SG-MCMC", nan=DIVERGED)
    by_size = np.stack([width[at(f"SG-MCMC, {size}")] for size in ("few", "middle", "many")], 1)
    found["width_of_n"] = labelled(("seed", "n"), by_size, "mean width of the intervals of SG-MCMC", "kT", nan=DIVERGED)
    found = found.assign_coords(n=case.params.simulate.sizes)
    found["relative_width"] = labelled(
        "seed", relative_width(held[at("SG-MCMC, middle")]), "width over that of a t interval", nan=DIVERGED
    )
    pair = held[at("SG-MCMC, middle")], held[at("cold, middle")]
    return found.merge(surviving(lambda warm, cold: chain_by_chain(warm, cold, truth), *pair))


def of_arm(found: Samples, truth: np.ndarray, times: float) -> xr.Dataset:
    """Scores of one arm, by data set; profiles are means over the networks of -ln p."""
    profiles = molecule.free_energy(pooled(found.potential))
    mean, low, high = central(profiles, times=times)
    there = np.broadcast_to(truth, mean.shape)
    deviation = np.maximum(profiles.std(1, ddof=1), 1e-9)
    populated = np.exp(-(truth - truth.min())) > 0.01
    p = molecule.density(truth)
    divergence = (p * (molecule.free_energy(mean) - truth)).sum(1)
    calibration = [coverage(mean - z * deviation, mean + z * deviation, there) for z in NORMAL_OF.values()]
    rank = [ranked_together(abs(m - truth), d) for m, d in zip(mean, deviation, strict=True)]
    asked = np.stack([of(profiles) for of in molecule.OBSERVABLES.values()], -1)  # (seeds, networks, observables)
    goal = np.array([float(of(truth)) for of in molecule.OBSERVABLES.values()])
    centre, below, above = central(asked, times=times)
    dims = ("seed", "angle")
    return xr.Dataset(
        {
            "profile": labelled(dims, mean, "free energy", "kT", nan=DIVERGED),
            "low": labelled(dims, low, "lower end of the interval", "kT", nan=DIVERGED),
            "high": labelled(dims, high, "upper end of the interval", "kT", nan=DIVERGED),
            "coverage": labelled(
                "seed", coverage(low, high, there), "share of the true profile inside the intervals", nan=DIVERGED
            ),
            "width": labelled("seed", (high - low).mean(1), "mean width of the intervals", "kT", nan=DIVERGED),
            "rmse": labelled("seed", rms(mean - truth), "error of the mean profile", "kT", nan=DIVERGED),
            "populated_rmse": labelled(
                "seed",
                rms((mean - truth)[:, populated]),
                "error where the density is above 1 % of the largest",
                "kT",
                nan=DIVERGED,
            ),
            "crps": labelled(
                "seed", crps_gaussian(mean, deviation, there), "ranked probability score", "kT", nan=DIVERGED
            ),
            "divergence": labelled(
                "seed", divergence, "divergence of the mean profile from the truth", "nat", nan=DIVERGED
            ),
            "calibration": labelled(("level", "seed"), calibration, "share inside intervals of a level", nan=DIVERGED),
            "rank_correlation": labelled("seed", rank, "rank correlation of error and deviation", nan=DIVERGED),
            "observable_error": labelled(("seed", "observable"), centre - goal, "error of an observable", nan=DIVERGED),
            "observable_inside": labelled(
                ("seed", "observable"),
                ((below <= goal) & (goal <= above)).astype(float),
                "whether it is inside",
                nan=DIVERGED,
            ),
        }
    )


def chain_by_chain(warm: Samples, cold: Samples, truth: np.ndarray) -> xr.Dataset:
    """Coverage by single chains and by as many samples of all; variances of Delta F between and within cold chains."""
    profiles = molecule.free_energy(warm.potential)
    alone = []
    for k in range(profiles.shape[1]):
        _, low, high = central(profiles[:, k])
        alone.append(coverage(low, high, np.broadcast_to(truth, low.shape)))
    _, low, high = central(shared(profiles))
    traces = molecule.difference(molecule.free_energy(cold.potential))  # (seeds, members, draws)
    between, within = traces.mean(2).var(1, ddof=1), traces.var(2, ddof=1).mean(1)
    tiny = np.finfo(float).tiny
    return xr.Dataset(
        {
            "single_coverage": labelled(
                "seed", np.mean(alone, 0), "coverage by one chain, mean over the chains", nan=DIVERGED
            ),
            "shared_coverage": labelled(
                "seed",
                coverage(low, high, np.broadcast_to(truth, low.shape)),
                "coverage by as many samples of all chains",
                nan=DIVERGED,
            ),
            "log_variances": labelled(
                "seed",
                np.log(np.maximum(between, tiny)) - np.log(np.maximum(within, tiny)),
                "ln of the variance between cold chains over that within",
                nan=DIVERGED,
            ),
            "trace": labelled(
                ("seed", "chain", "draw"), traces, "difference of the basins, cold chains", "kT", nan=DIVERGED
            ),
        }
    )


def relative_width(found: Samples) -> np.ndarray:
    """Mean width of a data set's intervals over that of t intervals from the spread of the profiles over data sets."""
    profiles = molecule.free_energy(pooled(found.potential))
    mean, low, high = central(profiles)
    spread = np.nanstd(mean, 0, ddof=1)
    return (high - low).mean(1) / (2 * stdtrit(len(mean) - 1, 0.975) * spread.mean())


def ranked_together(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's correlation of two rows without ties; `scipy.stats` would cost the job half a second of imports."""
    one, other = (np.argsort(np.argsort(row)) for row in (x, y))
    return float(np.corrcoef(one, other)[0, 1])


def rms(values: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    return np.sqrt((values**2).mean(-1))
