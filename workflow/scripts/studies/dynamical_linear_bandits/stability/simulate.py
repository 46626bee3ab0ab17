"""The synthetic system with a slower and slower state, its h unchanged."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.problems import slower_system
from studies.dynamical_linear_bandits.stability.params import Params
from studies.dynamical_linear_bandits.systems import laid_out


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return the systems over the dimension `system`."""
    rhos = np.array(case.params.simulate.rhos)
    return laid_out([slower_system(rho) for rho in rhos]).assign(
        rho=labelled("system", rhos, "spectral radius of A that was asked for")
    )
