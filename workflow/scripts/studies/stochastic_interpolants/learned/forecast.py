"""Samples of the ODE and of SDEs by learned or exact fields, and their distance from the target."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import xarray as xr

from pesin.entropy.neighbours import kl_divergence
from pesin.integrate.steppers import follow, follow_sde, last
from pesin.stats.transport import wasserstein2
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from pesin.systems.mixtures import Mixture
from studies.stochastic_interpolants.learned.networks import Fields, bridge
from studies.stochastic_interpolants.learned.params import Forecast, Params, World
from studies.stochastic_interpolants.worlds import PLANE
from studies.stochastic_interpolants.worlds import World as Pair

Flow = Callable[[np.ndarray, float], np.ndarray]
Both = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]
SHOWN = 800  # samples that are kept for figures


def forecast(case: Case[Params], trained: xr.DataTree) -> xr.DataTree:
    """Return a group for each world: divergences by noise and half, their choice, and other distances."""
    return xr.DataTree.from_dict({name: _world(case, name, trained) for name in case.params.forecast.worlds})


def _world(case: Case[Params], name: World, trained: xr.DataTree) -> xr.Dataset:
    params, seeds, world = case.params.forecast, case.params.train.seeds, PLANE[name]
    fields, samples = Fields(trained[name].to_dataset(), case.params.train), params.samples[name]
    starts = world.base.sample(case.rng(f"base {name}"), seeds * 2 * samples).reshape(seeds, 2 * samples, 2)
    truth = world.target.sample(case.rng(f"target {name}"), seeds * params.truths).reshape(seeds, params.truths, 2)
    velocity: Flow = partial(fields.field, "velocity")
    both: Both = fields.both
    if params.fields == "exact":
        both = partial(world.fields, bridge(case.params.train))
        velocity = lambda x, t: both(x, t)[0]  # noqa: E731
    starts = starts.astype(np.float32)  # as the networks are
    clouds = _clouds(params, velocity, both, starts, case.rng(f"increments {name}"))
    kl = _divergences(params, truth, clouds)
    found: dict[str, tuple] = {
        "kl": (("half", "noise", "seed"), kl, "KL of the samples' law from the target, k-NN", "nat")
    }
    found |= _choice(params, kl) | _others(params, world, truth, clouds)
    rng = case.rng(f"normal {name}")
    spread = np.stack([rng.multivariate_normal(x.mean(0), np.cov(x.T), 2 * samples) for x in truth])
    again = world.target.sample(rng, seeds * 2 * samples).reshape(seeds, 2 * samples, 2)
    normal, floor = _divergences(params, truth, np.stack([spread, again]))[1]
    found["kl_normal"] = ("seed", normal, "KL of the normal law of the target's mean and covariance, k-NN", "nat")
    found["kl_floor"] = ("seed", floor, "KL of other true samples, k-NN: the estimator's bias", "nat")
    coordinates = {"seed": np.arange(seeds), "noise": params.noises, "half": ["choosing", "measuring"]}
    if params.fields == "learned":
        others, methods = _methods(params, fields, starts, truth)
        found |= others | _likelihood(case, world, fields, name)
        coordinates["method"] = methods
    return xr.Dataset({key: labelled(*value, nan=DIVERGED) for key, value in found.items()}, coordinates)


def _clock(params: Forecast) -> np.ndarray:
    """Times of the steps, denser at both ends, where the bridge's noise is small and its score large: sin^2."""
    return params.ends + (1 - 2 * params.ends) * np.sin(np.linspace(0, np.pi / 2, params.steps + 1)) ** 2


def _clouds(params: Forecast, velocity: Flow, both: Both, starts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ends of the ODE (Heun) and of SDEs (Euler and Maruyama), shape (noises, seeds, samples, 2).

    All noises share starts and increments, so that their differences are paired.
    """
    eps = np.array(params.noises[1:], np.float32)[:, None, None]
    clock, seeds = _clock(params), len(starts)

    def drift(x: np.ndarray, t: float) -> np.ndarray:
        b, s = both(x, t)
        return b + eps * s

    def draw(x: np.ndarray) -> np.ndarray:
        return np.sqrt(2 * eps) * rng.standard_normal((seeds, 1, *x.shape[-2:]), np.float32)

    noisy = np.repeat(starts[:, None], len(eps), 1)
    ends = last(follow_sde(drift, lambda t: 1.0, noisy, clock, draw))
    return np.concatenate([last(follow(velocity, starts, clock, "heun"))[None], np.moveaxis(ends, 1, 0)])


def _divergences(params: Forecast, truth: np.ndarray, clouds: np.ndarray) -> np.ndarray:
    """k-NN divergence of each half of each cloud from its seed's true sample, shape (halves, clouds, seeds)."""

    def one(x: np.ndarray, y: np.ndarray) -> float:
        return float(kl_divergence(x, y, params.neighbours, "euclidean").value) if np.isfinite(y).all() else np.nan

    halves = np.split(clouds, 2, axis=2)
    return np.array([[[one(x, y) for x, y in zip(truth, cloud, strict=True)] for cloud in half] for half in halves])


def _choice(params: Forecast, kl: np.ndarray) -> dict:
    """The noise of the least divergence on one half, and the divergence there on the other."""
    best = np.where(np.isfinite(kl[0]), kl[0], np.inf).argmin(0)
    chosen = np.take_along_axis(kl[1], best[None], 0)[0]
    inside = (best > 0) & (best < len(params.noises) - 1)
    return {
        "chosen_noise": ("seed", np.array(params.noises)[best], "noise of the least divergence on the choosing half"),
        "kl_chosen": ("seed", chosen, "KL at the chosen noise, on the measuring half", "nat"),
        "interior": ("seed", inside.astype(int), "whether the chosen noise is neither the least nor the largest"),
    }


def _others(params: Forecast, world: Pair, truth: np.ndarray, clouds: np.ndarray) -> dict:
    """W2 with its floor, chi squared of how often each part of the target is reached, and some samples."""
    few = slice(params.assigned)

    def distance(x: np.ndarray, y: np.ndarray) -> float:
        return wasserstein2(x, y) if np.isfinite(x).all() else np.nan

    w2 = [[distance(x[few], y[few]) for x, y in zip(cloud, truth, strict=True)] for cloud in clouds]
    floor = [distance(y[-params.assigned :], y[few]) for y in truth]
    parts = len(world.anchors)
    apart = ((clouds[..., None, :] - world.anchors) ** 2).sum(-1)
    counts = (apart.argmin(-1)[..., None] == np.arange(parts)).sum(-2)
    expected = counts.sum(-1, keepdims=True) / parts
    chi = ((counts - expected) ** 2 / expected).sum(-1) / (parts - 1)
    return {
        "w2": (("noise", "seed"), np.array(w2), "2-Wasserstein distance to the target"),
        "w2_floor": ("seed", np.array(floor), "2-Wasserstein distance of two true samples"),
        "occupancy": (("noise", "seed"), chi, "chi squared of the shares of the parts, per degree of freedom"),
        "cloud": (("noise", "sample", "axis"), clouds[:, 0, :SHOWN], "samples of the first seed"),
    }


def _methods(params: Forecast, fields: Fields, starts: np.ndarray, truth: np.ndarray) -> tuple[dict, list[str]]:
    """Other ODEs on the same starts: Euler with half the calls, and the baselines with as many as all the others."""
    clock = _clock(params)
    ends = {"ode_half_calls": last(follow(partial(fields.field, "velocity"), starts, clock, "euler"))}
    for model in fields.baselines:
        ends[model] = last(follow(partial(fields.field, model), starts, clock, "heun"))
    kl = _divergences(params, truth, np.stack(list(ends.values())))[1]
    return {"kl_method": (("method", "seed"), kl, "KL of other ODEs, k-NN, measuring half", "nat")}, list(ends)


def _likelihood(case: Case[Params], world: Pair, fields: Fields, name: str) -> dict:
    """Negative log-likelihood of held-out points by the ODE back in time, and the divergence that it makes."""
    params, seeds = case.params.forecast, case.params.train.seeds
    x = world.target.sample(case.rng(f"held out {name}"), params.held_out)

    def field(state: np.ndarray, t: float) -> np.ndarray:
        value, spread = fields.divergence("velocity", state[..., :2], t)
        return np.concatenate([value, spread[..., None]], -1)

    state = np.concatenate([np.tile(x, (seeds, 1, 1)), np.zeros((seeds, params.held_out, 1))], -1)
    state = last(follow(field, state, _clock(params)[::-1], "heun"))
    # The density is carried along: ln rho_1(x) = ln rho_0(x_0) - int_0^1 div b dt, and the clock runs back.
    nll = -(world.base.log_density(state[..., :2]) + state[..., 2]).mean(-1)
    target = world.target
    least = -target.log_density(x).mean() if isinstance(target, Mixture) else target.entropy
    return {
        "nll": ("seed", nll, "negative log-likelihood of held-out points, ODE", "nat"),
        "kl_likelihood": ("seed", nll - least, "KL of the ODE's law from the target, by likelihood", "nat"),
    }
