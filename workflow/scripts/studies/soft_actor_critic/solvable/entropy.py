"""Distances of what was learned from the exact soft-optimal policies."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.soft_actor_critic.solvable.params import Params


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Return errors against the exact solutions."""
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
