"""The learning on the point between two goals: all agents and seeds in one loop."""

import xarray as xr

from pesin.steps.case import Case
from studies.soft_actor_critic.point_mass.params import Params
from studies.soft_actor_critic.point_mass.simulate import TWO_GOALS
from studies.soft_actor_critic.training import curves, evaluations, train_agents


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Return curves, visited states and weights."""
    history, left = train_agents(case, data, TWO_GOALS)
    return xr.DataTree.from_dict({"curves": curves(case.params, history, *evaluations(case.params, history)), **left})
