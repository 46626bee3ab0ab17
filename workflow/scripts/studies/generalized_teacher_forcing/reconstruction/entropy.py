"""Is the attractor rebuilt? Divergence in state space, spectra, Lyapunov exponents."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.forecast.attractor import (
    block_bootstrap_divergence,
    hellinger_distance,
    mixture_divergence,
    power_spectrum,
    state_space_divergence,
)
from pesin.integrate.lyapunov import kaplan_yorke_dimension, lyapunov_spectrum, map_orbit_jacobians
from pesin.models import shplrnn
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.generalized_teacher_forcing.reconstruction.models import (
    NO_EXPONENT,
    best_alpha,
    by_method,
    choose_alpha,
    forecasters,
    shplrnn_weights,
)
from studies.generalized_teacher_forcing.reconstruction.params import Params, Parts

GRID_DIMS = 5  # up to here D_stsp is computed on a grid, above with Gaussian mixtures
LISTEN = 100  # observed steps before a free run
SAMPLE = 3000  # points of the orbits kept for figures
SMOOTHING = 20.0  # of the spectra kept for figures, in frequency bins
LOST = "a free run that diverged"


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Score the free runs of all forecasters."""
    levels = [_score_noise_level(case, data, trained, level) for level in range(data.sizes["noise"])]
    return xr.concat(levels, dim="noise").assign_coords(noise=data.noise)


def _score_noise_level(case: Case[Params], data, trained, level) -> xr.Dataset:
    """All scores of one noise level."""
    true, dt = data.test.values, float(data.dt)
    # Each forecaster listens to the end of the training orbit and then runs freely, as long as the test orbit.
    history = data.observed.values[level][None, -LISTEN:]
    orbits = {name: run(history, len(true))[:, 0] for name, run in forecasters(trained, level, dt).items()}
    orbits["true_orbit"] = data.reference.values
    resting = np.median(data.observed.values[level], axis=0)
    orbits["constant"] = np.broadcast_to(resting, (1, *true.shape))
    exponents = _exponents(
        shplrnn_weights(trained, level), orbits["shplrnn"][:, : case.params.entropy.exponent_steps], dt
    )
    divergences = {name: _divergence(case, true, orbit) for name, orbit in orbits.items()}
    distances = {name: hellinger_distance(true, orbit) for name, orbit in orbits.items()}
    time, unless = data.dt.attrs["units"], f"{LOST}, or a model whose Jacobians aren't taken"
    scores = {
        # On the grid a run that diverged scores like one that left; between mixtures it is infinitely far.
        "d_stsp": (divergences, "state-space divergence D_stsp", "nat", "" if true.shape[1] <= GRID_DIMS else LOST),
        "d_hellinger": (distances, "Hellinger distance D_H", "1", ""),
        "lyapunov_exponent": (
            _net_alone(exponents[:, 0], orbits), "largest Lyapunov exponent", f"nat/{time}", unless
        ),
        "kaplan_yorke_dimension": (
            _net_alone(kaplan_yorke_dimension(exponents), orbits), "Kaplan-Yorke dimension", "1", unless
        ),
    }  # fmt: skip
    forcings, parts = list(trained.forcing.values.astype(str)), case.params.entropy.parts
    result, best = tabulate(scores, forcings, trained.alpha.values, data.seed.values, parts)
    alphas, seeds = result.sizes["alpha"], result.sizes["seed"]
    # First seed's free runs, to be looked at.
    first = orbits["shplrnn"].reshape(-1, seeds, *true.shape)[:, 0]
    shown = {"weakest": first[0], "best": first[best], "full": first[alphas - 1]}
    result["balance_alpha"] = labelled(
        (),
        1 - np.exp(-float(data.lyapunov_true) * dt),
        "alpha that balances the growth of a small error, 1 - exp(-lambda_1 dt)",
        nan=NO_EXPONENT,
    )
    return xr.merge([result, _for_figures(true, shown, dt, time), _bootstrap(case, true, first[:alphas], result.alpha)])


def tabulate(
    scores: dict, forcings: list[str], alphas: np.ndarray, seeds: np.ndarray, parts: Parts
) -> tuple[xr.Dataset, int]:
    """Lay out all scores by alpha and by method; the alpha of `gtf` is chosen by D_stsp on the other seeds.

    Also return the index of the alpha that is best over all seeds.

    Parameters
    ----------
    scores
        variable -> ({model: (runs,)}, name, units, what a missing value stands for); the runs of the shPLRNN are
        forcing x seed.
    forcings, alphas, seeds
        Names of all forcings, the constant ones (these come first), and the seeds.
    parts
        Which forcings play the parts of gtf and agtf.
    """
    divergence, _, _, lost = scores["d_stsp"]
    swept = divergence["shplrnn"].reshape(len(forcings), len(seeds))[: len(alphas)]
    chosen, best = choose_alpha(swept, alphas), best_alpha(swept, alphas)
    result = xr.Dataset(coords={"alpha": alphas, "seed": seeds})
    for name, (values, said, units, missing) in scores.items():
        net = values["shplrnn"].reshape(len(forcings), len(seeds))[: len(alphas)]
        methods = by_method(forcings, values, chosen, parts)
        result = result.assign_coords({"method": list(methods)})
        result[name] = labelled(("alpha", "seed"), net, f"{said}, by constant alpha", units, nan=missing)
        stacked = np.stack(list(methods.values()))
        result[f"method_{name}"] = labelled(("method", "seed"), stacked, f"{said}, by method", units, nan=missing)
    by_seed = {name: result.method_d_stsp.sel({"method": name}).values for name in ("gtf", "full_tf")}
    excess, said = by_seed["full_tf"] - by_seed["gtf"], "D_stsp of full forcing minus that of the chosen alpha"
    result["full_tf_excess"] = labelled("seed", excess, said, "nat", nan=lost)
    result["chosen_alpha"] = labelled("seed", alphas[chosen], "alpha with the smallest median D_stsp of other seeds")
    result["best_alpha"] = labelled((), alphas[best], "alpha with the smallest median D_stsp of all seeds")
    result["best_d_stsp"] = labelled("seed", swept[best], "D_stsp at the best alpha of all seeds", "nat", nan=lost)
    return result, best


def _net_alone(values, orbits) -> dict[str, np.ndarray]:
    """Values of the shPLRNN, NaN for all other models (they have no Jacobians here)."""
    return {name: values if name == "shplrnn" else np.full(len(orbit), np.nan) for name, orbit in orbits.items()}


def _divergence(case: Case[Params], true, orbits):
    if true.shape[1] <= GRID_DIMS:
        return state_space_divergence(true, orbits, case.params.entropy.bins)
    return mixture_divergence(true, orbits, case.rng("mixture"))


def _exponents(weights, orbits, dt):
    """Lyapunov spectra (runs, dim) of the trained maps; NaN for a run that isn't finite."""

    def jacobian(states):
        return shplrnn.jacobian(weights, torch.as_tensor(states)).numpy()

    return lyapunov_spectrum(map_orbit_jacobians(jacobian, orbits), dt, skip=orbits.shape[1] // 10)


def _for_figures(true, pictures, dt, time: str) -> xr.Dataset:
    """Short pieces of the true orbit and of the first seed's free runs, and their spectra."""
    orbits = {"true": true} | pictures
    spectra = np.stack([power_spectrum(orbit, SMOOTHING)[:, 0] for orbit in orbits.values()])
    frequency = np.fft.rfftfreq(len(true), dt)
    thin = slice(None, None, max(1, len(frequency) // 2000))
    pieces = np.stack([orbit[-SAMPLE:] for orbit in orbits.values()])
    return xr.Dataset(
        {
            "orbit": labelled(
                ("shown", "step", "dim"), np.clip(pieces, -1e6, 1e6), "last states, standardised", nan=LOST
            ),
            "spectrum": labelled(
                ("shown", "frequency"),
                spectra[:, thin] / (frequency[1] - frequency[0]),
                "power spectral density of the first dimension",
                time,
                nan=f"{LOST} or came to rest",
            ),
        },
        {"shown": list(orbits), "frequency": frequency[thin]},
    )


def _bootstrap(case: Case[Params], true, orbits, alphas) -> xr.Dataset:
    """Interval of D_stsp of one free run of each constant alpha, over blocks of it (beyond the paper)."""
    p = case.params.entropy
    intervals = [np.full(2, np.nan)] * len(orbits)
    if true.shape[1] <= GRID_DIMS:
        rng = case.rng("bootstrap")
        intervals = [block_bootstrap_divergence(true, o, rng, p.blocks, p.resamples, p.bins) for o in orbits]
    said, missing = "95 % interval of D_stsp of the first seed, from blocks of its orbit", "D_stsp without a grid"
    return xr.Dataset(
        {"d_stsp_interval": labelled(("alpha", "end"), intervals, said, "nat", nan=missing)},
        {"alpha": alphas.values, "end": ["low", "high"]},
    )
