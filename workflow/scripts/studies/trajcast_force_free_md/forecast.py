"""One-step errors, roll-outs with and without a thermostat, and what they make of structure, motion and energy."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.stats import chi2, kstest

from pesin.integrate.symplectic import leapfrog
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from pesin.systems.lennard_jones import lennard_jones, radial_distribution
from studies.trajcast_force_free_md.network import World, big_step
from studies.trajcast_force_free_md.params import Params
from studies.trajcast_force_free_md.rollout import (
    Paths,
    autocorrelation,
    density_of_states,
    first_above,
    frequencies,
    median_frequency,
    networks_of,
    roll_out,
    spread,
)
from studies.trajcast_force_free_md.simulate import force
from studies.trajcast_force_free_md.thermostat import berendsen, csvr, freedom, temperature
from studies.trajcast_force_free_md.train import arms

SCANNED = 3
"""Held-out states from which roll-outs of other horizons start."""
KEPT = 4
"""Every how many-th frame of the roll-outs goes into the file, and into g(r)."""
FOLLOWED, UNGUIDED = 100, 50
"""Big steps, at most, of the roll-outs without a thermostat: all, and those with and without the projection."""
NONE = f"{DIVERGED}, or a horizon that isn't rolled out"
STATED = ("seed", "replica", "frame")
DRAWN = 400
"""Values in the parity plots."""


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """Scores by arm, seed and replica; names of dimensions as in the module's constants."""
    params = case.params
    variables = one_step(case, data, trained)
    world = World.of(data["held_out"].to_dataset(), params, params.simulate.cells, case.device)
    paths = {stride: guided(case, data, trained, world, stride) for stride in params.forecast.rolled}
    main = paths[params.simulate.stride]
    reference = data["reference"].to_dataset()
    variables |= stability(case, reference, paths, variables)
    variables |= structure(case, reference, main)
    variables |= motion(case, reference, main)
    variables |= energies(case, reference, main)
    if "alone" in params.forecast.parts:
        variables |= alone(case, data, trained, world)
    if "large" in params.forecast.parts:
        variables |= transferred(case, data, trained)
    variables |= verlet(case, data, reference, variables["largest"][1])
    box = params.simulate.cells * params.simulate.constant
    edges = np.linspace(params.forecast.closest, box / 2, params.forecast.bins + 1)
    dt = params.simulate.dt * params.simulate.stride
    coordinates = {
        "stride": params.train.strides,
        "pairs": params.train.pairs,
        "seed": np.arange(params.train.seeds),
        "r": (edges[1:] + edges[:-1]) / 2,
        "lag": dt * np.arange(params.forecast.lags),
        "omega": frequencies(dt),
        "frame": np.arange(params.simulate.frames + 1),
        "unit": ["displacement", "kick"],
    }
    return xr.Dataset(variables, coordinates)


def one_step(case: Case[Params], data: Any, trained: Any) -> dict[str, Any]:
    """R^2 of what ballistic motion leaves, on held-out pairs, for each horizon and number of pairs."""
    params, group = case.params, data["held_out"].to_dataset()
    x, v = (group[key].values for key in ("position", "velocity"))
    world = World.of(group, params, params.simulate.cells, case.device)
    stride, most = params.simulate.stride, params.train.pairs[-1]
    scores = {}
    for arm in arms(params):
        ahead = arm[0] // params.simulate.every
        last = x.shape[1] - ahead
        places = case.rng(f"scored {arm[0]}").permutation(len(x) * last)[: params.forecast.scored]
        replica, frame = np.unravel_index(places, (len(x), last))
        made = networks_of(params, trained, *arm, params.forecast.networks, case.device)
        with torch.no_grad():
            place, pace = (
                torch.as_tensor(a[replica, frame], device=case.device).expand(params.train.seeds, -1, -1, -1)
                for a in (x, v)
            )
            found = [a.numpy(force=True) for a in big_step(made[0], world, made[1], place, pace)]
        straight = x[replica, frame] + arm[0] * params.simulate.dt * v[replica, frame]
        truth = x[replica, frame + ahead] - straight, v[replica, frame + ahead] - v[replica, frame]
        guess = found[0] - straight, found[1] - v[replica, frame]
        r2 = [1 - ((g - t) ** 2).mean((1, 2, 3)) / (t**2).mean() for g, t in zip(guess, truth, strict=True)]
        scores[arm] = np.stack(r2)
        if arm == (stride, most):
            shown = [np.stack([t.ravel()[:DRAWN], g[0].ravel()[:DRAWN]]) for g, t in zip(guess, truth, strict=True)]
    linear = [linear_map(params, data["train"].to_dataset(), group, one) for one in params.train.strides]
    by_stride = np.stack([scores[one, most] for one in params.train.strides])
    by_pairs = np.stack([scores[stride, many] for many in params.train.pairs])
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.log10(np.maximum(1 - by_pairs.mean(1), 1e-12))
    return {
        "r2": labelled(
            ("stride", "unit", "seed"), by_stride, "one-step R2 of what ballistic motion leaves", nan=DIVERGED
        ),
        "r2_by_pairs": labelled(("pairs", "unit", "seed"), by_pairs, "the same at the main horizon", nan=DIVERGED),
        "linear_r2": labelled(("stride", "unit"), linear, "the same of a linear map, fitted by least squares"),
        "log_error": labelled(("pairs", "seed"), error, "log10 of the one-step error", nan=DIVERGED),
        "parity": labelled(
            ("unit", "side", "value"), np.stack(shown), "what ballistic motion leaves: exact, learnt", nan=DIVERGED
        ),
    }


def linear_map(params: Params, known: xr.Dataset, new: xr.Dataset, stride: int) -> list[float]:
    """R^2 on `new` of a least-squares map from displacements off the sites and velocities, fitted to `known`."""
    ahead, dt = stride // params.simulate.every, stride * params.simulate.dt

    def sides(group: xr.Dataset) -> tuple[np.ndarray, list[np.ndarray]]:
        x, v = group["position"].values - group["site"].values, group["velocity"].values
        left = x[:, ahead:] - x[:, :-ahead] - dt * v[:, :-ahead], v[:, ahead:] - v[:, :-ahead]
        before = np.concatenate([x, v], -1)[:, :-ahead]
        return before.reshape(-1, 2 * x[0, 0].size), [a.reshape(-1, x[0, 0].size) for a in left]

    (seen, wanted), (before, truth) = sides(known), sides(new)
    size = seen.std(0)
    seen, before = seen / size, before / size
    maps = [np.linalg.lstsq(seen.T @ seen, seen.T @ side, rcond=1e-5)[0] for side in wanted]
    return [1 - ((before @ m - t) ** 2).mean() / (t**2).mean() for m, t in zip(maps, truth, strict=True)]


def guided(case: Case[Params], data: Any, trained: Any, world: World, stride: int) -> Paths:
    """Roll-outs under the thermostat, which relaxes in the same time at each horizon."""
    params = case.params
    many = None if stride == params.simulate.stride else SCANNED
    x, v = starts(data, "held_out", many)
    made = networks_of(params, trained, stride, None, params.forecast.networks, case.device)
    relax = params.simulate.relax * params.simulate.stride / stride
    return roll_out(made, world, x, v, params.simulate.frames, thermostat(case, f"{stride}", x.shape[1], relax))


def starts(data: Any, group: str, many: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """First states of a group: (replica, atom, xyz) twice."""
    return data[group]["position"].values[:many, 0], data[group]["velocity"].values[:many, 0]


def thermostat(case: Case[Params], stream: str, atoms: int, relax: float):
    """Temperatures -> factors of the velocities."""
    target = case.params.simulate.temperature
    if case.params.forecast.thermostat == "berendsen":
        return partial(berendsen, target=target, relax=relax)
    rng = case.rng(f"thermostat {stream}")
    return lambda now: csvr(rng, now, target, freedom(atoms), relax)


def stability(case: Case[Params], reference: xr.Dataset, paths: dict[int, Paths], scores: dict) -> dict[str, Any]:
    """Whether all copies stay finite; temperature and spread about the sites over what they should be; C2's horizon."""
    params, mass = case.params, reference["mass"].values
    site, target = reference["site"].values, params.simulate.temperature
    exact = spread(reference["position"].values, site).mean()
    alive, warm, wide = np.full((3, len(params.train.strides), params.train.seeds), np.nan)
    for stride, (x, v) in paths.items():
        i = params.train.strides.index(stride)
        alive[i] = np.isfinite(x).all((2, 3, 4)).mean(1)
        warm[i] = temperature(v, mass).mean((1, 2)) / target
        wide[i] = spread(x, site).mean((1, 2)) / exact
    x, v = paths[params.simulate.stride]
    wanted = params.forecast.holds
    fine = (alive == 1) & (scores["r2"][1][:, 1] > wanted.r2)
    fine = fine & (abs(warm - 1) < wanted.temperature) & (abs(wide - 1) < wanted.spread)
    largest = np.where(fine, np.array(params.train.strides)[:, None], 0).max(0)
    by = ("stride", "seed")
    return {
        "alive": labelled(by, alive, "share of roll-outs that stay finite", nan=NONE),
        "temperature_ratio": labelled(by, warm, "temperature over the target's", nan=NONE),
        "spread_ratio": labelled(by, wide, "mean squared displacement over that of MD", nan=NONE),
        "holds": labelled(by, fine.astype(float), "whether roll-outs hold at this horizon"),
        "largest": labelled("seed", largest, "largest horizon that holds, in MD steps"),
        "warmth": labelled(STATED, temperature(v, mass), "temperature", "epsilon", nan=DIVERGED),
        "spread": labelled(STATED, spread(x, site), "mean squared displacement", "sigma^2", nan=DIVERGED),
        "exact_spread": labelled((), exact, "mean squared displacement in MD", "sigma^2"),
        "kept": labelled(
            ("seed", "replica", "kept_frame", "atom", "xyz"), x[:, :, ::KEPT], "position", "sigma", nan=DIVERGED
        ),
    }


def structure(case: Case[Params], reference: xr.Dataset, main: Paths) -> dict[str, Any]:
    """g(r) of each seed and of MD, and their L1 distance over the integral of MD's."""
    params = case.params
    box = params.simulate.cells * params.simulate.constant
    edges = np.linspace(params.forecast.closest, box / 2, params.forecast.bins + 1)
    exact = reference["position"].values[:, ::KEPT]
    half = len(exact) // 2
    g = np.stack([radial_distribution(x[:, ::KEPT], box, edges) for x in main[0]])
    whole, one, other = (radial_distribution(x, box, edges) for x in (exact, exact[:half], exact[half:]))
    total = whole.sum()
    return {
        "g": labelled(("seed", "r"), g, "radial distribution of the networks' atoms", nan=DIVERGED),
        "exact_g": labelled("r", whole, "radial distribution in MD"),
        "g_distance": labelled("seed", abs(g - whole).sum(1) / total, "L1 distance of g(r) from MD's", nan=DIVERGED),
        "g_floor": labelled((), abs(one - other).sum() / total, "the same between halves of MD"),
    }


def motion(case: Case[Params], reference: xr.Dataset, main: Paths) -> dict[str, Any]:
    """Velocity autocorrelation and density of states of each seed and of MD, sampled alike."""
    params, lags = case.params, case.params.forecast.lags
    dt = params.simulate.dt * params.simulate.stride
    exact = reference["velocity"].values
    half = len(exact) // 2
    found, whole = autocorrelation(main[1], lags), autocorrelation(exact, lags)
    one, other = autocorrelation(exact[:half], lags), autocorrelation(exact[half:], lags)
    density, exact_density = density_of_states(found, dt), density_of_states(whole, dt)
    return {
        "vacf": labelled(("seed", "lag"), found, "velocity autocorrelation of the networks", nan=DIVERGED),
        "exact_vacf": labelled("lag", whole, "velocity autocorrelation in MD"),
        "vacf_error": labelled(
            "seed", np.sqrt(((found - whole) ** 2).mean(1)), "rms error of the autocorrelation", nan=DIVERGED
        ),
        "vacf_floor": labelled((), np.sqrt(((one - other) ** 2).mean()), "the same between halves of MD"),
        "vdos": labelled(("seed", "omega"), density, "density of states of the networks", nan=DIVERGED),
        "exact_vdos": labelled("omega", exact_density, "density of states in MD"),
        "frequency_ratio": labelled(
            "seed",
            median_frequency(density, dt) / median_frequency(exact_density, dt),
            "median frequency over that of MD",
            nan=DIVERGED,
        ),
    }


def energies(case: Case[Params], reference: xr.Dataset, main: Paths) -> dict[str, Any]:
    """Kinetic energies against the canonical law, potential ones against MD."""
    params, atoms = case.params, len(reference["mass"])
    warm = temperature(main[1], reference["mass"].values).reshape(params.train.seeds, -1)
    exact = temperature(reference["velocity"].values, reference["mass"].values)
    degrees, target = freedom(atoms), params.simulate.temperature
    law = chi2(degrees).cdf
    bad = ~np.isfinite(warm).all(1)
    distance = [np.nan if b else kstest(degrees * w / target, law).statistic for b, w in zip(bad, warm, strict=True)]
    box = params.simulate.cells * params.simulate.constant
    potential = lennard_jones(main[0], box, params.simulate.cutoff)[1]
    rest = lennard_jones(reference["site"].values, box, params.simulate.cutoff)[1]
    mean, exact_mean = potential.mean((1, 2)), float(reference["potential"].mean())
    canonical = 2 * target**2 / degrees
    return {
        "kinetic_distance": labelled("seed", distance, "KS distance of kinetic energies from the law", nan=DIVERGED),
        "kinetic_floor": labelled((), kstest(degrees * exact.ravel() / target, law).statistic, "the same of MD"),
        "kinetic_spread": labelled(
            "seed", warm.var(1) / canonical, "variance of the kinetic energy over the law's", nan=DIVERGED
        ),
        "exact_kinetic_spread": labelled((), exact.var() / canonical, "the same of MD"),
        "potential_ratio": labelled("seed", mean / exact_mean, "mean potential energy over that of MD", nan=DIVERGED),
        "thermal_ratio": labelled(
            "seed", (mean - rest) / (exact_mean - rest), "the same, less that of the crystal at rest", nan=DIVERGED
        ),
    }


def alone(case: Case[Params], data: Any, trained: Any, world: World) -> dict[str, Any]:
    """Without a thermostat: how long the exact trajectory is followed, drifts, and the momentum with no projection."""
    params, group = case.params, data["held_out"].to_dataset()
    every = params.simulate.stride // params.simulate.every
    exact, site = group["position"].values[:, ::every][:, : FOLLOWED + 1], group["site"].values
    made = networks_of(params, trained, params.simulate.stride, None, params.forecast.networks, case.device)
    x, v = roll_out(made, world, *starts(data, "held_out"), exact.shape[1] - 1)
    size = spread(exact, site).mean()
    apart = np.sqrt(((x - exact) ** 2).sum(-1).mean(-1) / size)
    mass = group["mass"].values
    box = params.simulate.cells * params.simulate.constant
    ends = x[:, :, [0, -1]], v[:, :, [0, -1]]
    total = 0.5 * (mass[:, None] * ends[1] ** 2).sum((-1, -2))
    total = total + lennard_jones(ends[0], box, params.simulate.cutoff)[1]
    drift = (total[..., 1] - total[..., 0]) / (x.shape[2] - 1)
    drift = drift / (freedom(len(mass)) * params.simulate.temperature)
    momentum, unguided = [], min(UNGUIDED, exact.shape[1] - 1)
    for conserve in (True, False):
        pace = roll_out(made, world, *starts(data, "held_out", SCANNED), unguided, None, conserve)[1][:, :, -1]
        momentum.append(np.sqrt((pace.mean(-2) ** 2).sum(-1)).mean(1))
    return {
        "followed": labelled(
            ("seed", "replica"), first_above(apart, params.forecast.tolerance), "big steps till the trajectory is lost"
        ),
        "apart": labelled(
            ("seed", "replica", "free_frame"), apart, "distance from MD over the atoms' spread", nan=DIVERGED
        ),
        "drift": labelled(
            ("seed", "replica"), drift, "energy gained in a big step, over the thermal energy", nan=DIVERGED
        ),
        "momentum": labelled(
            ("projection", "seed"), np.stack(momentum), "momentum of an atom", "sqrt(m epsilon)", nan=DIVERGED
        ),
    }


def transferred(case: Case[Params], data: Any, trained: Any) -> dict[str, Any]:
    """The same networks on the larger crystal, under the thermostat."""
    params, group = case.params, data["large"].to_dataset()
    world = World.of(group, params, params.simulate.large, case.device)
    made = networks_of(params, trained, params.simulate.stride, None, params.forecast.networks, case.device)
    warm = thermostat(case, "large", len(group["mass"]), params.simulate.relax)
    x, v = roll_out(made, world, *starts(data, "large"), params.simulate.large_frames, warm)
    site, mass = group["site"].values, group["mass"].values
    exact = spread(group["position"].values, site).mean()
    found = spread(x, site)
    return {
        "large_alive": labelled(
            "seed", np.isfinite(x).all((2, 3, 4)).mean(1), "share of large roll-outs that stay finite"
        ),
        "large_temperature_ratio": labelled(
            "seed",
            temperature(v, mass).mean((1, 2)) / params.simulate.temperature,
            "temperature over the target's, larger crystal",
            nan=DIVERGED,
        ),
        "large_spread_ratio": labelled(
            "seed",
            found.mean((1, 2)) / exact,
            "mean squared displacement over that of MD, larger crystal",
            nan=DIVERGED,
        ),
        "large_spread": labelled(
            ("seed", "large_replica", "large_frame"), found, "mean squared displacement", "sigma^2", nan=DIVERGED
        ),
        "exact_large_spread": labelled((), exact, "mean squared displacement in MD", "sigma^2"),
    }


def verlet(case: Case[Params], data: Any, reference: xr.Dataset, largest: np.ndarray) -> dict[str, Any]:
    """Verlet's method with the networks' big steps and the true forces, from the same states, with the same thermostat.

    `largest` is the horizon at which each seed's networks hold: how far that is beyond Verlet's.
    """
    params, mass, site = case.params, reference["mass"].values, reference["site"].values
    pull, exact = force(params.simulate, params.simulate.cells), spread(reference["position"].values, site).mean()
    target, wanted, found, longest = params.simulate.temperature, params.forecast.holds, [], 0
    for stride in range(params.simulate.every, params.train.strides[-1] + 1, params.simulate.every):
        x, v = (a.astype(float) for a in starts(data, "held_out"))
        warm = thermostat(case, f"verlet {stride}", len(mass), params.simulate.relax * params.simulate.stride / stride)
        seen = []
        with np.errstate(all="ignore"):
            for _ in range(params.simulate.frames):
                x, v = (a[-1] for a in leapfrog(pull, x, v, stride * params.simulate.dt, 1))
                v *= warm(temperature(v, mass))[:, None, None]
                seen.append([temperature(v, mass).mean() / target, spread(x, site).mean() / exact])
            ratios = np.mean(seen, 0)
        ratios = np.where(ratios < 1e6, ratios, np.nan)
        if stride in params.train.strides:
            found.append(ratios)
        if abs(ratios[0] - 1) < wanted.temperature and abs(ratios[1] - 1) < wanted.spread:
            longest = stride
    return {
        "verlet": labelled(
            ("stride", "what"), found, "temperature and spread by Verlet's method over those of MD", nan=DIVERGED
        ),
        "beyond_verlet": labelled("seed", largest - longest, "largest horizon that holds, less Verlet's, in MD steps"),
    }
