"""The lower bound of attention entropy: held against random attention, and against the logits that should reach it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.learning import attention_entropy_bound, extremal_scores
from pesin.entropy.policy import categorical_entropy
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.sigma_reparam_attention_entropy.bound.params import Params

AT_ONCE = 250  # attention matrices in memory


def entropy(case: Case[Params]) -> xr.Dataset:
    """Return entropies and bounds of random attention (draw) and of the extremal logits (norm, length)."""
    return xr.merge([random_attention(case), extremal_attention(case)])


def random_attention(case: Case[Params]) -> xr.Dataset:
    """Draw tokens and weights, Gaussian, over decades of the weights' scale; the least entropy among the rows.

    `gap` uses the theorem's s = |W_Q W_K'| |X X'| / sqrt(features), `row_gap` each row's own norm, which is the sharper
    one and holds for the same reason.
    """
    params, rng = case.params.entropy, case.rng("attention")
    gaps, rows, norms, entropies, lengths = [], [], [], [], []
    width = params.features
    for length in params.lengths:
        for first in range(0, params.draws, AT_ONCE):
            n = min(AT_ONCE, params.draws - first)
            x = rng.normal(size=(n, length, width))
            low, high = np.log(params.scale)
            scale = np.exp(rng.uniform(low, high, size=n))
            query, key = scale[:, None, None] * rng.normal(size=(2, n, width, width))
            product = query @ key.swapaxes(1, 2) / np.sqrt(width)
            logits = x @ product @ x.swapaxes(1, 2)
            centred = logits - logits.mean(-1, keepdims=True)
            row_norm = np.linalg.norm(centred, axis=-1)
            if params.norm_logits:
                logits = centred / np.maximum(row_norm[..., None], 1e-300)
            found = categorical_entropy(logits)
            s = np.linalg.norm(product, 2, axis=(1, 2)) * np.linalg.norm(x, 2, axis=(1, 2)) ** 2
            gaps.append((found - attention_entropy_bound(s, length)[:, None]).min(1))
            rows.append((found - attention_entropy_bound(row_norm, length)).min(1))
            lowest = found.argmin(1)
            norms.append(np.stack([s, row_norm[np.arange(n), lowest]]))
            entropies.append(found.min(1))
            lengths.append(np.full(n, length))
    theorem, row = np.concatenate(norms, 1)
    return xr.Dataset(
        {
            "gap": labelled("draw", np.concatenate(gaps), "least entropy of a row minus the theorem's bound", "nat"),
            "row_gap": labelled(
                "draw", np.concatenate(rows), "least entropy minus bound, by the row's own norm", "nat"
            ),
            "lowest_entropy": labelled("draw", np.concatenate(entropies), "least entropy of a row", "nat"),
            "theorem_norm": labelled("draw", theorem, "|W_Q W_K'| |X X'| / sqrt(features)"),
            "row_norm": labelled("draw", row, "norm of the row of least entropy, mean taken off"),
            "draw_length": labelled("draw", np.concatenate(lengths), "number of keys"),
        },
        coords={"draw": np.arange(len(theorem))},
    )


def extremal_attention(case: Case[Params]) -> xr.Dataset:
    """Entropy of the logits that should have the least, for each norm and length, beside the bound."""
    params = case.params.entropy
    norms, lengths = np.asarray(params.norms), params.lengths
    logits = [extremal_scores(norms, length) for length in lengths]
    if params.norm_logits:
        logits = [z / np.maximum(np.linalg.norm(z, axis=-1, keepdims=True), 1e-300) for z in logits]
    found = np.stack([categorical_entropy(z) for z in logits], 1)
    length = np.asarray(lengths)
    expected = attention_entropy_bound(norms[:, None], length)
    law = length * norms[:, None] * np.exp(-norms[:, None])
    dims = ("norm", "length")
    return xr.Dataset(
        {
            "extremal_entropy": labelled(dims, found, "entropy of the extremal logits", "nat"),
            "bound": labelled(dims, expected, "lower bound of the entropy", "nat"),
            "law_ratio": labelled(
                dims,
                found / np.where(law > 0, law, np.inf),
                "entropy of the extremal logits over T s exp(-s); 0 at s = 0",
            ),
        },
        coords={"norm": norms, "length": lengths},
    )
