"""The exact entropy change of one step beside the covariance that it should be, for tables of logits."""

import numpy as np
import xarray as xr

from pesin.entropy.policy import entropy_change, exact_covariance, natural_gradient_change, policy_gradient_change
from pesin.stats.fits import loglog_slope
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.rl_entropy_mechanism.tabular.params import Params


def entropy(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Compare the exact entropy change of one gradient step with minus the covariance, for a row of learning rates."""
    logits, advantages = data["logits"].values, data["advantages"].values
    rates = np.asarray(case.params.entropy.rates)
    # The control pairs log-probabilities with the logit changes of other actions: a fixed shift by one action.
    order = np.roll(np.arange(logits.shape[-1]), int(case.params.entropy.shuffle_actions))
    changes, covariances = [], []
    for step in (policy_gradient_change, natural_gradient_change):
        moved = np.stack([step(logits, advantages, rate) for rate in rates], 1)
        table = np.broadcast_to(logits[:, None], moved.shape)
        changes.append(entropy_change(table, moved))
        covariances.append(exact_covariance(table, moved[..., order]))
    change, covariance = np.stack(changes), np.stack(covariances)
    error = np.abs(change + covariance)
    relative = error / np.abs(covariance)
    dims = ("gradient", "policy", "rate")
    return xr.Dataset(
        {
            "entropy_change": labelled(dims, change, "exact entropy change of one step", "nat"),
            "covariance": labelled(dims, covariance, "Cov(log pi, dz) over the actions", "nat"),
            "absolute_error": labelled(dims, error, "|dH + Cov|", "nat"),
            "relative_error": labelled(dims, relative, "|dH + Cov| / |Cov|"),
            "error_slope": labelled(
                dims[:2], loglog_slope(rates, relative), "exponent of the relative error against the learning rate"
            ),
        },
        coords={"gradient": ["policy_gradient", "natural_gradient"], "policy": data["policy"].values, "rate": rates},
    )
