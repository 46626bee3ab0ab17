"""Where the episodes of the point between two goals start."""

import xarray as xr

from pesin.environments.environment import Environment
from pesin.environments.point_mass import TwoGoals
from pesin.steps.case import Case
from studies.soft_actor_critic.point_mass.params import Params
from studies.soft_actor_critic.tasks import draw_starts

TWO_GOALS: Environment = TwoGoals()  # type: ignore[assignment]  # the protocol wants members that can be set


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return banks of start states."""
    return draw_starts(case, TWO_GOALS)
