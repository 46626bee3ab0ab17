"""The networks: U-Net and FNO of one day, and the arms that go on from the U-Net, each seed on its own world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters, repeat_runs, weights_dataset
from pesin.models.optimisers import Adam, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.chaosbench_s2s.flow import CHANNELS, channels
from studies.chaosbench_s2s.nets import Nets, a_day, init_fno, init_unet
from studies.chaosbench_s2s.params import Params
from studies.chaosbench_s2s.scores import divergence, spectrum

ARMS = ("unet", "unet_rollout", "unet_spectral", "unet_sparse", "fno")
"""One-day U-Net; over several days; with the spectral divergence in its loss; on headline channels alone; FNO."""
LEADING = [CHANNELS.index(name) for name in ("psi1", "psi2", "q1")]
LARGEST = 1.0
"""Norm that each seed's gradient is clipped to."""


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """A group of weights for each of `ARMS`; `scale`: standard deviations (seed, channel); `loss`: curves."""
    p = case.params
    psi, shear = data["train/psi"].values, data["train/shear"].values
    world, scale = normalised(psi, p.simulate.coupling)
    days = Days(case, world, (shear - p.simulate.shear).astype(np.float32))
    start = torch.Generator().manual_seed(case.seed("weights"))
    runs = len(psi)
    unet = init_unet(runs, p.train.unet.width, start)
    fno = init_fno(runs, p.train.fno.width, p.train.fno.modes, p.train.fno.layers, start)
    nets: Nets = {"fno": moved(fno, case.device)}
    curves = {"fno": fit(case, "fno", nets["fno"], days, p.train.steps, p.train.fno.rate)}
    base = moved(unet, case.device)
    curves["base"] = fit(case, "base", base, days, p.train.steps, p.train.unet.rate)
    for arm in ARMS[:-1]:
        nets[arm] = repeat_runs(base, 1)
        curves[arm] = fit(case, arm, nets[arm], days, p.train.more, p.train.unet.rate * p.train.slower)
    found = {arm: weights_dataset(nets[arm], range(runs)).rename(run="seed") for arm in ARMS}
    sizes = labelled(("seed", "channel"), scale, "standard deviation of a channel in training")
    changes = labelled(
        ("seed", "channel"), days.change.numpy(force=True)[:, 0, :, 0, 0], "that of a day's change over it"
    )
    found["scale"] = xr.Dataset({"scale": sizes, "change": changes}, {"channel": list(CHANNELS)})
    found["loss"] = xr.Dataset(
        {
            arm: labelled(("seed", f"{arm}_update"), values, f"loss of {arm.replace('_', ' ')}", nan=DIVERGED)
            for arm, values in curves.items()
        }
    )
    return xr.DataTree.from_dict(found)


def normalised(psi: np.ndarray, coupling: float) -> tuple[np.ndarray, np.ndarray]:
    """Channels (seed, member, day, channel, y, x) of variance 1, and their standard deviations (seed, channel)."""
    fields = channels(psi, coupling)
    scale = fields.std((1, 2, 4, 5))
    return fields / scale[:, None, None, :, None, None], scale


class Days:
    """Stretches of days from the training runs, drawn for each update.

    Parameters
    ----------
    fields : ndarray, shape (seed, member, day, channel, y, x)
    shear : ndarray, shape (seed, member, day)
    """

    def __init__(self, case: Case[Params], fields: np.ndarray, shear: np.ndarray) -> None:
        self.fields, self.shear = (torch.as_tensor(part, device=case.device) for part in (fields, shear))
        change = (self.fields[:, :, 1:] - self.fields[:, :, :-1]).std((1, 2, 4, 5))
        self.change = change[:, None, :, None, None]
        self.batch, self.shuffled = case.params.train.batch, case.params.train.pairs == "shuffled"

    def draw(self, rng: np.random.Generator, length: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """First states (seed, batch, channel, y, x), U and targets (step, seed, batch, ...) of so many days each."""
        seeds, members, days = self.shear.shape
        first = self._places(rng, (seeds, self.batch), members, days - length)
        then = self._places(rng, (seeds, self.batch), members, days - length)
        seed, (member, day) = torch.arange(seeds)[:, None], first
        shear = torch.stack([self.shear[seed, member, day + i] for i in range(length)])
        x, (member, day) = self.fields[seed, member, day], then if self.shuffled else first
        return x, shear, torch.stack([self.fields[seed, member, day + 1 + i] for i in range(length)])

    @staticmethod
    def _places(rng, shape, members: int, days: int) -> tuple[torch.Tensor, torch.Tensor]:
        member, day = (torch.as_tensor(rng.integers(most, size=shape)) for most in (members, days))
        return member, day


def fit(case: Case[Params], arm: str, parameters: Parameters, days: Days, steps: int, rate: float) -> np.ndarray:
    """Train an arm in place; returns the losses (seed, update). Arms that go on are drawn the same days."""
    p = case.params.train
    rng = case.rng("first days" if arm in ("base", "fno") else "more days")
    optimiser, curves, keeper = (
        Adam(parameters.values()),
        np.full((days.shear.shape[0], steps), np.nan),
        case.checkpoint(arm, [rng]),
    )
    loss_of = losses(arm, p.penalty)
    done, saved = keeper.load()
    if saved:
        curves = saved["curves"]
        optimiser.restore({key: value for key, value in saved.items() if key != "curves"})
    for step in keeper.over(case.progress(range(done, steps)), lambda: {"curves": curves} | optimiser.arrays()):
        x, shear, targets = days.draw(rng, p.rollout if arm == "unet_rollout" else 1)
        loss = torch.zeros(len(x), device=case.device)
        for u, target in zip(shear, targets, strict=True):
            x = a_day(arm, parameters, x, u, days.change)
            loss = loss + loss_of(x, target) / len(targets)
        optimiser.descend(loss.sum(), rate * half_cosine(step, steps), largest=LARGEST)
        curves[:, step] = loss.numpy(force=True)
    return curves


def losses(arm: str, penalty: float) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The loss of each seed, of predicted and true fields (seed, batch, channel, y, x)."""

    def squared(x, y):
        return (x - y).square().flatten(1).mean(1)

    def spectral(x, y):
        return squared(x, y) + penalty * divergence(spectrum(y), spectrum(x)).flatten(1).mean(1)

    def sparse(x, y):
        return squared(x[:, :, LEADING], y[:, :, LEADING])

    return {"unet_spectral": spectral, "unet_sparse": sparse}.get(arm, squared)


def moved(parameters: Parameters, device: str) -> Parameters:
    """The same leaves on the device."""
    return {name: value.detach().to(device).requires_grad_() for name, value in parameters.items()}


def read(tree: Any, arm: str, device: str) -> Parameters:
    """Weights back from the result."""
    return {str(name): torch.as_tensor(value.values, device=device) for name, value in tree[arm].data_vars.items()}
