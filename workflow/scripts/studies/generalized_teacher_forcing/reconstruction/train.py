"""Train shPLRNNs with every forcing and seed in one runs axis, and fit the baselines, all on the noisy orbit alone."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models import linear, reservoir, shplrnn, sindy
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.generalized_teacher_forcing.reconstruction.params import (
    Baseline,
    EchoState,
    Growth,
    Linear,
    Params,
    Sindy,
    Train,
)

ADAPTIVE, SPARSE = "adaptive", "sparse"


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Hess et al. 2023, sect. 3: all constant alphas, the annealed alpha and sparse forcing from one start per seed.

    Runs are noise level x forcing x seed, in this order. Runs of one seed share the start, the windows of each batch
    and (up to its size) the noise: differences between forcings are paired.
    """
    p = case.params.train
    observed, seeds = data.observed.values, data.seed.values
    forcings = [f"{alpha:g}" for alpha in p.alphas] + _more_forcings(p)
    shape = (len(observed), len(forcings), len(seeds))
    rngs = _rngs(case, "windows", seeds)
    draw = shplrnn.window_sampler(observed, p.window, p.batch, rngs, case.device)

    def batches(update):
        windows = draw(update)[:, :, None]
        return windows.expand(-1, -1, len(forcings), -1, -1, -1).reshape(len(windows), -1, *windows.shape[-2:])

    trained = shplrnn.train(
        _start(case, observed, len(forcings), seeds),
        batches,
        _forcing(p, forcings, shape, case.device),
        p.updates,
        p.learning_rate,
        p.weight_decay,
        0.0 if p.memory is None else p.memory,
        record_every=max(1, p.updates // 100),
        progress=case.progress,
        checkpoint=case.checkpoint("shplrnn", rngs),
    )
    diagnostics = _diagnostics(trained, p.alphas, forcings, shape, data)
    if p.growth:
        diagnostics = diagnostics.merge(_growth(case, p.growth, trained.weights, forcings, shape, data))
    tree = {"/": diagnostics, "/shplrnn": _weights(trained, shape)}
    for one in p.baselines:
        tree[f"/{one.model}"] = _baseline(case, one, observed, seeds, float(data.dt))
    return xr.DataTree.from_dict(tree)


def _more_forcings(p: Train) -> list[str]:
    """Forcings that aren't a constant alpha, as far as they are asked for."""
    return [name for name, asked in ((ADAPTIVE, p.memory), (SPARSE, p.sparse_every)) if asked is not None]


def _rngs(case: Case[Params], stream, seeds):
    return [case.rng(f"{stream} {seed}") for seed in seeds]


def _start(case: Case[Params], observed, forcings, seeds) -> shplrnn.Weights:
    """One start for each noise level and seed, repeated for each forcing."""
    p = case.params.train
    starts = []
    for orbit in observed:
        if p.start == "random":
            generator = torch.Generator().manual_seed(case.seed("start"))
            start = shplrnn.random_start(len(seeds), orbit.shape[-1], p.hidden, generator)
        else:
            start = shplrnn.closed_form_start(orbit, p.hidden, p.ridge, _rngs(case, "start", seeds))
        starts.append(shplrnn.repeat(start, forcings))
    return shplrnn.Weights(*(torch.cat(w).to(case.device) for w in zip(*starts, strict=True)))


def _forcing(p: Train, forcings, shape, device) -> shplrnn.Forcing:
    # The annealed protocol starts from full forcing; sparse forcing replaces the whole state.
    alpha = [*p.alphas, *[1.0] * (len(forcings) - len(p.alphas))]
    every = [p.sparse_every if name == SPARSE else 1 for name in forcings]
    adaptive = [name == ADAPTIVE for name in forcings]
    gentle = [
        a < p.gentle_below or (name == SPARSE and p.gentle_below > 0) for name, a in zip(forcings, alpha, strict=True)
    ]
    pace = [p.gentle_pace if g else 1.0 for g in gentle]

    def runs(values, dtype):
        return torch.tensor(values, dtype=dtype, device=device)[None, :, None].expand(shape).flatten()

    return shplrnn.Forcing(
        runs(alpha, torch.float32), runs(every, torch.long), runs(adaptive, torch.bool), runs(pace, torch.float32)
    )


def _diagnostics(trained: shplrnn.Trained, alphas, forcings, shape, data) -> xr.Dataset:
    """Losses, gradients, alphas, and which runs diverged. A norm that overflowed stands as the largest float32."""
    over = ("noise", "forcing", "seed")
    records = [np.moveaxis(s.reshape(-1, *shape), 0, -1) for s in (trained.loss, trained.gradient_norm, trained.alpha)]
    largest = np.log10(trained.max_gradient_norm.reshape(shape).astype(float))
    diverged = trained.diverged.reshape(shape)
    return xr.Dataset(
        {
            "loss": labelled((*over, "update"), records[0], "mean squared error before forcing", nan=DIVERGED),
            "gradient_norm": labelled((*over, "update"), records[1], "norm of the gradient"),
            "forcing_strength": labelled((*over, "update"), records[2], "alpha during training", nan=DIVERGED),
            "diverged": labelled(over, diverged, "a weight isn't finite"),
            "log10_max_gradient_norm": labelled(
                ("noise", "alpha", "seed"),
                largest[:, : len(alphas)],
                "decimal logarithm of the largest gradient norm in training (overflow: 38.53)",
            ),
        },
        {"noise": data.noise, "forcing": forcings, "alpha": list(alphas), "seed": data.seed, "update": trained.updates},
        {"status": f"diverged runs: {int(diverged.sum())} of {diverged.size}" if diverged.any() else "ok"},
    )


def _growth(case: Case[Params], asked: Growth, weights, forcings, shape, data) -> xr.Dataset:
    """Gradient norms of networks trained with one forcing, at all constant forcings and for windows of several lengths.

    Networks and windows are the same at each forcing and length, so that these alone make the difference.
    """
    alphas, seeds = case.params.train.alphas, data.seed.values
    levels, n = shape[0], len(alphas)
    rngs = _rngs(case, "growth", seeds)
    x = shplrnn.window_sampler(data.observed.values, max(asked.lengths), asked.batch, rngs, case.device)(0)
    x = x[:, :, None].expand(-1, -1, n, -1, -1, -1).reshape(len(x), -1, *x.shape[-2:])
    one = forcings.index(f"{asked.trained_at:g}")
    nets = (w.unflatten(0, shape)[:, one, None].expand(-1, n, -1, -1, -1).flatten(0, 2) for w in weights)
    forcing = torch.tensor(alphas, device=case.device)[None, :, None].expand(levels, n, len(seeds)).flatten()
    norms = shplrnn.gradient_norms(shplrnn.Weights(*nets), x, forcing, asked.lengths).double().log().cpu().numpy()
    norms = np.moveaxis(norms.reshape(-1, levels, n, len(seeds)), 0, -1)
    time = np.array(asked.lengths) * float(data.dt)
    slopes = np.polyfit(time, norms.reshape(-1, len(time)).T, 1)[0].reshape(norms.shape[:-1])
    over, unit = ("noise", "alpha", "seed"), data.dt.attrs["units"]
    said = f"networks trained at alpha = {asked.trained_at:g}"
    return xr.Dataset(
        {
            "log_gradient_norm": labelled((*over, "steps"), norms, f"logarithm of the gradient norm, {said}"),
            "gradient_growth": labelled(
                over, slopes, f"growth of the gradient norm with the window's length, {said}", f"nat/{unit}"
            ),
        },
        {"steps": list(asked.lengths)},
    )


def _weights(trained: shplrnn.Trained, shape) -> xr.Dataset:
    dims = {"A": "row dim", "W1": "hidden dim", "W2": "dim hidden", "h1": "row dim", "h2": "row hidden"}
    return xr.Dataset(
        {
            name: labelled(
                ("noise", "forcing", "seed", *dims[name].split()),
                value.cpu().numpy().reshape(*shape, *value.shape[1:]),
                f"weights {name} of the shPLRNN",
                nan=DIVERGED,
            )
            for name, value in trained.weights._asdict().items()
        }
    )


def _baseline(case: Case[Params], asked: Baseline, observed, seeds, dt: float) -> xr.Dataset:
    if isinstance(asked, Linear):
        return _var(observed)
    return _esn(case, asked, observed, seeds) if isinstance(asked, EchoState) else _sindy(asked, observed, dt)


def _var(observed) -> xr.Dataset:
    fits = np.stack([linear.fit(orbit) for orbit in observed])
    return xr.Dataset({"coefficients": labelled(("noise", "term", "dim"), fits, "VAR(1): constant, then lag 1")})


def _esn(case: Case[Params], p: EchoState, observed, seeds) -> xr.Dataset:
    fits = [reservoir.fit(x, p.units, _rngs(case, "reservoir", seeds), p.ridges) for x in observed]
    dims = {
        "inside": "seed input unit",
        "recurrent": "seed unit unit_after",
        "readout": "seed feature dim",
        "leak": "",
        "ridge": "seed",
    }
    return xr.Dataset(
        {
            name: labelled(("noise", *axes.split()), np.stack([getattr(f, name) for f in fits]), f"{name} of the ESN")
            for name, axes in dims.items()
        }
    )


def _sindy(p: Sindy, observed, dt: float) -> xr.Dataset:
    fits = [sindy.fit(orbit, dt, threshold=p.threshold) for orbit in observed]
    return xr.Dataset(
        {
            "coefficients": labelled(("noise", "dim", "term"), np.stack([c for c, _ in fits]), "SINDy coefficients"),
            "powers": labelled(("term", "factor"), fits[0][1], "exponents of the monomials"),
        }
    )
