"""Tables of logits with advantages."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.rl_entropy_mechanism.tabular.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return logits and advantages of random policies."""
    params, rng = case.params.simulate, case.rng("tables")
    shape = (params.policies, params.actions)
    return xr.Dataset(
        {
            "logits": labelled(("policy", "action"), rng.normal(size=shape), "logits of a softmax policy"),
            "advantages": labelled(("policy", "action"), rng.normal(size=shape), "advantage of each action"),
        },
        coords={"policy": np.arange(params.policies), "action": np.arange(params.actions)},
    )
