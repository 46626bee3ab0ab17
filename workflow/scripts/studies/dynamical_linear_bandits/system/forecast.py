"""Predictions of rewards that a learner has not seen, from what it wrote down: h_hat u, and a model with lags."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.response import draw_noise, respond
from studies.dynamical_linear_bandits.system.params import Params
from studies.dynamical_linear_bandits.systems import problem_of

PREDICTORS = ("static", "lags")
TARGETS = ("constant", "random")


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.Dataset) -> xr.Dataset:
    """Return RMSE and mean error of both predictors, in standard deviations of the reward's noise.

    The tests start from x = 0 with no action before: first a constant action that is none of the arms, then arms drawn
    at random each round. `static` says h_hat u; `lags` is ridge regression of y_t on u_t, ..., u_{t - lags}.
    """
    params, noises, wanted = case.params.train, case.params.simulate.noises, case.params.forecast
    assert wanted is not None, "the case has the step, and so its parameters"
    problem = problem_of(data["system"].to_dataset())
    learners = [name for name in params.play if params.learners[name].kind == "optimist"]
    shape = (len(learners), len(noises), params.seeds, len(PREDICTORS), len(TARGETS))
    rmse, bias = np.empty(shape), np.empty(shape)
    logs = trained[["log_arm", "log_reward", "final_estimate"]].isel(horizon=-1)
    scales = [reward_deviation(problem, sigma) for sigma in noises]
    for k, seed in enumerate(case.progress(range(params.seeds), what="seeds")):
        rng = case.rng(f"tests {seed}")
        noise = draw_noise(rng, wanted.rounds, len(problem.omega))
        sequences = (
            np.broadcast_to(np.array(wanted.unseen, float), (wanted.rounds, len(problem.theta))),
            problem.arms[rng.integers(len(problem.arms), size=wanted.rounds)],
        )
        for j, (sigma, scale) in enumerate(zip(noises, scales, strict=True)):
            truths = respond(problem, sequences, sigma, noise)
            for i, name in enumerate(learners):
                log = logs.sel(learner=name, noise=sigma, seed=seed)
                taps = fit_lags(problem.arms[log.log_arm.values], log.log_reward.values, wanted.lags, wanted.ridge)
                for t, (actions, truth) in enumerate(zip(sequences, truths, strict=True)):
                    predicted = (actions @ log.final_estimate.values, predict_lags(taps, actions))
                    for p, said in enumerate(predicted):
                        rmse[i, j, k, p, t] = np.sqrt(((said - truth) ** 2).mean()) / scale
                        bias[i, j, k, p, t] = (said - truth).mean() / scale
    dims = ("learner", "noise", "seed", "predictor", "target")
    return xr.Dataset(
        {
            "rmse": labelled(dims, rmse, "RMSE / noise of the reward"),
            "bias": labelled(dims, bias, "mean of predicted minus true rewards / noise of the reward"),
        },
        {
            "learner": learners,
            "noise": noises,
            "seed": np.arange(params.seeds),
            "predictor": list(PREDICTORS),
            "target": list(TARGETS),
        },
    )


def reward_deviation(problem, sigma: float) -> float:
    """Standard deviation of the reward under a constant action in the steady state; 1 without noise."""
    covariance, term = np.zeros_like(problem.a), np.eye(len(problem.a))
    for _ in range(1000):
        covariance, term = covariance + term @ term.T, problem.a @ term
    variance = problem.omega @ covariance @ problem.omega + problem.outputs
    return float(sigma * np.sqrt(variance)) if sigma else 1.0


def fit_lags(actions: np.ndarray, rewards: np.ndarray, lags: int, ridge: float) -> np.ndarray:
    """Ridge regression of the reward on this and the last `lags` actions. Result: shape (1 + lags, channel)."""
    design = _design(actions, lags)
    normal = design.T @ design + ridge * np.eye(design.shape[1])
    return np.linalg.solve(normal, design.T @ rewards).reshape(1 + lags, -1)


def predict_lags(taps: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Rewards of a sequence of actions with none before it. Shapes (1 + lags, channel), (time, channel) -> (time,)."""
    return _design(actions, len(taps) - 1) @ taps.ravel()


def _design(actions: np.ndarray, lags: int) -> np.ndarray:
    padded = np.pad(actions, [(lags, 0), (0, 0)])
    return np.concatenate([padded[lags - k : len(padded) - k] for k in range(1 + lags)], 1)
