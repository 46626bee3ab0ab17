"""How far learned fields and losses lie from the exact ones along time, and what that makes of the bound."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.models.bridges import quadratic_loss, training_pairs
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.stochastic_interpolants.learned.networks import Fields, bridge
from studies.stochastic_interpolants.learned.params import Params
from studies.stochastic_interpolants.worlds import PLANE

FIELDS = ("velocity", "noise", "path", "score")


def entropy(case: Case[Params], trained: xr.DataTree) -> xr.Dataset:
    """Return errors of the learned fields, their losses above the least, the entropy's rate and the bound's parts."""
    params, seeds = case.params.entropy, case.params.train.seeds
    rng = case.rng("times")
    times = (np.arange(params.times) + rng.random(params.times)) / params.times
    rows = [
        [_compared(case, name, fields, float(t), k) for k, t in enumerate(times)]
        for name, fields in ((name, Fields(trained[name].to_dataset(), case.params.train)) for name in PLANE)
    ]
    found = {key: np.array([[row[key] for row in world] for world in rows]) for key in rows[0][0]}
    size, error, least = found["size"], found["error"], -found["size"][..., :3].mean(1) / 2
    misfit, attained = found["misfit"].mean(1), np.stack([found["attained"].mean(1), least], -1)
    parts: dict[str, tuple] = {
        "relative_error": (
            ("world", "field", "seed"),
            np.sqrt(error.mean(1) / size.mean(1)[..., None]),
            "relative L2 error of the field",
        ),
        "loss_excess": (
            ("world", "learned", "seed"),
            found["loss"].mean(1) / -least[..., None],
            "loss above its minimum, over |minimum|",
        ),
        "least_loss": (("world", "learned", "source"), attained, "loss of the exact field, sampled and -E|f|^2 / 2"),
        "error": (("world", "time", "field", "seed"), np.sqrt(error), "rms error of the field"),
        "size": (("world", "time", "field"), np.sqrt(size), "rms of the exact field"),
        "entropy_rate": (("world", "time", "seed"), found["rate"], "rate of the differential entropy", "nat"),
        "exact_rate": (("world", "time"), found["exact_rate"], "exact rate of the differential entropy", "nat"),
        "misfit": (("world", "part", "seed"), misfit, "time integral of E[db db], E[db ds] and E[ds ds]"),
        "predicted_noise": (
            ("world", "seed"),
            np.sqrt(misfit[:, 0] / misfit[:, 2]),
            "noise of the least bound by both losses",
        ),
    }
    return xr.Dataset(
        {name: labelled(*value, nan=DIVERGED) for name, value in parts.items()},
        {
            "world": list(PLANE),
            "time": times,
            "field": list(FIELDS),
            "learned": list(FIELDS[:3]),
            "source": ["sampled", "analytic"],
            "part": ["velocity", "cross", "score"],
            "seed": np.arange(seeds),
        },
    )


def _compared(case: Case[Params], name: str, fields: Fields, t: float, k: int) -> dict[str, np.ndarray]:
    """All that one time tells: squares of the fields and of their errors, losses, entropy rates, products of errors."""
    params, world, interpolant = case.params.entropy, PLANE[name], bridge(case.params.train)
    rng = case.rng(f"points {name} {k}")
    x0, x1 = world.base.sample(rng, params.cloud), world.target.sample(rng, params.cloud)
    x, times, targets = training_pairs(interpolant, x0, x1, rng.standard_normal(x0.shape), np.full((len(x0), 1), t))
    velocity, score = world.fields(interpolant, x, t)
    gamma, gamma_rate = interpolant.values(t)[2], interpolant.rates(t)[2]
    # v = b - gamma' E[z | x], and E[z | x] = -gamma s.
    exact = {
        "velocity": velocity,
        "noise": -gamma * score,
        "path": velocity + gamma * gamma_rate * score,
        "score": score,
    }
    many = np.broadcast_to(x, (fields.seeds, *x.shape))
    learned = {name: fields.field(name, many, times) for name in ("velocity", "noise")}
    learned |= {"path": learned["velocity"] - gamma_rate * learned["noise"], "score": fields.score(many, t)}
    if params.velocity == "path":
        learned["velocity"] = learned["path"]
    db, ds = learned["velocity"] - velocity, learned["score"] - score
    return {
        "size": np.array([_square(exact[n], exact[n]) for n in FIELDS]),
        "error": np.array([_square(learned[n] - exact[n], learned[n] - exact[n]) for n in FIELDS]),
        # Above the exact field's on the same points, in which the noise of both is the same.
        "loss": np.array(
            [quadratic_loss(learned[n], targets[n]) - quadratic_loss(exact[n], targets[n]) for n in FIELDS[:3]]
        ),
        "attained": np.array([quadratic_loss(exact[n], targets[n]) for n in FIELDS[:3]]),
        "rate": fields.divergence("velocity", many, t)[1].mean(-1),
        # d/dt of -int rho ln rho is E[div b] = -E[b . s].
        "exact_rate": -_square(velocity, score),
        "misfit": np.array([_square(db, db), _square(db, ds), _square(ds, ds)]),
    }


def _square(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean over samples of the scalar product, (..., samples, dim) -> (...)."""
    return (x * y).sum(-1).mean(-1)
