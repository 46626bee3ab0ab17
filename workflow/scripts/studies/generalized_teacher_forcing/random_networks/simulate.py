"""Random networks, of which those that are chaotic are kept."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.errors import UserError
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.generalized_teacher_forcing.random_networks.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Draw clipped shallow PLRNNs with random weights, in the layout of `pesin.models.shplrnn.Weights`.

    Of random networks many fall into cycles. The claim is about chaos: the first that are chaotic are kept.
    """
    p = case.params.simulate
    rng = case.rng("networks")
    n, m, hidden = p.candidates, p.dim, p.hidden
    drawn = {
        "A": (("dim",), rng.uniform(0, 0.9, (n, m)), "diagonal of A"),
        "W1": (("hidden", "dim"), p.gain * rng.uniform(-1, 1, (n, hidden, m)) / np.sqrt(hidden), "W1, transposed"),
        "W2": (("dim", "hidden"), p.gain * rng.uniform(-1, 1, (n, m, hidden)) / np.sqrt(m), "W2, transposed"),
        "h1": (("dim",), rng.uniform(-0.1, 0.1, (n, m)), "bias h1"),
        "h2": (("hidden",), rng.uniform(-1, 1, (n, hidden)), "kinks h2"),
        "z0": (("dim",), rng.standard_normal((n, m)), "start"),
    }
    exponent = _pilot_exponent({name: values for name, (_, values, _) in drawn.items()})
    kept = np.flatnonzero(exponent > p.chaotic_above)[: p.networks]
    if len(kept) < p.networks:
        raise UserError(
            f"{case.study}/{case.name}: of {n} random networks {len(kept)} are chaotic; {p.networks} are asked for."
            " Raise simulate.candidates or simulate.gain."
        )
    return xr.Dataset(
        {
            name: labelled(("network", *dims), values[kept], long_name)
            for name, (dims, values, long_name) in drawn.items()
        },
        {"network": kept},
        {"share_chaotic": float(np.mean(exponent > p.chaotic_above))},
    )


def _pilot_exponent(w, steps: int = 2000, transient: int = 2000) -> np.ndarray:
    """Growth rate of one tangent vector of each network [nat/step]."""
    z, tangent, total = w["z0"], np.ones_like(w["z0"]), np.zeros(len(w["z0"]))
    for t in range(transient + steps):
        u = np.einsum("nm,nmh->nh", z, w["W2"])
        bend = np.maximum(u + w["h2"], 0) - np.maximum(u, 0)
        slope = (u > -w["h2"]).astype(float) - (u > 0)
        push = slope * np.einsum("nm,nmh->nh", tangent, w["W2"])
        tangent = w["A"] * tangent + np.einsum("nh,nhm->nm", push, w["W1"])
        z = w["A"] * z + np.einsum("nh,nhm->nm", bend, w["W1"]) + w["h1"]
        length = np.linalg.norm(tangent, axis=1)
        tangent = tangent / length[:, None]
        total = total + np.log(length) * (t >= transient)
    return total / steps
