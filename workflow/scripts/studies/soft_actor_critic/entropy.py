"""Policy entropies, temperatures and visited states of the agents; distances from the exact soft-optimal policies."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from pesin.entropy.amplitude import miller_madow_entropy, shannon_entropy
from pesin.entropy.policy import tanh_gaussian_entropy
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.soft_actor_critic.players import episodes
from studies.soft_actor_critic.tasks import FEWER, NO_ENTROPY, by_agent, by_run, each_run, most_seeds, target_entropies

GRID = ("agent", "seed")
LAST = 0.25  # share of the training, from its end, that "converged" is read from
THIN, WINDOWS = 10, 40  # visited states: every THIN-th, averaged in WINDOWS


def entropy(case: Case, data, trained) -> xr.Dataset:
    """Return the entropies of a task's agents, or errors against the exact solutions."""
    if case.params.kind == "solvable":
        return _solvable(data, trained)
    result = _held(case.params, trained)
    if case.params.own:
        result = result.merge(_on_policy(case.params, trained))
    if case.params.environment == "pendulum":
        result = result.merge(_visited(case.params, trained))
    if case.params.environment == "two_goals":
        result = result.merge(_first_goals(case, data, trained))
    return result


# -------------------------------------------------------------------------------------------------------------- tasks


def _held(params, trained) -> xr.Dataset:
    """Entropy on replayed states against its target, and the temperature that holds it."""
    curves = trained["curves"].to_dataset().sel(agent=list(params.run))
    actions = trained["visits"].sizes["action"] if "visits" in trained else 1
    stochastic = by_agent(params, np.where(each_run(params, "deterministic"), np.nan, 1.0))
    target = by_agent(params, target_entropies(params, actions)) * stochastic
    last = max(round(LAST * curves.sizes["block"]), 1)
    measured = curves["entropy"].values * stochastic[..., None]
    alpha = curves["temperature"].values * stochastic[..., None]
    scale = by_agent(params, each_run(params, "reward_scale"))
    held = partial(labelled, nan=NO_ENTROPY)
    late, final = measured[..., -last:].mean(-1), alpha[..., -last:].mean(-1)
    return xr.Dataset(
        {
            "entropy": held((*GRID, "block"), measured, "policy entropy on replayed states", "nat"),
            "temperature": held((*GRID, "block"), alpha, "temperature alpha"),
            "block_step": curves["block_step"],
            "late_entropy": held(GRID, late, "entropy over the last quarter of the training", "nat"),
            "target_entropy": held(GRID, target, "entropy to hold", "nat"),
            "entropy_gap": held(GRID, late - target, "entropy over the last quarter minus its target", "nat"),
            "late_temperature": held(GRID, final, "alpha over the last quarter of the training"),
            "relative_temperature": held(GRID, final / scale, "that alpha over the reward scale"),
        },
        {"agent": list(params.run), "seed": np.arange(most_seeds(params))},
    )


def _on_policy(params, trained) -> xr.Dataset:
    """Exact entropy of the policy in the states that it visits itself, by quadrature."""
    visits = trained["visits"].to_dataset()
    mean, log_std = (
        by_run(params, visits[name].values)[:, THIN // 2 :: THIN].astype(float) for name in ("mean", "log_std")
    )
    values = np.stack([tanh_gaussian_entropy(m, s).value for m, s in zip(mean, log_std, strict=True)])
    values[each_run(params, "deterministic")] = np.nan
    sigma = np.exp(log_std).mean(-1)
    sigma[each_run(params, "deterministic")] = np.nan
    edges = np.linspace(0, values.shape[1], min(WINDOWS, values.shape[1]) + 1).astype(int)
    pairs = list(zip(edges[:-1], edges[1:], strict=True))

    def windowed(x):
        return by_agent(params, np.stack([x[:, a:b].mean(1) for a, b in pairs], -1))

    held, last = partial(labelled, nan=NO_ENTROPY), max(round(LAST * values.shape[1]), 1)
    return xr.Dataset(
        {
            "entropy_on_policy": held((*GRID, "window"), windowed(values), "entropy in visited states", "nat"),
            "late_entropy_on_policy": held(
                GRID, by_agent(params, values[:, -last:].mean(1)), "the same over the last quarter", "nat"
            ),
            "sigma": held((*GRID, "window"), windowed(sigma), "sigma before squashing, mean"),
            "window_step": labelled("window", edges[1:] * THIN, "environment steps done", "step"),
        },
        {"agent": list(params.run), "seed": np.arange(most_seeds(params))},
    )


def _visited(params, trained) -> xr.Dataset:
    """Entropy of the histogram of visited angles and rates, over the first steps after the warm-up."""
    warmup = params.learning.warmup
    states = by_run(params, trained["visits"]["state"].values)[:, warmup : warmup + params.entropy.early]
    counts = np.stack(
        [
            np.histogram2d(s[:, 0], s[:, 1], bins=params.entropy.bins, range=[[-np.pi, np.pi], [-8, 8]])[0].ravel()
            for s in states
        ]
    ).astype(np.int64)
    return xr.Dataset(
        {
            "visitation_entropy": labelled(
                GRID,
                by_agent(params, miller_madow_entropy(counts).value),
                "entropy of visited angles and rates, early in the training (Miller and Madow)",
                "nat",
                nan=FEWER,
            )
        },
        {"agent": list(params.run), "seed": np.arange(most_seeds(params))},
    )


def _first_goals(case: Case, data, trained) -> xr.Dataset:
    """Which goal the trained policies reach first, in fresh episodes."""
    params = case.params
    roll = episodes(case, data, trained, case.rng("goals"))
    reached = roll.state[1:, ..., 2:] > 0  # step, run, rollout, goal
    when = np.where(reached.any(0), reached.argmax(0), len(reached))
    first = np.stack([when[..., 0] < when[..., 1], when[..., 1] < when[..., 0]], -1)
    counts = first.sum(1)
    some = counts.sum(-1) > 0
    mixed = np.where(some, shannon_entropy(np.where(some[:, None], counts, 1)).value, np.nan)
    which, both = (by_agent(params, shares) for shares in (first.mean(1), reached[-1].all(-1).mean(-1)))
    said, none = "share of episodes that reach this goal first", f"no goal reached, {FEWER}"
    return xr.Dataset(
        {
            "first_goal": labelled((*GRID, "goal"), which, said, nan=FEWER),
            "goal_entropy": labelled(GRID, by_agent(params, mixed), "entropy of the first goal", "nat", nan=none),
            "both_goals": labelled(GRID, both, "share of episodes that reach both", nan=FEWER),
        },
        {"agent": list(params.run), "seed": np.arange(most_seeds(params)), "goal": ["left", "right"]},
    )


# --------------------------------------------------------------------------------------------------- solvable problems


def _solvable(data, trained) -> xr.Dataset:
    learned = {name: trained[name].to_dataset() for name in ("chain", "two_goals", "bandit", "regulator")}
    exact = {name: data[name].to_dataset() for name in learned}
    return _tables(learned, exact).merge(_regulator(learned["regulator"], exact["regulator"]))


def _tables(learned: dict[str, xr.Dataset], exact: dict[str, xr.Dataset]) -> xr.Dataset:
    """Soft policy iteration against the exact solutions, and the goals that its policies end at."""
    goals = learned["two_goals"]["goal_probability"].values
    logs = np.log(goals, out=np.zeros_like(goals), where=goals > 0)
    error = {
        (name, what): learned[name][what].values - exact[name][what].values
        for name, what in (("chain", "policy"), ("chain", "value"), ("bandit", "policy"))
    }
    dims = ("temperature", "state", "action")
    return xr.Dataset(
        {
            "policy_error": labelled(dims, error["chain", "policy"], "learned policy minus the soft-optimal one"),
            "value_error": labelled(dims[:2], error["chain", "value"], "learned value minus the soft-optimal one"),
            "policy_change": learned["chain"]["change"],
            "goal_probability": labelled(("goal_temperature", "goal"), goals, "probability to end at this goal"),
            "goal_entropy": labelled("goal_temperature", -(goals * logs).sum(-1), "entropy of the goal reached", "nat"),
            "bandit_error": labelled(
                ("bandit_temperature", "arm"), error["bandit", "policy"], "policy minus exp(Q / alpha), normalised"
            ),
        },
        {
            "temperature": learned["chain"]["temperature"].values,
            "goal_temperature": learned["two_goals"]["temperature"].values,
            "bandit_temperature": learned["bandit"]["temperature"].values,
            "goal": ["left", "right"],
        },
    )


def _regulator(learned: xr.Dataset, exact: xr.Dataset) -> xr.Dataset:
    """Gain, variance and temperature of agents on the regulator against the closed form."""
    found, dims = partial(labelled, nan=DIVERGED), ("network", "agent", "seed")
    gain, variance, alpha = (
        abs(learned[name].values / exact[name].values[:, None] - 1) for name in ("gain", "variance", "temperature")
    )
    agents = [str(name) for name in learned["agent"].values]
    held, free = ([i for i, name in enumerate(agents) if name.startswith("H") == kind] for kind in (True, False))
    worst = "largest relative error of the {}, given temperatures"
    return xr.Dataset(
        {
            "gain_error": found(dims, gain, "relative error of the gain"),
            "variance_error": found(dims, variance, "relative error of the variance"),
            "worst_gain_error": found(dims[::2], gain[:, free].max(1), worst.format("gain")),
            "worst_variance_error": found(dims[::2], variance[:, free].max(1), worst.format("variance")),
            "temperature_error": found(("network", "held", "seed"), alpha[:, held], "relative error of alpha"),
            "worst_temperature_error": found(dims[::2], alpha[:, held].max(1), "largest relative error of alpha"),
            "gain": learned["gain"],
            "variance": learned["variance"],
            "exact_gain": labelled("agent", exact["gain"].values, "gain K of the soft-optimal policy"),
            "exact_variance": labelled("agent", exact["variance"].values, "variance of the soft-optimal policy"),
            "exact_temperature": labelled("agent", exact["temperature"].values, "alpha, given or closed form"),
            "regulator_temperature": found(dims, learned["temperature"].values, "temperature alpha"),
        },
        {
            **{name: learned[name].values for name in ("network", "agent", "seed")},
            "held": [agents[i] for i in held],
        },
    )
