"""Ensembles of the dynamics, and the dynamics reward by adversarial inverse reinforcement learning."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import softplus

from pesin.models.gaussian_nets import gaussian_head, nll
from pesin.models.mlp import apply_mlp, init_mlp, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.models.snapshots import Snapshots
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.morec.agents import curves
from studies.morec.models import ACTIVATIONS, CEILING, FLOOR, Scales, world
from studies.morec.params import Activation, Params, Reward

BLOCKS = 20
BLOCKED = ("seed", "block")


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """`models_<activation>` (all members), `reward_<activation>` (snapshots, the untrained first) and `agents`."""
    known = data["data"].to_dataset()
    state, action, after = (known[name].values for name in ("state", "action", "next"))
    x = Scales.of(state, action, after).standard(state, action, after - state).to(case.device)
    found = {f"models_{kind}": _ensembles(case, x, kind) for kind in case.params.train.ensemble.activations}
    found |= {f"reward_{kind}": _reward(case, x, kind) for kind in case.params.train.reward.activations}
    pair = case.params.train.pair
    model = world(case.params, data, xr.DataTree.from_dict(found), pair.models, pair.reward)
    return xr.DataTree.from_dict(found | {"agents": curves(case, model)})


def _ensembles(case: Case[Params], x: torch.Tensor, kind: Activation) -> xr.Dataset:
    """Normal laws of the standardised change, members of all seeds in one runs axis, each with batches of its own."""
    how, rng = case.params.train.ensemble, case.rng(f"ensemble {kind}")
    runs = len(x) * how.members
    generator = torch.Generator().manual_seed(case.seed(f"ensemble {kind}"))
    parameters = init_mlp(runs, [2, *how.hidden, 2], generator, case.device)
    optimiser, rate = RunsOptimiser(parameters, "adam"), torch.full((runs,), how.lr, device=case.device)
    seed = torch.arange(len(x), device=case.device).repeat_interleave(how.members)[:, None]

    def loss(step: int) -> torch.Tensor:
        rows = torch.as_tensor(rng.integers(x.shape[1], size=(runs, how.batch)), device=case.device)
        batch = x[seed, rows]
        out = apply_mlp(parameters, batch[..., :2], ACTIVATIONS[kind])
        return nll(*gaussian_head(out, FLOOR, CEILING), batch[..., 2:])

    progress, checkpoint = partial(case.progress, what=f"models {kind}"), case.checkpoint(f"models {kind}", [rng])
    losses, _ = fit_runs(optimiser, loss, lambda _: rate, how.updates, progress, checkpoint)
    curve = blocked(losses).reshape(len(x), how.members, -1)
    return weights_dataset(parameters, np.arange(runs)).assign(
        loss=labelled(("seed", "member", "block"), curve, "negative log density of the change", "nat", nan=DIVERGED)
    )


def moments(how: Reward) -> list[int]:
    """Updates before which a discriminator is kept: each `every`-th from a third of all on."""
    return [step for step in range(how.every, how.updates, how.every) if step >= how.updates / 3]


def _reward(case: Case[Params], x: torch.Tensor, kind: Activation) -> xr.Dataset:
    """Discriminators of (state, action, change) against a generator of changes, one pair for each seed.

    Real and false transitions share their states and actions, so that only the change can tell. Half of the false ones
    are the generator's, half are data with noise added to the change.
    """
    how, rng, runs = case.params.train.reward, case.rng(f"reward {kind}"), len(x)
    generator = torch.Generator().manual_seed(case.seed(f"reward {kind}"))
    critic = init_mlp(runs, [3, *how.hidden, 1], generator, case.device)
    maker = init_mlp(runs, [2, *how.hidden, 2], generator, case.device)
    opponent, rate = RunsOptimiser(maker, "adam"), torch.full((runs,), how.lr, device=case.device)
    history, when = Snapshots(critic, 1 + len(moments(how))), set(moments(how))
    history.take()
    seed, half = torch.arange(runs, device=case.device)[:, None], how.batch // 2
    low, high = how.noise

    def normal(*shape: int) -> torch.Tensor:
        return torch.as_tensor(rng.standard_normal(shape, np.float32), device=case.device)

    def logit(places: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        return apply_mlp(critic, torch.cat([places, change], -1), ACTIVATIONS[kind])[..., 0]

    def made(places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_std = gaussian_head(apply_mlp(maker, places, torch.relu), FLOOR, CEILING)
        return mean + log_std.exp() * normal(*mean.shape), log_std

    def loss(step: int) -> torch.Tensor:
        if step in when:
            history.take()
        rows = torch.as_tensor(rng.integers(x.shape[1], size=(runs, how.batch)), device=case.device)
        places, change = x[seed, rows].split([2, 1], -1)
        if step % how.generator_every == 0:
            drawn, log_std = made(places)
            cost = softplus(-logit(places, drawn)).mean(1) - how.entropy_weight * log_std.mean((1, 2))
            opponent.descend(cost, rate)
        with torch.no_grad():
            drawn = made(places[:, :half])[0]
            size = torch.as_tensor(np.exp(rng.uniform(low, high, (runs, how.batch - half, 1))), dtype=torch.float32)
            moved = change[:, half:] + size.to(case.device) * normal(runs, how.batch - half, 1)
            false = torch.cat([drawn, moved], 1)
        return softplus(-logit(places, change)).mean(1) + softplus(logit(places, false)).mean(1)

    progress, checkpoint = partial(case.progress, what=f"reward {kind}"), case.checkpoint(f"reward {kind}", [rng])
    losses, _ = fit_runs(
        RunsOptimiser(critic, "adam"), loss, lambda _: rate, how.updates, progress, checkpoint, (opponent, history)
    )
    curve = labelled(BLOCKED, blocked(losses), "cross entropy, true and false", "nat", nan=DIVERGED)
    return xr.Dataset(_kept(history) | {"loss": curve}, {"snapshot": [0, *moments(how)]})


def _kept(history: Snapshots) -> dict[str, tuple]:
    """The weights as variables, (snapshot, seed, ...)."""
    return {
        name: labelled(
            ("snapshot", "seed", *[f"{name}_axis_{axis}" for axis in range(2, value.ndim)]),
            value,
            f"parameters {name} of the discriminators",
            nan=DIVERGED,
        )
        for name, value in history.kept.items()
    }


def blocked(values: np.ndarray) -> np.ndarray:
    """Means over at most `BLOCKS` parts of the last axis."""
    edges = np.linspace(0, values.shape[-1], min(BLOCKS, values.shape[-1]) + 1).astype(int)
    return np.stack([values[..., a:b].mean(-1) for a, b in zip(edges[:-1], edges[1:], strict=True)], -1)
