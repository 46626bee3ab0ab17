"""What becomes of the tokens: fates, exponents, constants, blow-up times, and how evenly they contribute."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.special import entr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.selective_ssm_token_dynamics.tokens.dynamics import Line, limit_constants, pull
from studies.selective_ssm_token_dynamics.tokens.params import Params

LATE, RATED = 1e2, 1e3
"""Depths from which the bound of slow divergence is asked, and at which rates are compared."""
GROWN, GONE = 1.3, 0.1
"""Tokens diverge if they grow by this factor from `LATE` on; they vanish if they fall to this share
of the largest start."""


def entropy(case: Case[Params], data: Any) -> xr.Dataset:
    """All quantities of the claims, over draws; the worlds take the parts that `roles` says."""
    params, worlds = case.params.entropy, data["line"].to_dataset()
    parts = {role: worlds.sel(world=world) for role, world in params.roles.items()}
    convergent, slow, fast = (parts[role] for role in ("convergent", "slow", "fast"))
    inequality = rate_ratio(slow)
    variables = {
        "fate": labelled(("role", "draw"), [fate(part) for part in parts.values()], "fate", may_be_constant=1),
        "expected": labelled(
            ("role", "draw"),
            [np.full(part.sizes["draw"], -1 if role == "convergent" else 1) for role, part in parts.items()],
            "fate that the theorem says",
            may_be_constant=1,
        ),
        **decay(convergent),
        **divergence(slow),
        "blow_up_ratio": labelled(
            "draw", fast["stop_alone"] / fast["star_alone"], "blow-up of a token alone / quadrature", may_be_constant=1
        ),
        "soonest_ratio": labelled(
            "draw", fast["stop"] / fast["star_soonest"], "blow-up / that of the soonest token alone"
        ),
        "rate_ratio": labelled("draw", inequality, "fastest over slowest |dx/dt| at t = 1000", may_be_constant=1),
        "unequal": labelled(
            "draw", (inequality > params.unequal).astype(int), "rates of tokens are unequal", may_be_constant=1
        ),
        "effective_tokens": labelled(
            ("role", "draw", "time"), [effective(part) for part in parts.values()], "effective share of tokens"
        ),
    }
    return xr.Dataset(variables, {"role": list(parts), "time": worlds["time"].values})


def fate(part: xr.Dataset) -> np.ndarray:
    """-1: all tokens fall, to nearly nothing; 1: all rise, until a blow-up or for good; 0: else. Shape (draw,)."""
    u, t = part["log_x"].transpose("draw", "token", "time").values, part["time"].values
    stop = part["stop"].values
    change, before = np.diff(u, axis=-1), (t[1:] <= stop[:, None])[:, None]
    falls = (change < 0).all((1, 2)) & (u[..., -1].max(1) < u[..., 0].max(1) + np.log(GONE))
    rises = ((change > 0) | ~before).all((1, 2))
    goes_on = (u[..., -1] - u[..., nearest(t, LATE)] > np.log(GROWN)).all(1)
    return np.where(falls, -1, np.where(rises & (goes_on | (stop < t[-1])), 1, 0))


def nearest(times: np.ndarray, t: float) -> int:
    """Place of the output time nearest to t, in its logarithm."""
    return int(abs(np.log(np.maximum(times, 1e-300) / t)).argmin())


def decay(part: xr.Dataset) -> dict:
    """`slope` of ln|x| against ln t in the last decade, and |x| over its limit law at the end; (draw, token)."""
    u, t = part["log_x"].transpose("draw", "token", "time").values, part["time"].values
    last = slice(nearest(t, t[-1] / 10), None)
    x = np.log(t[last]) - np.log(t[last]).mean()
    slope = ((u[..., last] - u[..., last].mean(-1, keepdims=True)) * x).sum(-1) / (x**2).sum()
    c = limit_constants(part["a"].values, u.shape[1])
    constant = np.exp(u[..., -1]) * np.sqrt(2 * abs(part["mu"].values)[:, None] * np.log(2) * t[-1] / c)
    dims = ("draw", "token")
    return {
        "slope": labelled(dims, slope, "exponent of |x| in the last decade", may_be_constant=1),
        "constant": labelled(dims, constant, "|x| over its limit law", may_be_constant=1),
    }


def divergence(part: xr.Dataset) -> dict:
    """Of (draw, token): `rise`, the largest of ln(|x_l| / (ln t)^l) between output times; `growth`, ln|x| gained.

    `ratio_drift` (draw): by how much some ln|x_l/x_1| still changes in the last decade.
    """
    u, t = part["log_x"].transpose("draw", "token", "time").values, part["time"].values
    begin = nearest(t, LATE)
    power = np.arange(1, u.shape[1] + 1)[:, None]
    bound = u[..., begin:] - power * np.log(np.log(t[begin:]))
    ratios = u - u[:, :1]
    drift = abs(ratios[..., -1] - ratios[..., nearest(t, t[-1] / 10)]).max(1)
    dims = ("draw", "token")
    return {
        "rise": labelled(dims, np.diff(bound).max(-1), "largest rise of ln(|x_l| / (ln t)^l)", may_be_constant=1),
        "growth": labelled(dims, u[..., -1] - u[..., begin], "growth of ln|x| from t = 100 on", may_be_constant=1),
        "ratio_drift": labelled("draw", drift, "change of ln|x_l/x_1| in the last decade", may_be_constant=1),
    }


def rate_ratio(part: xr.Dataset) -> np.ndarray:
    """Largest over smallest |dx_l/dt| = |mu x_l s_l| at t = 1000, shape (draw,); 1 where nothing moves."""
    u = part["log_x"].transpose("draw", "token", "time").values[..., nearest(part["time"].values, RATED)]
    line = Line(part["mu"].values, part["s_delta"].values, part["a"].values, part["sign"].values)
    rate = u + np.log(pull(u, line).value)
    return np.where(line.mu == 0, 1.0, np.exp(rate.max(1) - rate.min(1)))


def effective(part: xr.Dataset) -> np.ndarray:
    """exp(H) / L of the shares |x_l| / sum|x|, shape (draw, time): 1 if all tokens are as large."""
    u = part["log_x"].transpose("draw", "token", "time").values
    share = np.exp(u - u.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    return np.exp(entr(share).sum(1)) / u.shape[1]
