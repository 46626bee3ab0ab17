"""Networks of binary weights on one task after another: in fields (variational, free, elastic), and metaplastic ones.

Fields: a preactivation is Gaussian, m . a / sqrt(n) + sqrt((1 - m^2) . a^2 / n) noise, with m = tanh(b theta) and b
rising within each task. Metaplastic: signs of hidden weights, straight-through gradients, and updates that shrink a
large hidden weight are damped (Laborieux, Ernoult, Hirtzlin and Querlioz, Nat. Commun. 12, 2549 (2021)).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from pesin.models.consolidation import fisher_diagonal, quadratic_penalty
from pesin.models.mlp import Parameters
from pesin.models.optimisers import RunsOptimiser
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.systems.images import CLASSES
from studies.vcl_franz_parisi.params import Deep, Params
from studies.vcl_franz_parisi.spins import divergence

FIELDS = ("variational", "free", "elastic")
METHODS = (*FIELDS, "metaplastic")
BETAS = (0.9, 0.99)


class Memory:
    """What the tasks before have left: the fields at the end of the last one, and the summed Fisher information."""

    def __init__(self, theta: Parameters) -> None:
        self.prior = {name: value.detach().clone() for name, value in theta.items()}
        self.fisher = {name: torch.zeros_like(value) for name, value in self.prior.items()}

    def arrays(self) -> dict[str, np.ndarray]:
        return {key: value.numpy(force=True) for key, value in self._kept().items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        for key, value in self._kept().items():
            value.copy_(torch.as_tensor(arrays[key]))

    def _kept(self) -> dict[str, torch.Tensor]:
        parts = {"prior": self.prior, "fisher": self.fisher}
        return {f"{part}_{name}": value for part, values in parts.items() for name, value in values.items()}


def sharpness(p: Deep, progress: float) -> float:
    """b at a progress through the task of 0 to 1."""
    return p.sharpness * float(np.tanh(0.1 + 2 * progress))


def field_outputs(
    theta: Parameters, x: torch.Tensor, b: float, noise: torch.Generator | None = None, shared: int = 1
) -> torch.Tensor:
    """Outputs (run, batch, class); without `noise` those of the mean preactivations.

    `shared` groups of runs, one after another, get the same noise.
    """
    for layer in range(len(theta)):
        m = torch.tanh(b * theta[f"weight_{layer}"])
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


def loss(outputs: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of each run, shape (run,), nats."""
    found = cross_entropy(outputs.flatten(0, 1), label.flatten(), reduction="none")
    return found.view(label.shape).mean(1)


def held(theta: Parameters, prior: Parameters, b: float) -> torch.Tensor:
    """Divergence of all weights from the prior at inverse temperature b, shape (run,), nats."""
    parts = [divergence(b * theta[name], b * value).flatten(1).sum(1) for name, value in prior.items()]
    return torch.stack(parts).sum(0)


def penalties(params: Params, theta: Parameters, memory: Memory, b: float) -> torch.Tensor:
    """What holds runs to the tasks before, shape (run,): divergence, nothing, elastic penalty; nats a sample."""
    seeds = params.train.seeds
    first, last = (
        [{name: value[part] for name, value in own.items()} for own in (theta, memory.prior, memory.fisher)]
        for part in (slice(seeds), slice(2 * seeds, None))
    )
    variational = params.train.gamma / params.simulate.digits.train * held(first[0], first[1], b)
    return torch.cat([variational, torch.zeros_like(variational), params.train.deep.ewc * quadratic_penalty(*last)])


def metaplastic_step(optimiser: RunsOptimiser, value: torch.Tensor, rate: torch.Tensor, meta: float) -> None:
    """Adam's step, of which what would shrink a hidden weight h is scaled by 1 - tanh^2(meta h)."""
    before = {name: h.detach().clone() for name, h in optimiser.parameters.items()}
    optimiser.descend(value, rate)
    with torch.no_grad():
        for name, h in optimiser.parameters.items():
            old = before[name]
            change = h - old
            h.copy_(old + torch.where(change * old < 0, 1 - torch.tanh(meta * old).square(), 1.0) * change)


def learn(case: Case[Params], data: Any) -> dict[str, np.ndarray]:
    """Signs of the weights after each task, `weight_<layer>` of shape (method, seed, task, in, out), int8."""
    p, world, seeds = case.params.train.deep, case.params.simulate.digits, case.params.train.seeds
    rng, device = case.rng("deep"), case.device
    theta, hidden = first(case, data), first(case, data)
    theta = {name: value.detach().repeat(len(FIELDS), 1, 1).requires_grad_() for name, value in theta.items()}
    memory, seen = Memory(theta), Seen()
    fields, metaplastic = RunsOptimiser(theta, "adam", betas=BETAS), RunsOptimiser(hidden, "adam", betas=BETAS)
    rates = [torch.full((len(one.alive),), p.rate, device=device) for one in (fields, metaplastic)]
    image, label = (torch.as_tensor(data[f"train_{key}"].values, device=device) for key in ("image", "label"))
    order = torch.as_tensor(data["order"].values[:seeds], device=device)
    keeper = case.checkpoint("deep", [rng])
    turns = world.tasks * p.epochs if case.params.train.trained else 0
    parts = (fields, metaplastic, memory, seen)
    for turn in keeper.turns(turns, *parts, progress=lambda turns: case.progress(turns, what="digits")):
        task, epoch = divmod(turn, p.epochs)
        noise = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows = torch.as_tensor(rng.permuted(np.tile(np.arange(world.train), (seeds, 1)), axis=1), device=device)
        batches = rows.split(p.batch, 1)
        for place, batch in enumerate(batches):
            x, said = permuted(image, batch, order[:, task]), label[batch]
            b = sharpness(p, (epoch + place / len(batches)) / p.epochs)
            outputs = field_outputs(theta, x.repeat(len(FIELDS), 1, 1), b, noise, len(FIELDS))
            value = loss(outputs, said.repeat(len(FIELDS), 1))
            if task:
                value = value + penalties(case.params, theta, memory, b)
            fields.descend(value, rates[0])
            metaplastic_step(metaplastic, loss(binary_outputs(hidden, x), said), rates[1], p.meta)
        if epoch == p.epochs - 1:
            seen.add(signs(theta, hidden, seeds))
            remember(p, memory, theta, permuted(image, rows[:, : p.fisher], order[:, task]), label[rows[:, : p.fisher]])
    if not case.params.train.trained:
        for _ in range(world.tasks):
            seen.add(signs(theta, hidden, seeds))
    return {name: np.moveaxis(value, 0, 2) for name, value in seen.arrays().items()}


def first(case: Case[Params], data: Any) -> Parameters:
    """Fields, or hidden weights, to begin with: normal numbers of deviation 0.1, the same for all methods."""
    p, generator = case.params.train, torch.Generator().manual_seed(case.seed("deep start"))
    sizes = [data.sizes["pixel"], *p.deep.hidden, CLASSES]
    found = {}
    for layer, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        drawn = torch.randn(case.params.simulate.digits.seeds, fan_in, fan_out, generator=generator)
        found[f"weight_{layer}"] = (0.1 * drawn[: p.seeds]).to(case.device).requires_grad_()
    return found


def permuted(image: torch.Tensor, rows: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Images (sample, pixel) in rows (seed, batch), the pixels in order (seed, pixel): (seed, batch, pixel)."""
    return image[rows].gather(2, order[:, None].expand(-1, rows.shape[1], -1))


def signs(theta: Parameters, hidden: Parameters, seeds: int) -> dict[str, np.ndarray]:
    """Binary weights of all methods, by name: shape (method, seed, in, out)."""
    found = {}
    for name, value in theta.items():
        both = torch.cat([value.detach(), hidden[name].detach()])
        found[name] = torch.where(both < 0, -1, 1).to(torch.int8).numpy(force=True).reshape(-1, seeds, *both.shape[1:])
    return found


def remember(p: Deep, memory: Memory, theta: Parameters, x: torch.Tensor, label: torch.Tensor) -> None:
    """End of a task: the prior moves, and each run's Fisher information is added to the sum."""
    b = sharpness(p, 1.0)

    def likelihood(given: Parameters, one: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
        outputs = field_outputs(given, one[:, None], b)[:, 0]
        return torch.log_softmax(outputs, 1).gather(1, said[:, None])[:, 0]

    copies = len(next(iter(theta.values()))) // len(x)
    found = fisher_diagonal(likelihood, theta, x.repeat(copies, 1, 1), label.repeat(copies, 1), together=50)
    for name, value in theta.items():
        memory.fisher[name] += found[name]
        memory.prior[name].copy_(value.detach())
