"""The worlds: the same starts under mu below 0, above 0 and 0; and tokens in the plane."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.ode import solve
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.selective_ssm_token_dynamics.signs import SIGNS, pattern
from studies.selective_ssm_token_dynamics.tokens.dynamics import Line, blow_up, field, follow, quadrature_time
from studies.selective_ssm_token_dynamics.tokens.params import Params

WORLDS = {
    "convergent": (-1, False),
    "slow": (1, True),
    "fast": (1, False),
    "attracting": (-1, True),
    "still": (0, False),
}
"""Sign of mu, and whether S_Delta x_l < 0 for all tokens; else the signs are random, and S_Delta x_l > 0 for some."""
STAGES = 241


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups `line` (world, draw, token, time), `burst` (token, stage) and `plane` (signs, token, axis, stage)."""
    found = line(case)
    return xr.DataTree.from_dict({"line": found, "burst": burst(found, case), "plane": plane(case)})


def output_times(end: float, points: int) -> np.ndarray:
    """0, then evenly in the logarithm from 0.01 to `end`, `points` in each decade."""
    return np.concatenate([[0.0], np.geomspace(1e-2, end, round(points * np.log10(end / 1e-2)) + 1)])


def line(case: Case[Params]) -> xr.Dataset:
    """Follow all draws in all worlds."""
    p, rng = case.params.simulate, case.rng("draws")
    shape = p.draws, p.tokens
    mu, s_delta = (np.exp(rng.uniform(np.log(low), np.log(high), p.draws)) for low, high in (p.mu, p.s_delta))
    s_delta, a, start = s_delta * rng.choice([-1, 1], p.draws), rng.uniform(*p.a, p.draws), rng.uniform(*p.start, shape)
    slow_sign = np.broadcast_to(-np.sign(s_delta)[:, None], shape)
    any_sign = rng.choice([-1.0, 1.0], shape)
    any_sign[np.arange(p.draws), rng.integers(p.tokens, size=p.draws)] = np.sign(s_delta)  # one at least blows up
    times = output_times(p.end, p.points)
    log_x, stop, alone = [], [], []
    for side, slow in WORLDS.values():
        made = Line(side * mu, s_delta, a, slow_sign if slow else any_sign)
        if side > 0 and not slow:
            run = blow_up(made, np.log(start), STAGES, p.rtol)
            one = Line(made.mu, s_delta, a, np.sign(s_delta)[:, None])
            log_x.append(at_times(run.log_x, run.time, times))
            stop.append(np.where(run.blew, run.time[:, -1], p.end))
            first = blow_up(one, np.log(start[:, :1]), 2, p.rtol)
            alone.append(np.where(first.blew, first.time[:, -1], p.end))
        else:
            log_x.append(follow(made, np.log(start), times, p.rtol))
            stop.append(np.full(p.draws, p.end))
            alone.append(stop[-1])
    stars = [[quadrature_time(x, m, s) for x in row] for row, m, s in zip(start, mu, s_delta, strict=True)]
    star = np.array(stars)
    soonest = np.where(any_sign * s_delta[:, None] > 0, star, np.inf).min(1)
    dims = ("world", "draw")
    variables = {
        "log_x": labelled((*dims, "token", "time"), log_x, "ln|x|"),
        "sign": labelled(
            (*dims, "token"), [slow_sign if slow else any_sign for _, slow in WORLDS.values()], "sign of x"
        ),
        "mu": labelled(dims, [side * mu for side, _ in WORLDS.values()], "mu = S_C S_B"),
        "stop": labelled(dims, stop, "depth of the blow-up, or of the end", may_be_constant=1),
        "stop_alone": labelled(dims, alone, "the same of the first token alone, S_Delta x > 0", may_be_constant=1),
        "s_delta": labelled("draw", s_delta, "S_Delta"),
        "a": labelled("draw", a, "decay a"),
        "star_alone": labelled("draw", star[:, 0], "blow-up of the first token alone, by quadrature"),
        "star_soonest": labelled("draw", soonest, "blow-up of the soonest token, were it alone, by quadrature"),
    }
    return xr.Dataset(variables, {"world": list(WORLDS), "time": times})


def burst(worlds: xr.Dataset, case: Case[Params]) -> xr.Dataset:
    """The fast draw that blows up last, stage by stage."""
    fast = worlds.sel(world="fast")
    draw = fast.isel(draw=[int(fast["stop"].values.argmax())])
    made = Line(*(draw[name].values for name in ("mu", "s_delta", "a", "sign")))
    run = blow_up(made, draw["log_x"].values[..., 0], STAGES, case.params.simulate.rtol)
    return xr.Dataset(
        {
            "log_x": labelled(("token", "stage"), run.log_x[0], "ln|x|"),
            "t": labelled("stage", run.time[0], "depth"),
            "star": labelled((), float(draw["star_soonest"].values[0]), "blow-up by quadrature"),
        }
    )


def at_times(log_x: np.ndarray, reached: np.ndarray, times: np.ndarray) -> np.ndarray:
    """States between the stages, by straight lines in ln|x|; after the blow-up those at which a draw stopped."""
    return np.array([[np.interp(times, t, u) for u in draw] for t, draw in zip(reached, log_x, strict=True)])


def plane(case: Case[Params]) -> xr.Dataset:
    """Tokens in two dimensions, followed along their relative path d|x|/|x| (both near 0 and far away)."""
    tokens, rng = case.params.simulate.plane_tokens, case.rng("plane")
    turn, s_delta = rng.uniform(0, np.pi), rng.normal(size=(2, 2))
    q = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    x0, stages = rng.uniform(-1, 1, size=(tokens, 2)), np.linspace(0, 4, 81)
    paths, values = [], []
    for signs in SIGNS:
        product = q.T @ np.diag(pattern(signs, 2) * [1, 0.6]) @ q

        def rate(_, x, product=product):
            y = field(x.reshape(tokens, 2), product, s_delta, 1.0).ravel()
            return y * (np.linalg.norm(x) / np.linalg.norm(y))

        paths.append(solve(rate, x0.ravel(), stages, rtol=1e-8).reshape(-1, tokens, 2))
        values.append(np.linalg.eigvalsh(product))
    return xr.Dataset(
        {
            "x": labelled(("signs", "token", "axis", "stage"), np.moveaxis(np.array(paths), 1, -1), "token"),
            "eigenvalue": labelled(("signs", "axis"), values, "eigenvalue of S_C^T S_B"),
        },
        {"signs": list(SIGNS), "stage": stages},
    )
