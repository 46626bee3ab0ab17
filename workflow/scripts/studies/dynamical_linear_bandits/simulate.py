"""The worlds: the systems of a case with their h and arms, and the check that a constant action is best."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.problems import (
    Problem,
    given_system,
    one_good_channel,
    slower_system,
)
from studies.dynamical_linear_bandits.response import Noise, draw_noise, respond


def simulate(case: Case) -> xr.Dataset | xr.DataTree:
    """Return the systems over the dimension `system` (and, for given matrices, the check of C1)."""
    params = case.params
    if params.kind == "stability":
        rhos = np.array(params.rhos)
        return _systems([slower_system(rho) for rho in rhos]).assign(
            rho=labelled("system", rhos, "spectral radius of A that was asked for")
        )
    if params.kind == "dimension":
        pairs = [(channels, gap) for channels in params.channels for gap in params.gaps]
        return _systems([one_good_channel(channels, gap, params.rho) for channels, gap in pairs]).assign(
            channels=labelled("system", [channels for channels, _ in pairs], "number of channels d"),
            gap=labelled("system", [gap for _, gap in pairs], "value of the best arm minus that of the others"),
        )
    problem = given_system(params.a, params.b, params.c, params.d, params.budget, params.memory)
    return xr.DataTree.from_dict({"systems": _systems([problem]), "check": _check(case, problem)})


def problems(data) -> list[Problem]:
    """The problems of a simulated case, one for each element of `system`."""
    systems = data["systems"].to_dataset() if isinstance(data, xr.DataTree) else data
    found = []
    for i in range(systems.sizes["system"]):
        one = systems.isel(system=i)
        channels, arms, states = int(one.channel_count), int(one.arm_count), int(one.state_count)
        found.append(
            Problem(
                np.ascontiguousarray(one.a.values[:states, :states]),
                np.ascontiguousarray(one.b.values[:states, :channels]),
                np.ascontiguousarray(one.omega.values[:states]),
                np.ascontiguousarray(one.theta.values[:channels]),
                np.ascontiguousarray(one.arms.values[:arms, :channels]),
                int(one.outputs),
                tuple(map(float, one.norms.values)),
            )
        )
    return found


def _systems(found: list[Problem]) -> xr.Dataset:
    """Systems side by side; smaller ones are filled up with zeros, and say how large they are."""
    constant = {"may_be_constant": 1}
    values = [problem.values for problem in found]
    counts = {
        "channel": [len(p.theta) for p in found],
        "arm": [len(p.arms) for p in found],
        "state": [len(p.omega) for p in found],
    }
    variables = {
        "a": labelled(("system", "state", "previous_state"), _stack([p.a for p in found]), "matrix A of the state"),
        "b": labelled(("system", "state", "channel"), _stack([p.b for p in found]), "matrix B of the actions"),
        "omega": labelled(("system", "state"), _stack([p.omega for p in found]), "omega = C^T 1", **constant),
        "theta": labelled(("system", "channel"), _stack([p.theta for p in found]), "theta = D^T 1", **constant),
        "arms": labelled(("system", "arm", "channel"), _stack([p.arms for p in found]), "arms"),
        "h": labelled(("system", "channel"), _stack([p.h for p in found]), "h = theta + B^T (I - A)^-T omega"),
        "value": labelled(("system", "arm"), _stack(values), "J(u) = h u of each arm, 0 where there is no arm"),
        "radius": labelled("system", [p.radius for p in found], "spectral radius of A", **constant),
        "growth": labelled("system", [p.growth for p in found], "Phi of A", **constant),
        "outputs": labelled("system", [p.outputs for p in found], "outputs that the reward sums"),
        "norms": labelled(("system", "norm"), np.array([p.norms for p in found]), "norms that learners are told"),
    }
    for name, sizes in counts.items():
        variables[f"{name}_count"] = labelled("system", sizes, f"number of {name}s")
    coordinates = {"system": np.arange(len(found)), "norm": ["theta", "omega", "b"]}
    return xr.Dataset(variables, coordinates)


def _stack(arrays) -> np.ndarray:
    shape = np.max([np.shape(array) for array in arrays], axis=0)
    return np.stack(
        [np.pad(array, [(0, n - m) for n, m in zip(shape, np.shape(array), strict=True)]) for array in arrays]
    )


def _check(case: Case, problem: Problem) -> xr.Dataset:
    """Mean rewards of constant actions against J, without noise against h, and of periodic sequences of actions."""
    params, check = case.params, case.params.check
    rounds, states = check.burn_in + check.rounds, len(problem.omega)
    noises, seeds, arms = params.noises, params.seeds, len(problem.arms)
    rng = case.rng("sequences")
    orders = rng.integers(arms, size=(check.sequences, check.period))
    orders[:, 1] = (orders[:, 0] + rng.integers(1, arms, size=check.sequences)) % arms  # at least two arms each

    def after(rewards):
        return rewards[..., check.burn_in :].mean(-1)

    constant = after(respond(problem, np.repeat(problem.arms[:, None], rounds, 1)))
    periodic = after(respond(problem, problem.arms[np.resize(orders.T, (rounds, check.sequences)).T]))
    # The system is linear: noise adds the same to the rewards of all actions, in proportion to its deviation.
    draws = [draw_noise(case.rng(f"check {seed}"), rounds, states) for seed in range(seeds)]
    noise = Noise(*map(np.stack, zip(*draws, strict=True)))
    idle = after(respond(problem, np.zeros((rounds, len(problem.theta))), 1.0, noise))
    noisy = np.multiply.outer(noises, idle)[..., None]
    means, varied = noisy + constant, noisy + periodic
    value = problem.arms @ (problem.h if check.value == "steady" else problem.theta)
    error = means - value
    spread = means.std(1, ddof=1) / np.sqrt(seeds)
    settled = respond(problem, np.repeat(np.eye(len(problem.theta))[:, None], rounds, 1))[:, -1]
    dims = ("noise", "seed", "arm")
    return xr.Dataset(
        {
            "mean_reward": labelled(dims, means, "mean reward of a constant action after the transient"),
            "stated_value": labelled("arm", value, "stated value J(u) of an arm"),
            "error_in_standard_errors": labelled(
                ("noise", "arm"), error.mean(1) / spread, "mean reward minus J, in standard errors over seeds"
            ),
            "settled_reward": labelled("channel", settled, "last reward of a unit of one channel without noise"),
            "h": labelled("channel", problem.h, "h in closed form", may_be_constant=1),
            "best_constant": labelled(dims[:2], means.max(2), "mean reward of the best constant action"),
            "best_sequence": labelled(dims[:2], varied.max(2), "mean reward of the best periodic sequence"),
            "sequence_reward": labelled(("noise", "seed", "sequence"), varied, "mean reward of periodic sequences"),
        },
        {"noise": noises, "seed": np.arange(seeds), "arm": np.arange(arms), "channel": np.arange(len(problem.h))},
    )
