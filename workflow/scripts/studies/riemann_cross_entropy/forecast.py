"""Scores: limits of the searches against known zeros, errors of estimates against known probabilities, decoders."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.riemann_cross_entropy.decoding import beam, best, sample
from studies.riemann_cross_entropy.dirichlet import OFF_LINE, smooth_count
from studies.riemann_cross_entropy.params import Params
from studies.riemann_cross_entropy.rare import Event
from studies.riemann_cross_entropy.train import CLIP, events, group

NEAR = 1e-6
"""Limits as close as that are one zero, and a known zero is found."""
NONE = "no limit was kept"
even = partial(labelled, may_be_constant=1)


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.DataTree:
    """`search`, by seed; `rare`, by event and seed; `decoding`, by model."""
    parts = {"search": found(case, data, trained["search"]), "rare": estimated(case, data, trained)}
    return xr.DataTree.from_dict(parts | {"decoding": decoded(case, data["models/next"].values)})


# ----------------------------------------------------------------------------------------------------------- searches


def found(case: Case[Params], data: Any, searches: Any) -> xr.Dataset:
    """Recall and precision in each window of the tested function, and what its limits and the witness's say."""
    params, windows = case.params, case.params.simulate.windows
    seeds, tested = range(params.train.searches), params.forecast.tested
    of = {
        function: [limits(params, searches.sel(function=function).isel(seed=i)) for i in seeds]
        for function in (tested, params.forecast.witness)
    }
    known = 0.5 + 1j * data["known/ordinate"].values
    count = data["counts/zeros"].sel(function=tested)
    rows = []
    for zeros in of[tested]:
        row = []
        for name, window in windows.items():
            inside = zeros[(zeros.imag > window.low) & (zeros.imag < window.high)]
            true = known[(known.imag > window.low) & (known.imag < window.high)]
            near = abs(inside[:, None] - true) < NEAR
            right = near.any(1).mean() if inside.size else 0.0
            row.append((near.any(0).mean(), right, float(count.sel(window=name)) - inside.size))
        rows.append(row)
    recall, precision, unfound = np.moveaxis(np.array(rows, float), -1, 0)
    off = np.array([abs(zeros.real - 0.5).max() if zeros.size else np.nan for zeros in of[tested]])
    apart = np.array([abs(zeros - OFF_LINE).min() if zeros.size else np.nan for zeros in of[params.forecast.witness]])
    smooth = [float(np.diff(smooth_count([w.low, w.high]))[0]) for w in windows.values()]
    kept = searches["size"].sel(function=tested) < params.forecast.converged
    dims = ("seed", "window")
    return xr.Dataset(
        {
            "recall": even(dims, recall, "share of the known zeros that were found"),
            "precision": even(dims, precision, "share of the limits that are known zeros"),
            "unfound": even(dims, unfound, "zeros by the argument principle, less those found"),
            "predicted": labelled("window", smooth, "zeros expected by the smooth count"),
            "limits": even("seed", [z.size for z in of[tested]], "different limits of the tested function"),
            "off_line": even("seed", off, "largest |sigma - 1/2| of the limits", nan=NONE),
            "from_witness": even(
                "seed", apart, "distance of the nearest limit to the known zero off the line", nan=NONE
            ),
            "converged": even("seed", kept.mean("start").values, "share of the searches that converged"),
        },
        {"window": list(windows)},
    )


def limits(params: Params, searches: Any) -> np.ndarray:
    """Different limits of one seed's searches, as complex numbers: |f| small, and not at the edge of the strip."""
    last = searches["mean"].isel(iteration=-1).values
    low, high = CLIP[0] + params.forecast.edge, CLIP[1] - params.forecast.edge
    kept = (searches["size"].values < params.forecast.converged) & (last[:, 0] > low) & (last[:, 0] < high)
    zeros = last[kept] @ np.array([1, 1j])
    zeros = zeros[np.argsort(zeros.imag)]
    different: list[complex] = []
    for zero in zeros:
        if all(abs(zero - other) > NEAR for other in different):
            different.append(zero)
    return np.array(different, complex)


# -------------------------------------------------------------------------------------------------------- rare events


def estimated(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """Per event: its probability, estimates by the fitted law and by plain sampling, and errors against sample size."""
    every = events(case, data["known/ordinate"].values)
    rows = [estimates(case, event, name, trained) for name, event in case.progress(every.items())]
    truth = [event.probability() for event in every.values()]
    tilted, crude = (np.array([row[i] for row in rows]) for i in (0, 1))
    exact = np.array(truth)[:, None]
    numbers = case.params.forecast.samples
    each = np.array([row[2] for row in rows]) / exact[..., None, None] - 1
    plain = np.array([row[3] for row in rows]) / exact[..., None, None] - 1
    dims = ("event", "estimate")
    return xr.Dataset(
        {
            "truth": labelled("event", truth, "probability"),
            "by_tilting": even(dims, tilted, "estimate from the fitted law"),
            "by_chance": even(dims, crude, "estimate by plain Monte Carlo"),
            "ratio": labelled(dims, tilted / np.maximum(crude, 1e-300), "fitted law over plain Monte Carlo"),
            "error": even(dims, abs(tilted / exact - 1), "relative error from the fitted law"),
            "error_at": even((*dims, "samples"), np.sqrt((each**2).mean(2)), "relative error from the fitted law"),
            "plain_error_at": labelled(
                (*dims, "samples"),
                np.sqrt((plain**2).mean(2)),
                "relative error of plain Monte Carlo",
                may_be_constant=1,
            ),
        },
        {"event": list(every), "samples": numbers},
    )


def estimates(case: Case[Params], event: Event, name: str, trained: Any) -> tuple[np.ndarray, ...]:
    """By the law, by plain sampling: all samples (seeds,) of each; then sizes of samples, (seeds, repeats, samples)."""
    params, seeds = case.params.forecast, case.params.train.estimates
    laws = trained[f"{group(name)}/law"].values
    law = laws[-1] if case.params.train.tilted else None
    rng, sizes = case.rng(name), np.array(params.samples)
    found: tuple[list, list] = ([], [])
    for _ in range(params.repeats):
        for of, kept in zip((law, None), found, strict=True):
            x = event.draw(of, (seeds, sizes[-1]), rng)
            value = (event.score(x) <= event.level).astype(float)
            if of is not None and params.weighted:
                value *= np.where(value > 0, np.exp(event.log_ratio(of, x)), 0.0)
            kept.append(np.cumsum(value, 1)[:, sizes - 1] / sizes)
    tilted, plain = (np.stack(kept, 1) for kept in found)
    return tilted[..., -1].mean(1), plain[..., -1].mean(1), tilted, plain


# ----------------------------------------------------------------------------------------------------------- decoding


def decoded(case: Case[Params], rows: np.ndarray) -> xr.Dataset:
    """Log probability of each model's path by each method, and the differences that C7 is on."""
    params = case.params.forecast
    drawn = sample(rows, params.length, params.sampled, params.nucleus, case.rng("paths"))
    score, of_beam = beam(rows, params.length, params.beam, params.nucleus)
    kept = score.max(1)
    greedy = beam(rows, params.length, 1, params.nucleus)[0].max(1)
    methods = {
        "greedy": greedy,
        "top-p": drawn.mean(1),
        f"best of {params.sampled} top-p": drawn.max(1),
        "beam in the nucleus": kept,
        "Viterbi": best(rows, params.length),
    }
    return xr.Dataset(
        {
            "log_probability": even(("method", "model"), list(methods.values()), "log probability of the path", "nat"),
            "over_greedy": even("model", kept - greedy, "beam over greedy", "nat"),
            "over_sampling": even("model", kept - drawn.mean(1), "beam over the mean of top-p", "nat"),
            "over_sampled": even("model", (kept > drawn.mean(1) + 1e-6).astype(float), "beam better than top-p's mean"),
            "beam_entropy": even(("model", "step"), of_beam, "entropy of the paths kept", "nat"),
            "no_worse": even("model", (kept >= greedy - 1e-12).astype(float), "beam no worse than greedy"),
        },
        {"method": list(methods)},
    )
