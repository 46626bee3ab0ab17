"""Returns of all arms by budget of real steps, what is reached of the way to the exact law, and the whole bill."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.rl.planning import Move, controlled
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.sample_efficiency_bill.bill import Sizes
from studies.sample_efficiency_bill.params import Params
from studies.sample_efficiency_bill.worlds import network_law, pendulums, projected, reward, sparse_law

ARMS = {
    "random": "random actions",
    "sac": "agent, real task",
    "sparse": "agent, sparse model",
    "filtered": "agent, filtered networks",
    "exact_agent": "agent, exact law",
    "sparse_plan": "planner, sparse model",
    "hyper": "planner, hypernetwork",
    "hyper_after": "planner, hypernetwork, after the other pendulum",
    "exact": "planner, exact law",
}
PLANNED = ("sparse_plan", "hyper", "hyper_after")
BILLED = ("sac", "sparse", "filtered", "sparse_plan", "hyper")
"""Arms that have a bill, the agents first."""
LAST = 0.25
"""Share of the training so far, from its end, whose evaluations are averaged."""
NEVER = "it doesn't get there"


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """`returns`, `reached` (arm, world, budget, seed); `along`, `area` of agents; steps and operations to the goal."""
    p, goal = case.params.simulate, case.params.forecast.goal
    curves = trained["agents"].to_dataset().transpose("arm", "world", "budget", "seed", "step")
    names = curves["arm"].values
    stood = [case.params.forecast.stand_ins.get(arm, arm) for arm in names]
    curves = curves.sel(arm=stood).assign_coords(arm=names)
    found = np.array([returns(case, data, trained, curves, arm) for arm in ARMS])
    low = data["random"].values[:, None]
    span = (data["exact"].values[:, None] - low).mean(-1, keepdims=True)  # a seed's own is one planner's luck
    reached = (found - low) / span
    along = (curves["returns"].values - low[..., None]) / span[..., None]
    own = (curves["own"].values - low[..., None]) / span[..., None]
    step = curves["step"].values
    later = along[..., step > step[-1] / 2].mean(-1)
    billed = reached[[list(ARMS).index(arm) for arm in BILLED]]
    real, spent, least = to_goal(case.params, billed, along, step, goal)
    goals = ("billed", "world", "seed")
    at, unit = ("world", "budget", "seed"), "return, from random actions (0) to a planner on the exact law (1)"
    variables = {
        "returns": labelled(("arm", *at), found, "return of an episode", nan=DIVERGED),
        "reached": labelled(("arm", *at), reached, unit, nan=DIVERGED),
        "along": labelled(("agent", *at, "step"), along, f"{unit}, along learning", nan=DIVERGED),
        "own": labelled(("agent", *at, "step"), own, f"{unit}, in its own world", nan=DIVERGED),
        "area": labelled(("agent", *at), later, f"{unit}, mean over the later half", nan=DIVERGED),
        "real_steps_to_goal": labelled(goals, real, "real steps to the goal", "step", nan=NEVER),
        "operations_to_goal": labelled(goals, spent, "multiplications until the goal is reached", nan=NEVER),
        "operations_at_least": labelled(goals, least, "multiplications until the goal, or all that were made"),
        **labelled_bill(case.params),
        "seconds": labelled(
            "timed", trained["bill"]["seconds"].values, "core time of one model and agent to learn", "s",
            role="timing",
        ),
    }  # fmt: skip
    return xr.Dataset(
        variables,
        {
            "arm": list(ARMS),
            "named": ("arm", list(ARMS.values())),
            "world": list(p.worlds),
            "budget": p.budgets,
            "seed": np.arange(p.seeds),
            "agent": curves["arm"].values,
            "step": step,
            "billed": list(BILLED),
            "timed": trained["bill"]["arm"].values,
        },
        {"goal": goal},
    )


def labelled_bill(p: Params) -> dict[str, tuple]:
    """What `bills` says, as variables."""
    said = {
        "surrogate_steps": ("surrogate steps", "step"),
        "parameters": ("parameters of model and policy", "1"),
        "learning": ("multiplications of learning", "1"),
        "use": ("multiplications of an episode of use", "1"),
    }
    return {key: labelled(("billed", "budget"), values, *said[key]) for key, values in bills(p).items()}


def returns(case: Case[Params], data: xr.Dataset, trained: xr.DataTree, curves: xr.Dataset, arm: str) -> np.ndarray:
    """Of one arm, (world, budget, seed). Who has no budget is the same at all of them."""
    budgets = case.params.simulate.budgets
    if arm in ("random", "exact"):
        return np.repeat(data[arm].values[:, None], len(budgets), 1)
    if arm in PLANNED:
        return np.stack([planned(case, data, trained, arm, place) for place in range(data.sizes["world"])])
    source = "sac" if arm == "exact_agent" else arm
    values, step = curves["returns"].sel(arm=source).values, curves["step"].values
    ends = [min(budget, step[-1]) if arm == "sac" else step[-1] for budget in budgets]
    return np.stack([values[:, i][..., late(step, end)].mean(-1) for i, end in enumerate(ends)], 1)


def late(step: np.ndarray, end: int) -> np.ndarray:
    """Whether an evaluation is one of the last of a training of so many steps; at least the last one is."""
    done = step[step <= end]
    return (step <= end) & (step > min((1 - LAST) * end, done[-1] - 1))


def planned(case: Case[Params], data: xr.Dataset, trained: xr.DataTree, arm: str, place: int) -> np.ndarray:
    """Returns of planning on the models of one world, (budget, seed); all draw as the planner on the exact law did."""
    p = case.params.simulate
    world, starts = list(pendulums(p).values())[place], data["starts"].values
    starts = np.tile(starts, (len(p.budgets), 1, 1))
    law = law_of(case.params, trained, arm, place)
    found = controlled(world, starts, projected(law), reward, p.planner, p.horizon, case.rng("planner"))
    return found.reshape(len(p.budgets), p.seeds)


def law_of(p: Params, trained: xr.DataTree, arm: str, place: int) -> Move:
    """The models of one world that a planner plans on, (budgets x seeds) of them."""
    if arm == "sparse_plan":
        coefficients = trained["sparse"].to_dataset()["coefficient"].values[place]
        return sparse_law(coefficients.reshape(-1, *coefficients.shape[2:]), p.train.sparse.degree)
    session = int(arm == "hyper_after")
    order = place if session == 0 else 1 - place
    flat = trained["hyper"].to_dataset()["weights"].values[order, session]
    return network_law(flat.reshape(-1, flat.shape[-1]), Sizes(p).made)


def bills(p: Params) -> dict[str, list[list[float]]]:
    """Of each arm of `BILLED` at each budget: surrogate steps, parameters, multiplications of learning and of use.

    A planner's surrogate steps are those of one episode; it has no policy. An agent's bill is that of its whole
    training, in the real task too, whatever the budget.
    """
    sizes, steps, horizon = Sizes(p), p.train.learning.steps, p.simulate.horizon
    found: dict[str, list[list[float]]] = {"surrogate_steps": [], "parameters": [], "learning": [], "use": []}
    for arm in BILLED:
        plans, model = arm in PLANNED, arm.removesuffix("_plan")
        foreseen, act = (
            sizes.foreseen(),
            sizes.agent(horizon) - max(horizon - p.train.learning.warmup, 0) * sizes.update(),
        )
        rows: list[list[float]] = [[], [], [], []]
        for budget in p.simulate.budgets:
            rows[0].append(foreseen if plans else 0 if arm == "sac" else steps)
            rows[1].append(sizes.parameters(model) + (0 if plans else sizes.policy()))
            rows[2].append(sizes.fit(model, budget) + (0 if plans else sizes.agent(steps, sizes.move(model))))
            rows[3].append(foreseen * sizes.move(model) if plans else act)
        for key, row in zip(found, rows, strict=True):
            found[key].append(row)
    return found


def to_goal(
    p: Params, reached: np.ndarray, along: np.ndarray, step: np.ndarray, goal: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Real steps and multiplications until the goal is reached, (arm, world, seed); NaN where it isn't.

    Third, the multiplications again, but where it isn't reached those of the largest budget and the whole training (of
    a planner, of an episode), which is the least that it would have taken.

    With a model: the smallest budget whose return reaches it; an agent then pays for the surrogate steps up to the
    first evaluation that does, a planner for one episode. Without: all up to the first evaluation that does.

    Parameters
    ----------
    reached : ndarray, shape (arm, world, budget, seed)
        In the order of `BILLED`.
    along : ndarray, shape (agent, world, budget, seed, step)
        In the same order, without the planners.
    """
    sizes, budgets = Sizes(p), np.array(p.simulate.budgets)
    real, spent = np.full((2, len(reached), reached.shape[1], reached.shape[3]), np.nan)
    for i, arm in enumerate(BILLED):
        for world, seed in np.ndindex(real.shape[1:]):
            if arm == "sac":
                there = along[i, world, 0, seed] >= goal
                if there.any():
                    real[i, world, seed] = step[there.argmax()]
                    spent[i, world, seed] = sizes.agent(int(step[there.argmax()]))
                continue
            enough = reached[i, world, :, seed] >= goal
            if not enough.any():
                continue
            place = enough.argmax()
            model = arm.removesuffix("_plan")
            real[i, world, seed], cost = budgets[place], sizes.fit(model, int(budgets[place]))
            if arm in PLANNED:
                spent[i, world, seed] = cost + sizes.foreseen() * sizes.move(model)
            else:
                first = step[(along[i, world, place, seed] >= goal).argmax()]
                spent[i, world, seed] = cost + sizes.agent(int(first), sizes.move(model))
    bill = bills(p)
    whole = [bill["learning"][i][-1] + (bill["use"][i][-1] if arm in PLANNED else 0) for i, arm in enumerate(BILLED)]
    return real, spent, np.where(np.isnan(spent), np.array(whole)[:, None, None], spent)
