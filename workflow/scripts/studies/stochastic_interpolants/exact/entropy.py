"""What comes out of exact and of slightly wrong fields: divergences, marginals, residuals and bounds, on the line."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import ndtr

from pesin.models.bridges import Interpolant
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.mixtures import Mixture, bridged
from studies.stochastic_interpolants.exact.closed import coupling_errors, form_errors
from studies.stochastic_interpolants.exact.params import Arm, Entropy, Params
from studies.stochastic_interpolants.worlds import LINE, World

MISSING = {"bound": "no bound without noise", "predicted_noise": "a field without error"}
FAR, FINE = 9.0, 100  # the line as far as anything gets, and nodes per unit length of the tables of fields
GRID = np.arange(int(2 * FAR * FINE) + 1) / FINE - FAR
WAVES = 3.0  # of the errors, per unit length


def entropy(case: Case[Params]) -> xr.Dataset:
    """Return divergences of sampled from true laws, distances of marginals, residuals, bounds and closed forms."""
    params, law = case.params.entropy, _sampled(case)
    forms, couplings = form_errors(params.score, case.rng("forms")), coupling_errors(params)
    found: dict[str, tuple] = _bounds(params) | {
        "kl": (("arm", "noise", "seed"), law["kl"], "KL of the sampled law from the target", "nat"),
        "excess": (
            ("arm", "noise", "seed"),
            law["kl"] - law["kl"][params.run.index("exact")],
            "KL above that of exact fields",
            "nat",
        ),
        "w1": (("arm", "noise", "time", "seed"), law["w1"], "W1 of the marginal to the exact one"),
        "histogram": (("arm", "noise", "time", "x"), law["histogram"], "density of the samples, first seed"),
        "density": (("arm", "time", "x"), law["density"], "exact density"),
        "paths": (("arm", "noise", "step", "path"), law["paths"], "some paths"),
        "residual": (("arm", "noise", "inside"), _residuals(params), "residual over the largest rate of the density"),
        "form_error": ("form", list(forms.values()), "largest difference of two ways to the same"),
        "coupling": (("diffusion", "source"), couplings, "covariance of the ends"),
        "coupling_error": ("diffusion", couplings[:, 0] / couplings[:, 1] - 1, "relative error of the covariance"),
    }
    return xr.Dataset(
        {name: labelled(*value, nan=MISSING.get(name, "")) for name, value in found.items()},
        {
            "arm": params.run,
            "noise": params.noises,
            "seed": np.arange(params.seeds),
            "time": [*params.times, 1.0],
            "inside": params.times,
            "part": ["velocity", "cross", "score"],
            "x": _cells(params)[:-1] + params.cell / 2,
            "step": law["path_times"],
            "form": list(forms),
            "diffusion": params.diffusions,
            "source": ["stationary", "known"],
        },
    )


# --------------------------------------------------------------------------------------------------------- sampling


def _sampled(case: Case[Params]) -> dict[str, np.ndarray]:
    """Euler and Maruyama of all arms and noises; all of one seed share their starts and increments.

    Paths come in pairs from one start, with increments of opposite sign, and starts are stratified: the law is the
    same, with less chance in it (antithetic variates).
    """
    params = case.params.entropy
    clock = np.linspace(params.ends, 1 - params.ends, params.steps + 1)
    kept = {int(np.argmin(abs(clock - t))): place for place, t in enumerate([*params.times, 1.0])}
    shown = np.unique(np.linspace(0, params.steps, 61).astype(int))
    drawn = 2 * np.linspace(0, params.samples // 2 - 1, 10)[1:-1].astype(int)
    arms = [params.arms[name] for name in params.run]
    shape, cells, seeds = (len(arms), len(params.noises)), len(_cells(params)) - 1, range(params.seeds)
    result: dict[str, np.ndarray] = {
        "kl": np.empty((*shape, params.seeds)),
        "w1": np.empty((*shape, len(kept), params.seeds)),
        "histogram": np.empty((*shape, len(kept), cells)),
        "density": np.empty((len(arms), len(kept), cells)),
        "paths": np.empty((*shape, len(shown), 8)),
        "path_times": clock[shown],
    }
    starts = [
        {name: _starts(params, world, case.rng(f"base {name} {k}")) for name, world in LINE.items()} for k in seeds
    ]
    x = np.array([[[start[arm.world]] * len(params.noises) for start in starts] for arm in arms])
    nodes = _nodes(x)
    increments = [case.rng(f"increments {k}") for k in seeds]
    for step in case.progress(range(params.steps + 1)):
        if step in shown:
            result["paths"][:, :, np.searchsorted(shown, step)] = _places(nodes[:, 0][..., drawn])
        if step in kept:
            _measure(params, arms, _places(nodes), kept[step], float(clock[step]), result)
        if step < params.steps:
            _advance(params, arms, nodes, float(clock[step]), float(clock[step + 1] - clock[step]), increments)
    return result


def _starts(params: Entropy, world: World, rng: np.random.Generator) -> np.ndarray:
    """Pairs of equal starts, one pair in each of equally probable strata of the base."""
    pairs = params.samples // 2
    levels = (np.arange(pairs) + rng.random(pairs)) / pairs
    return np.repeat(np.interp(levels, _cumulative(world.base, GRID), GRID), 2)


def _nodes(x: np.ndarray) -> np.ndarray:
    """Places in units of the table's nodes."""
    return ((x + FAR) * FINE).astype(np.float32)


def _places(nodes: np.ndarray) -> np.ndarray:
    """Undo `_nodes`."""
    return nodes / FINE - FAR


def _advance(params: Entropy, arms: list[Arm], nodes: np.ndarray, t: float, h: float, increments: list) -> None:
    """One step of all paths, shape (arms, seeds, noises, samples), in place."""
    normal = [
        np.outer(rng.standard_normal(params.samples // 2, dtype=np.float32), np.array([1, -1], np.float32)).ravel()
        for rng in increments
    ]
    for a, (velocity, score) in enumerate(_fields(params, arms, t)):
        for e, eps in enumerate(params.noises):
            level, slope = _segments(FINE * h * params.motion * (velocity + eps * score))
            size = np.float32(FINE * params.motion * np.sqrt(2 * eps * h))
            for seed, increment in enumerate(normal):
                row = nodes[a, seed, e]
                node = row.astype(np.int32)
                row += row * slope.take(node, mode="clip") + level.take(node, mode="clip")
                if size:
                    row += size * increment


def _segments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Straight lines between nodes, level + slope x place: steps in their stead would tear gaps where paths part."""
    slope = np.diff(values, append=values[-1])
    return (values - slope * np.arange(len(values))).astype(np.float32), slope.astype(np.float32)


def _fields(params: Entropy, arms: list[Arm], t: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Velocity and score that each arm's samples follow, at the nodes."""
    exact = {arm.bridge: LINE[arm.world].fields(_interpolant(arm), GRID[:, None], t) for arm in arms}
    found = []
    for arm in arms:
        (velocity, score), (db, ds) = exact[arm.bridge], _errors(params, arm)
        found.append((velocity[:, 0] + db, params.score * (score[:, 0] + ds)))
    return found


def _errors(params: Entropy, arm: Arm) -> tuple[np.ndarray, np.ndarray]:
    """Errors of velocity and score at the nodes."""
    wave = WAVES * GRID
    return params.errors * arm.velocity_error * np.sin(wave), params.errors * arm.score_error * np.cos(wave)


def _measure(params: Entropy, arms: list[Arm], x: np.ndarray, place: int, t: float, result: dict) -> None:
    """Hold the samples of one time against the exact law."""
    cells, last = _cells(params), place == len(params.times)
    levels = (np.arange(params.samples) + 0.5) / params.samples
    for a, arm in enumerate(arms):
        law = LINE[arm.world].target if last else _law(arm, t)
        assert isinstance(law, Mixture)
        quantiles = np.interp(levels, _cumulative(law, GRID), GRID)
        mass = np.diff(_cumulative(law, cells))
        result["density"][a, place] = mass / params.cell
        for e in range(len(params.noises)):
            result["w1"][a, e, place] = abs(np.sort(x[a, :, e], -1) - quantiles).mean(-1)
            counts = np.stack([np.histogram(row, cells)[0] for row in x[a, :, e]])
            result["histogram"][a, e, place] = counts[0] / (params.samples * params.cell)
            if last:
                result["kl"][a, e] = histogram_divergence(mass, counts)


def histogram_divergence(mass: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """KL divergence in nats of what was counted from the true masses of the cells, shape (..., cells) -> (...).

    Half a count is added to each cell, so that an empty one is improbable and not impossible.
    """
    shares = (counts + 0.5) / (counts.sum(-1, keepdims=True) + counts.shape[-1] / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mass > 0, mass * np.log(mass / shares), 0).sum(-1)


def _interpolant(arm: Arm) -> Interpolant:
    return Interpolant(arm.path, arm.noise)


def _law(arm: Arm, t: float) -> Mixture:
    world = LINE[arm.world]
    assert isinstance(world.target, Mixture)
    return bridged(world.base, world.target, _interpolant(arm), t).density


def _cumulative(law: Mixture, x: np.ndarray) -> np.ndarray:
    """Distribution function of a mixture on the line."""
    return ndtr((x[:, None] - law.means[:, 0]) / np.sqrt(law.covariances[:, 0, 0])) @ law.weights


def _cells(params: Entropy) -> np.ndarray:
    """Edges of the histogram's cells."""
    return np.arange(-6, 6 + params.cell / 2, params.cell)


# ------------------------------------------------------------------------------------------ equations and bounds


def _residuals(params: Entropy) -> np.ndarray:
    """Residuals of the equation that each arm's exact density obeys, shape (arms, noises, times)."""
    bridges = {params.arms[name].bridge: params.arms[name] for name in params.run}
    found = {key: [_residual(params, arm, t) for t in params.times] for key, arm in bridges.items()}
    return np.swapaxes([found[params.arms[name].bridge] for name in params.run], 1, 2)


def _residual(params: Entropy, arm: Arm, t: float) -> list[float]:
    """Of d rho/dt + d((b + eps s) rho)/dx - eps d2 rho/dx2 = 0, over the largest |d rho/dt|, for each noise eps.

    By finite differences, of fourth order along x.
    """
    x, h, dt = np.linspace(-FAR, FAR, 3601)[:, None], 2 * FAR / 3600, 1e-5
    before, density, after = (np.exp(_law(arm, time).log_density(x)) for time in (t - dt, t, t + dt))
    rate = (after - before) / (2 * dt)
    velocity, score = (field[:, 0] for field in LINE[arm.world].fields(_interpolant(arm), x, t))
    second = np.convolve(density, np.array([-1, 16, -30, 16, -1]) / (12 * h**2), "same")
    found = []
    for eps in params.noises:
        flux = params.motion * (velocity + eps * params.score * score) * density
        first = np.convolve(flux, np.array([-1, 8, 0, -8, 1]) / (12 * h), "same")
        found.append(float(abs(rate + first - params.motion * eps * second)[4:-4].max() / abs(rate).max()))
    return found


def _bounds(params: Entropy) -> dict[str, tuple]:
    """Girsanov's bound of each arm and noise, the same for all seeds, and the noise where it is least."""
    misfit, eps = np.array([_misfit(params, params.arms[name]) for name in params.run]), np.array(params.noises)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = np.where(eps > 0, (misfit @ np.stack([eps**0, 2 * eps, eps**2])) / (4 * eps), np.nan)
        best = np.sqrt(misfit[:, 0] / misfit[:, 2])
    bounds = np.repeat(bound[..., None], params.seeds, -1)
    return {
        "bound": (("arm", "noise", "seed"), bounds, "Girsanov's bound on the divergence", "nat"),
        "predicted_noise": ("arm", best, "noise of the least bound by both losses"),
        "misfit": (("arm", "part"), misfit, "time integral of E[db db], E[db ds] and E[ds ds]"),
    }


def _misfit(params: Entropy, arm: Arm) -> list[float]:
    """Time integrals of E[db^2], E[db ds] and E[ds^2] over the exact bridge, of which the bound is made.

    KL(rho_1 || its estimate) <= int E[(db + eps ds)^2] dt / (4 eps) (the paper, on likelihood control).
    """
    db, ds = _errors(params, arm)
    if not (db.any() or ds.any()):
        return [0.0, 0.0, 0.0]
    times = np.linspace(params.ends, 1 - params.ends, 101)
    density = np.mean([np.exp(_law(arm, t).log_density(GRID[:, None])) for t in times], 0) * (GRID[1] - GRID[0])
    return [float(density @ product) for product in (db * db, db * ds, ds * ds)]
