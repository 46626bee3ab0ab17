"""Networks of binary weights on one task after another: in fields (variational), and metaplastic ones.

Variational, as the authors' code has it: a preactivation is Gaussian, m . a / sqrt(n) + sqrt((1 - m^2) . a^2 / n)
noise, with m = tanh(b theta) and b rising through all tasks; the divergence is that from the fields a step before.
Metaplastic: signs of hidden weights, straight-through gradients, and updates that shrink a large hidden weight are
damped (Laborieux, Ernoult, Hirtzlin and Querlioz, Nat. Commun. 12, 2549 (2021)).

Runs are settings times seeds, seeds last: starts of the variational networks, strengths of the metaplastic ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from pesin.models.losses import runs_cross_entropy
from pesin.models.mlp import Parameters
from pesin.models.optimisers import RunsOptimiser
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.systems.images import CLASSES
from studies.vcl_franz_parisi.params import Deep, Params
from studies.vcl_franz_parisi.spins import divergence

METHODS = ("variational", "metaplastic")
BETAS = (0.9, 0.99)


class Before:
    """The fields before the last step."""

    def __init__(self, theta: Parameters) -> None:
        self.theta = {name: value.detach().clone() for name, value in theta.items()}

    def take(self, theta: Parameters) -> None:
        """Keep these."""
        for name, value in theta.items():
            self.theta[name].copy_(value.detach())

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: value.numpy(force=True) for name, value in self.theta.items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        for name, value in self.theta.items():
            value.copy_(torch.as_tensor(arrays[name]))


def sharpness(p: Deep, progress: float) -> float:
    """b at a progress through all tasks of 0 to 1."""
    return p.sharpness * float(np.tanh(0.1 + 2 * progress))


def field_outputs(
    theta: Parameters,
    x: torch.Tensor,
    b: float,
    noise: torch.Generator | None = None,
    shared: int = 1,
    modulated: bool = True,
) -> torch.Tensor:
    """Outputs (run, batch, class); without `noise` those of the mean preactivations.

    `shared` groups of runs, one after another, get the same noise. Not `modulated`: gradients of m = tanh(b theta) are
    b, not b (1 - m^2).
    """
    for layer in range(len(theta)):
        field = b * theta[f"weight_{layer}"]
        m = torch.tanh(field) if modulated else field + (torch.tanh(field) - field).detach()
        z = torch.bmm(x, m) / x.shape[-1] ** 0.5
        if noise is not None:
            variance = torch.bmm(x.square(), 1 - m.square()) / x.shape[-1]
            drawn = torch.randn(len(x) // shared, *z.shape[1:], generator=noise).to(x.device)
            z = z + (variance + 1e-8).sqrt() * drawn.repeat(shared, 1, 1)
        x = torch.relu(z) if layer < len(theta) - 1 else z
    return x


def binary_outputs(hidden: Parameters, x: torch.Tensor) -> torch.Tensor:
    """Outputs of the signs of hidden weights, (run, batch, class); gradients go straight through."""
    for layer in range(len(hidden)):
        h = hidden[f"weight_{layer}"]
        z = torch.bmm(x, h + (torch.where(h < 0, -1.0, 1.0) - h).detach()) / x.shape[-1] ** 0.5
        x = torch.relu(z) if layer < len(hidden) - 1 else z
    return x


def held(theta: Parameters, before: Parameters, b: float, modulated: bool = True) -> torch.Tensor:
    """Divergence of all weights from those before, shape (run,), nats; not `modulated`: half (b theta - b before)^2."""
    parts = []
    for name, old in before.items():
        new, old = b * theta[name], b * old
        parts.append((divergence(new, old) if modulated else (new - old).square() / 2).flatten(1).sum(1))
    return torch.stack(parts).sum(0)


def metaplastic_step(optimiser: RunsOptimiser, value: torch.Tensor, rate: torch.Tensor, meta: torch.Tensor) -> None:
    """Adam's step, of which what would shrink a hidden weight h is scaled by 1 - tanh^2(meta h); meta (run, 1, 1)."""
    before = {name: h.detach().clone() for name, h in optimiser.parameters.items()}
    optimiser.descend(value, rate)
    with torch.no_grad():
        for name, h in optimiser.parameters.items():
            old = before[name]
            change = h - old
            h.copy_(old + torch.where(change * old < 0, 1 - torch.tanh(meta * old).square(), 1.0) * change)


def learn(case: Case[Params], data: Any) -> dict[str, np.ndarray]:
    """Signs of the weights after each task, `weight_<layer>` of shape (method, setting, seed, task, in, out), int8."""
    p, world, train = case.params.train.deep, case.params.simulate.digits, case.params.train
    rng, device, groups = case.rng("deep"), case.device, len(p.starts)
    theta, hidden = first(case, data, p.starts), first(case, data, [p.start] * groups)
    meta = torch.tensor(p.strengths, device=device).repeat_interleave(train.seeds)[:, None, None]
    before, seen = Before(theta), Seen()
    fields, metaplastic = RunsOptimiser(theta, "adam", betas=BETAS), RunsOptimiser(hidden, "adam", betas=BETAS)
    rate = torch.full((groups * train.seeds,), p.rate, device=device)
    image, label = (torch.as_tensor(data[f"train_{key}"].values, device=device) for key in ("image", "label"))
    order = torch.as_tensor(data["order"].values[: train.seeds], device=device)
    keeper, turns = case.checkpoint("deep", [rng]), world.tasks * p.epochs if train.trained else 0
    parts = (fields, metaplastic, before, seen)
    for turn in keeper.turns(turns, *parts, progress=lambda turns: case.progress(turns, what="digits")):
        task, epoch = divmod(turn, p.epochs)
        noise = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows = torch.as_tensor(rng.permuted(np.tile(np.arange(world.train), (train.seeds, 1)), axis=1), device=device)
        batches = rows.split(p.batch, 1)
        for place, batch in enumerate(batches):
            x, said = permuted(image, batch, order[:, task]).repeat(groups, 1, 1), label[batch].repeat(groups, 1)
            b = sharpness(p, (turn + place / len(batches)) / turns)
            value = runs_cross_entropy(field_outputs(theta, x, b, noise, groups, train.modulated), said)
            if train.gamma:
                value = value + train.gamma / batch.shape[1] * held(theta, before.theta, b, train.modulated)
            before.take(theta)
            fields.descend(value, rate)
            metaplastic_step(metaplastic, runs_cross_entropy(binary_outputs(hidden, x), said), rate, meta)
        if epoch == p.epochs - 1:
            seen.add(signs(theta, hidden, train.seeds))
    if not train.trained:
        for _ in range(world.tasks):
            seen.add(signs(theta, hidden, train.seeds))
    return {name: np.moveaxis(value, 0, 3) for name, value in seen.arrays().items()}


def first(case: Case[Params], data: Any, scales: list[float]) -> Parameters:
    """Weights to begin with, (setting x seed, in, out): normal numbers, the same but for each setting's deviation."""
    p, generator = case.params.train, torch.Generator().manual_seed(case.seed("deep start"))
    sizes = [data.sizes["pixel"], *p.deep.hidden, CLASSES]
    found = {}
    for layer, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        drawn = torch.randn(case.params.simulate.digits.seeds, fan_in, fan_out, generator=generator)[: p.seeds]
        found[f"weight_{layer}"] = torch.cat([scale * drawn for scale in scales]).to(case.device).requires_grad_()
    return found


def permuted(image: torch.Tensor, rows: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Images (sample, pixel) in rows (seed, batch), the pixels in order (seed, pixel): (seed, batch, pixel)."""
    return image[rows].gather(2, order[:, None].expand(-1, rows.shape[1], -1))


def signs(theta: Parameters, hidden: Parameters, seeds: int) -> dict[str, np.ndarray]:
    """Binary weights of both methods, by name: shape (method, setting, seed, in, out)."""
    found = {}
    for name, value in theta.items():
        both = torch.stack([value.detach(), hidden[name].detach()])
        shape = (len(METHODS), -1, seeds, *both.shape[2:])
        found[name] = torch.where(both < 0, -1, 1).to(torch.int8).numpy(force=True).reshape(shape)
    return found
