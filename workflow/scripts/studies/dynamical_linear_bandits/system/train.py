"""The interaction with a given system, at every noise level and horizon."""

import xarray as xr

from pesin.steps.case import Case
from studies.dynamical_linear_bandits.problems import expert_action
from studies.dynamical_linear_bandits.runs import play_all
from studies.dynamical_linear_bandits.system.params import Params
from studies.dynamical_linear_bandits.systems import problem_of


def train(case: Case[Params], data: xr.DataTree) -> xr.Dataset:
    """Return regret, estimates, information, arm counts and the log over (learner, noise, horizon, seed)."""
    params, noises = case.params.train, case.params.simulate.noises
    problem = problem_of(data["system"].to_dataset())
    settings = [(problem, noise, horizon) for noise in noises for horizon in params.horizons]
    expert = expert_action(params.expert, case.params.simulate.budget) if params.expert else None
    return play_all(case, settings, {"noise": noises, "horizon": params.horizons}, params.log_rounds, expert)
