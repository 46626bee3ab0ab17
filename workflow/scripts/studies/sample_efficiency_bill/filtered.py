"""MOReC's world: Gaussian networks propose next states, and a reward learned from the transitions chooses among them.

All sets of transitions lie in one leading axis. Networks see observation, action and change in standard deviations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import softplus

from pesin.models.gaussian_nets import gaussian_head, nll
from pesin.models.mlp import Parameters, apply_mlp, init_mlp
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.models.snapshots import Snapshots
from pesin.steps.case import Case
from studies.sample_efficiency_bill.params import Params

FLOOR, CEILING = float(np.exp(-4.0)), float(np.exp(1.0))
"""Bounds of a predicted deviation, in standard deviations of the change."""
CLIP = 10.0
"""Largest reward of one discriminator."""
GIVEN, ASKED = 4, 3
"""Observation and action; change."""
Draw = Callable[[int], tuple[torch.Tensor, torch.Tensor]]
"""Batch size -> what is given (sets, batch, 4) and the change (sets, batch, 3), standardised."""


class Scales(NamedTuple):
    """Mean and standard deviation of observation, action and change, (sets, 7) each."""

    shift: np.ndarray
    scale: np.ndarray


def ensembles(case: Case[Params], sets: int, draw: Callable[[np.random.Generator], Draw]) -> Parameters:
    """Gaussian networks, the runs axis (members x sets); each member has batches of its own."""
    how, rng = case.params.train.ensemble, case.rng("ensemble")
    runs, batch = how.members * sets, draw(rng)
    generator = torch.Generator().manual_seed(case.seed("ensemble"))
    parameters = init_mlp(runs, [GIVEN, *how.hidden, 2 * ASKED], generator, case.device)
    rate = torch.full((runs,), how.lr, device=case.device)

    def loss(step: int) -> torch.Tensor:
        x, y = (torch.cat(parts) for parts in zip(*(batch(how.batch) for _ in range(how.members)), strict=True))
        return nll(*gaussian_head(apply_mlp(parameters, x, torch.tanh), FLOOR, CEILING), y, how.beta)

    progress, checkpoint = partial(case.progress, what="ensembles"), case.checkpoint("ensembles", [rng])
    fit_runs(RunsOptimiser(parameters, "adam"), loss, lambda _: rate, how.updates, progress, checkpoint)
    return {name: value.detach() for name, value in parameters.items()}


def rewards(case: Case[Params], sets: int, draw: Callable[[np.random.Generator], Draw]) -> Parameters:
    """Discriminators of transitions as they were now and then, the runs axis (kept x sets).

    Real and false transitions share their states and actions. Half of the false ones are a generator's, half are data
    with noise added to the change: as the study `morec` has it.
    """
    how, rng = case.params.train.filter, case.rng("rewards")
    batch, half = draw(rng), how.batch // 2
    generator = torch.Generator().manual_seed(case.seed("rewards"))
    critic = init_mlp(sets, [GIVEN + ASKED, *how.hidden, 1], generator, case.device)
    maker = init_mlp(sets, [GIVEN, *how.hidden, 2 * ASKED], generator, case.device)
    opponent, rate = RunsOptimiser(maker, "adam"), torch.full((sets,), how.lr, device=case.device)
    history, when = Snapshots(critic, len(how.moments)), set(how.moments)

    def normal(*shape: int) -> torch.Tensor:
        return torch.as_tensor(rng.standard_normal(shape, np.float32), device=case.device)

    def logit(given: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        return apply_mlp(critic, torch.cat([given, change], -1), torch.relu)[..., 0]

    def made(given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_std = gaussian_head(apply_mlp(maker, given, torch.relu), FLOOR, CEILING)
        return mean + log_std.exp() * normal(*mean.shape), log_std

    def loss(step: int) -> torch.Tensor:
        if step in when:
            history.take()
        given, change = batch(how.batch)
        if step % how.generator_every == 0:
            drawn, log_std = made(given)
            cost = softplus(-logit(given, drawn)).mean(1) - how.entropy_weight * log_std.mean((1, 2))
            opponent.descend(cost, rate)
        with torch.no_grad():
            drawn = made(given[:, :half])[0]
            low, high = how.noise
            size = np.exp(rng.uniform(low, high, (sets, how.batch - half, 1))).astype(np.float32)
            moved = change[:, half:] + torch.as_tensor(size, device=case.device) * normal(*change[:, half:].shape)
            false = torch.cat([drawn, moved], 1)
        return softplus(-logit(given, change)).mean(1) + softplus(logit(given, false)).mean(1)

    progress, checkpoint = partial(case.progress, what="rewards"), case.checkpoint("rewards", [rng])
    fit_runs(
        RunsOptimiser(critic, "adam"), loss, lambda _: rate, how.updates, progress, checkpoint, (opponent, history)
    )
    kept = {name: torch.as_tensor(value, device=case.device) for name, value in history.kept.items()}
    return {name: value.flatten(0, 1) for name, value in kept.items()}


class Imagined:
    """The world that an agent learns in: what is proposed, and which of it is chosen.

    Parameters
    ----------
    networks, history
        As `ensembles` and `rewards` give them.
    rng
        All chance of the world.
    """

    def __init__(
        self, scales: Scales, networks: Parameters, history: Parameters, members: int, samples: int,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.scales, self.networks, self.history, self.members = scales, networks, history, members
        self.samples, self.rng, self.device = samples, rng, next(iter(history.values())).device
        self._last: tuple = (None, None, None)

    @torch.no_grad()
    def laws(self, seen: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, torch.Tensor, torch.Tensor]:
        """(sets, n, 4) of what is given, and mean and deviation of the change, (members, sets, n, 3), standardised.

        A step asks twice, for the reward and for the next state: the same arrays are answered from memory.
        """
        if self._last[0] is seen and self._last[1] is action:
            return self._last[2]
        x = np.concatenate([seen, action], -1).reshape(len(seen), -1, GIVEN)
        x = ((x - self.scales.shift[:, None, :GIVEN]) / self.scales.scale[:, None, :GIVEN]).astype(np.float32)
        out = apply_mlp(self.networks, torch.as_tensor(x, device=self.device).repeat(self.members, 1, 1), torch.tanh)
        mean, log_std = (part.unflatten(0, (self.members, -1)) for part in gaussian_head(out, FLOOR, CEILING))
        self._last = (seen, action, (x, mean, log_std.exp()))
        return self._last[2]

    def doubt(self, seen: np.ndarray, action: np.ndarray) -> np.ndarray:
        """The largest deviation that a member says, mean over coordinates, (sets, ...)."""
        return self.laws(seen, action)[2].mean(-1).amax(0).numpy(force=True).reshape(seen.shape[:-1])

    @torch.no_grad()
    def move(self, seen: np.ndarray, action: np.ndarray) -> np.ndarray:
        """The proposed next state of the highest reward; seen (sets, ..., 3)."""
        x, mean, deviation = self.laws(seen, action)
        normal = self.rng.standard_normal((self.samples, *mean.shape), np.float32)
        offered = (mean + deviation * torch.as_tensor(normal, device=self.device)).flatten(
            0, 1
        )  # (candidates, sets, n, 3)
        best = self.reward(torch.as_tensor(x, device=self.device), offered).argmax(0)
        change = torch.take_along_dim(offered, best[None, ..., None], 0)[0].numpy(force=True).astype(float)
        change = change * self.scales.scale[:, None, GIVEN:] + self.scales.shift[:, None, GIVEN:]
        return seen + change.reshape(seen.shape)

    @torch.no_grad()
    def reward(self, given: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        """Mean of -log(1 - D), clipped, over D: given (sets, n, 4), change (k, sets, n, 3) -> (k, sets, n)."""
        k, sets, n, _ = change.shape
        x = torch.cat([given.expand(k, -1, -1, -1), change], -1).transpose(0, 1).flatten(1, 2)  # (sets, k n, 7)
        kept = len(self.history["bias_0"]) // sets
        logit = apply_mlp(self.history, x.repeat(kept, 1, 1), torch.relu)[..., 0]
        found = softplus(logit).clamp(max=CLIP).unflatten(0, (kept, sets)).mean(0)
        return found.unflatten(1, (k, n)).transpose(0, 1)
