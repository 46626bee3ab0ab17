"""The interaction with problems of more and more channels, or of a slower and slower state, and their hardest gaps."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.hardest.params import Params, Sweep
from studies.dynamical_linear_bandits.problems import one_good_channel
from studies.dynamical_linear_bandits.runs import play_all


def train(case: Case[Params]) -> xr.DataTree:
    """Return a group for each sweep: what the learners did over (learner, channels, rho, gap, seed)."""
    return xr.DataTree.from_dict({name: _swept(case, sweep) for name, sweep in case.params.train.sweeps.items()})


def _swept(case: Case[Params], sweep: Sweep) -> xr.Dataset:
    params = case.params.train
    settings = [
        (one_good_channel(channels, gap, rho), params.noise, sweep.horizon)
        for channels in sweep.channels
        for rho in sweep.rhos
        for gap in params.gaps
    ]
    result = play_all(case, settings, {"channels": sweep.channels, "rho": sweep.rhos, "gap": params.gaps})
    margin = labelled("rho", 1 / (1 - np.array(sweep.rhos)), "1 / (1 - rho)", may_be_constant=1)
    return result.assign({"inverse_margin": margin} | _worst_gap(result))


def _worst_gap(result: xr.Dataset) -> dict:
    """Regret at the gap of largest mean regret: a bound for all problems is tested by the hardest.

    `easiest_share` tells a learner that has learned from one that still explores, which loses the same at every gap.
    """
    place, last = result.final_regret.mean("seed").argmax("gap"), result.sizes["gap"] - 1
    worst, easiest = result.final_regret.isel(gap=place), result.share_of_random.isel(gap=last)
    gap, inside = result.gap.values[place.values], (place.values > 0) & (place.values < last)
    share = "R_T over the mean regret of random play, at the largest gap"
    return {
        "worst_regret": labelled(worst.dims, worst.values, "regret R_T at the gap of largest mean regret"),
        "worst_gap": labelled(place.dims, gap, "gap of largest mean regret", may_be_constant=1),
        "worst_is_inside": labelled(place.dims, inside, "the hardest gap lies inside the swept ones"),
        "easiest_share": labelled(easiest.dims, easiest.values, share),
    }
