"""The interaction with systems of more and more channels, and the hardest gap of each dimension."""

import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.dimension.params import Params
from studies.dynamical_linear_bandits.runs import play_all
from studies.dynamical_linear_bandits.systems import problems


def train(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Return regret, estimates, information and arm counts over (learner, channels, gap, seed)."""
    params, swept = case.params.train, case.params.simulate
    settings = [(problem, params.noise, params.horizon) for problem in problems(data)]
    result = play_all(case, settings, {"channels": swept.channels, "gap": swept.gaps})
    return result.assign(_worst_gap(result))


def _worst_gap(result: xr.Dataset) -> dict:
    """For each dimension the gap of largest mean regret: a bound for all problems is tested by the hardest."""
    worst = result.final_regret.isel(gap=result.final_regret.mean("seed").argmax("gap"))
    share = result.best_share.max("gap")
    return {
        "worst_regret": labelled(worst.dims, worst.values, "regret R_T at the gap of largest mean regret"),
        "easiest_share": labelled(
            share.dims, share.values, "share of the best arm in the last tenth, at the easiest gap"
        ),
    }
