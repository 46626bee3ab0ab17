"""Entropies: of the searches' laws, of what fitted laws miss, of spacings of zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.entropy.gaussian import gaussian_entropy
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.riemann_cross_entropy.dirichlet import smooth_count
from studies.riemann_cross_entropy.params import Params
from studies.riemann_cross_entropy.rare import Event
from studies.riemann_cross_entropy.train import events, group

LARGEST = 3.0
"""Of the spacings in the histogram, in mean spacings."""
FLOOR = 1e-12
"""Least standard deviation in an entropy: below it rounding decides."""


def entropy(case: Case[Params], data: Any, trained: Any) -> xr.DataTree:
    """`search` (function, iteration): median of the laws; `rare`: KL, effective samples; `spacings`."""
    params = case.params
    found = trained["search"]
    spread = np.maximum(found["spread"].values, FLOOR)
    diagonal = np.zeros((*spread.shape, 2))
    diagonal[..., [0, 1], [0, 1]] = spread**2
    nats = np.asarray(gaussian_entropy(diagonal).value)
    law = xr.Dataset(
        {
            "entropy": labelled(
                ("function", "iteration", "seed"),
                np.moveaxis(np.median(nats, 2), 1, 2),
                "differential entropy of the sampling law, median of the starts",
                "nat",
                may_be_constant=1,
            )
        },
        {"function": found["function"].values, "iteration": np.arange(spread.shape[3])},
    )
    rare = {f"rare/{group(name)}": fits(case, event, name, trained) for name, event in
            events(case, data["known/ordinate"].values).items()}  # fmt: skip
    parts = {"search": law, "spacings": spacings(data["known/ordinate"].values, params.entropy.bins)}
    return xr.DataTree.from_dict(parts | rare)


def fits(case: Case[Params], event: Event, name: str, trained: Any) -> xr.Dataset:
    """Per fit of a sampling law: ln P + E*[ln p / q], the divergence from the best law, and the effective samples."""
    laws = trained[f"{group(name)}/law"].values
    params = case.params.train
    truth, divergence, effective = event.probability(), [], []
    for law in laws:
        x = event.draw(law, (params.estimates, params.draws), case.rng(name))
        hit = event.score(x) <= event.level
        log_ratio = np.where(hit, event.log_ratio(law, x), -np.inf)
        weight = np.exp(log_ratio)
        total = weight.sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (weight * np.where(hit, log_ratio, 0.0)).sum(1) / total
            effective.append(np.where(total > 0, total**2 / (weight**2).sum(1) / params.draws, 0.0))
        divergence.append(np.where(total > 0, mean - np.log(truth), np.nan))
    dims, none = ("fit", "estimate"), "no sample was in the event"
    shape = (len(laws), params.estimates)
    return xr.Dataset(
        {
            "divergence": labelled(
                dims, np.reshape(divergence, shape), "KL of the best law from the fitted", "nat", nan=none
            ),
            "effective": labelled(dims, np.reshape(effective, shape), "effective share of the samples"),
        }
    )


def spacings(ordinates: np.ndarray, bins: int) -> xr.Dataset:
    """Histogram of unfolded spacings, its entropy, and its divergence from Wigner's law (GUE) and from Poisson's."""
    s = np.diff(smooth_count(ordinates))
    edges = np.linspace(0, LARGEST, bins + 1)
    share = np.histogram(s.clip(max=LARGEST - 1e-9), edges)[0] / s.size
    fine = (np.arange(200 * bins) + 0.5) * LARGEST / (200 * bins)
    laws = {"GUE": 32 / np.pi**2 * fine**2 * np.exp(-4 * fine**2 / np.pi), "Poisson": np.exp(-fine)}
    expected = {name: law.reshape(bins, -1).sum(1) / law.sum() for name, law in laws.items()}
    log = np.log(np.where(share > 0, share, 1.0))
    return xr.Dataset(
        {
            "share": labelled("bin", share, "share of spacings"),
            "expected": labelled(("law", "bin"), list(expected.values()), "share expected"),
            "entropy": labelled((), -(share * log).sum(), "entropy of the histogram", "nat"),
            "divergence": labelled("law", [(share * (log - np.log(e))).sum() for e in expected.values()], "KL", "nat"),
        },
        {"law": list(laws), "bin": (edges[1:] + edges[:-1]) / 2},
    )
