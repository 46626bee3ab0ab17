"""Systems with one good channel, paid through a state, among d - 1 worthless ones."""

import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.dimension.params import Params
from studies.dynamical_linear_bandits.problems import one_good_channel
from studies.dynamical_linear_bandits.systems import laid_out


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return the systems over the dimension `system`."""
    params = case.params.simulate
    pairs = [(channels, gap) for channels in params.channels for gap in params.gaps]
    return laid_out([one_good_channel(channels, gap, params.rho) for channels, gap in pairs]).assign(
        channels=labelled("system", [channels for channels, _ in pairs], "number of channels d"),
        gap=labelled("system", [gap for _, gap in pairs], "value of the best arm minus that of the others"),
    )
