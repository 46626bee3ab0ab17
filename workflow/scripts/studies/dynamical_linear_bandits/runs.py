"""The interaction: every learner plays every problem with the same noise, and its regret is recorded."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.learners import Training
from studies.dynamical_linear_bandits.play import Run, beta, play, tally
from studies.dynamical_linear_bandits.problems import Problem
from studies.dynamical_linear_bandits.response import Noise, draw_noise, respond

# What a missing value stands for:
NO_REGRET = "no regret, of which there is no logarithm"
NO_REGRESSION = "a player that estimates nothing"
NO_SET = "a player without a confidence set"


def play_all(
    case: Case,
    settings: list[tuple[Problem, float, int]],
    swept: dict[str, list],
    logged: int = 0,
    expert: np.ndarray | None = None,
) -> xr.Dataset:
    """Play every setting with every learner and seed.

    Regret is pseudo-regret: sum over rounds of max J - J(u), no noise in it.

    Parameters
    ----------
    settings
        Problem, noise level and horizon.
    swept
        Dimension -> coordinate of what the settings run over, the last one fastest.
    logged
        Rounds from the start of which arm and reward are kept.
    expert : ndarray, shape (channel,)
        The action that a player of the kind `expert` plays for ever.

    Returns
    -------
    Dataset
        Over (learner, *swept, seed).
    """
    params: Training = case.params.train
    dims, shape = tuple(swept), [len(values) for values in swept.values()]
    fraction = np.unique(np.r_[np.logspace(-3, 0, params.marks), 0.1, 0.5, 0.9])
    columns = {
        key: values.reshape(len(params.play), *shape, *values.shape[2:])
        for key, values in _columns(case, settings, fraction, logged, expert).items()
    }
    variables = _variables(columns, dims)
    coordinates = {"learner": params.play, "seed": np.arange(params.seeds), "mark": fraction, **swept}
    if "log_arm" in columns:
        variables |= _logged(columns, ("learner", *dims, "seed"))
        coordinates["channel"] = np.arange(columns["final_estimate"].shape[-1])
    return xr.Dataset(variables, coordinates)


def _columns(case: Case, settings, fraction, logged: int, expert) -> dict[str, np.ndarray]:
    """What `_record` keeps of every run, shapes (learner, setting, seed, ...)."""
    params: Training = case.params.train
    arms = max(len(problem.arms) for problem, _, _ in settings)

    @lru_cache(1)
    def noise(seed, rounds, states):
        return draw_noise(case.rng(f"noise {seed}"), rounds, states)

    def record(seed, name, problem, sigma, horizon):
        drawn = noise(seed, horizon, len(problem.omega))
        return _record(params, problem, sigma, name, drawn, fraction, arms, logged, expert)

    recorded = [
        [[record(seed, name, *setting) for name in params.play] for setting in settings]
        for seed in case.progress(range(params.seeds), what="seeds")
    ]
    return {
        key: np.array([[[run[key] for run in row] for row in rows] for rows in recorded]).swapaxes(0, 2)
        for key in recorded[0][0][0]
    }


def _variables(columns: dict[str, np.ndarray], dims: tuple[str, ...]) -> dict:
    """Regret, what it grows like, and what was learned; `dims` lie between learner and seed."""
    outer = ("learner", *dims, "seed")
    regret, slope, gain = columns["regret"], columns["last_half_slope"], "ln det(V / lambda) / 2 of the regression"
    change = "|change| of R_t / (beta_t sqrt(t ln t)) from T/10 to T"
    return {
        "regret": labelled((*outer, "mark"), regret, "regret R_t"),
        "final_regret": labelled(outer, regret[..., -1], "regret R_T"),
        "exponent": labelled(outer, columns["exponent"], "d ln R / d ln t fitted over [T/10, T]", nan=NO_REGRET),
        "normalised_change": labelled(outer, columns["normalised_change"], change, nan=f"{NO_SET}, or {NO_REGRET}"),
        "last_half_slope": labelled(outer, slope, "d ln R / d ln t over [T/2, T]", nan=NO_REGRET),
        "locked": labelled(outer, slope > 0.9, "regret still linear over the last half"),
        "share_of_random": labelled(outer, columns["share_of_random"], "R_T over the mean regret of random play"),
        "best_share": labelled(outer, columns["best_share"], "share of the best arm in the last tenth"),
        "estimate_error": labelled((*outer, "mark"), columns["estimate_error"], "|h_hat - h|", nan=NO_REGRESSION),
        "information": labelled((*outer, "mark"), columns["information"], gain, "nat", nan=NO_REGRESSION),
        "window_counts": labelled(
            (*outer, "window", "arm"), columns["window_counts"].astype(np.int32), "rounds of each arm in a window"
        ),
        "rounds": labelled((*dims, "mark"), columns["rounds"][0, ..., 0, :], "rounds t of the marks", "round"),
    }


def _logged(columns: dict[str, np.ndarray], outer: tuple[str, ...]) -> dict:
    """The first rounds, one by one, and the estimate at the end."""
    estimate = columns["final_estimate"]
    return {
        "log_arm": labelled((*outer, "log_round"), columns["log_arm"].astype(np.int16), "arm of the first rounds"),
        "log_reward": labelled((*outer, "log_round"), columns["log_reward"], "reward of the first rounds"),
        "final_estimate": labelled((*outer, "channel"), estimate, "h_hat at the end", nan=NO_REGRESSION),
    }


def _record(
    params: Training, problem: Problem, sigma, name, noise: Noise, fraction, arms: int, logged: int, expert
) -> dict:
    """One run, condensed: marks at fractions of the horizon, counts in windows of each of `arms`."""
    learner, horizon = params.learners[name], len(noise.reward)
    marks = np.maximum(np.round(fraction * horizon).astype(np.int64), 1)
    gaps = problem.values.max() - problem.values
    if learner.kind == "expert":
        run = _expert(problem, expert, sigma, noise, len(marks), logged)
        own_gap = problem.values.max() - expert @ problem.h
    else:
        run, own_gap = play(problem, learner, sigma, noise, marks, logged), 0.0
    played, counts = tally(run.arm, arms, marks, params.windows)
    played = played[:, : len(gaps)]
    regret = played @ gaps + own_gap * (marks - played.sum(1))
    tenth, half, late = (np.searchsorted(fraction, part - 1e-9) for part in (0.1, 0.5, 0.9))
    width = beta(problem, learner, sigma, horizon, marks) if learner.kind == "optimist" else np.full(len(marks), np.nan)
    normalised = regret / (width * np.sqrt(marks * np.log(marks + 1)))
    record = {
        "regret": regret,
        "exponent": _slope(marks[tenth:], regret[tenth:]),
        "normalised_change": abs(normalised[-1] / normalised[tenth] - 1) if normalised[tenth] > 0 else np.nan,
        "last_half_slope": _slope(marks[[half, -1]], regret[[half, -1]]),
        "share_of_random": regret[-1] / (gaps.mean() * horizon),
        "best_share": (played[-1] - played[late])[gaps < 1e-9].sum() / (marks[-1] - marks[late]),
        "estimate_error": np.linalg.norm(run.estimate - problem.h, axis=1),
        "information": run.information,
        "window_counts": counts,
        "rounds": marks,
    }
    if logged:
        record |= {"log_arm": run.arm[:logged].copy(), "log_reward": run.reward, "final_estimate": run.estimate[-1]}
    return record


def _slope(x, y) -> float:
    """Least-squares slope of ln y on ln x; NaN where y isn't positive."""
    if np.any(np.asarray(y) <= 0):
        return np.nan
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _expert(problem: Problem, action, sigma, noise: Noise, marks: int, logged: int) -> Run:
    """The advertiser's past split, played for ever; arm -1, since it is none of the arms."""
    rounds = len(noise.reward)
    rewards = respond(problem, np.tile(action, (min(logged, rounds), 1)), sigma, noise)
    nothing = np.full((marks, len(action)), np.nan)
    return Run(np.full(rounds, -1, np.int16), rewards, nothing, nothing[:, 0])
