"""The interaction with slower and slower systems."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.runs import play_all
from studies.dynamical_linear_bandits.stability.params import Params
from studies.dynamical_linear_bandits.systems import problems


def train(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Return regret, estimates, information and arm counts over (learner, rho, seed)."""
    params, rhos = case.params.train, case.params.simulate.rhos
    settings = [(problem, params.noise, params.horizon) for problem in problems(data)]
    result = play_all(case, settings, {"rho": rhos})
    return result.assign(inverse_margin=labelled("rho", 1 / (1 - np.array(rhos)), "1 / (1 - rho)"))
