"""Score networks by implicit score matching: one for each sample, all samples of a world in one loop."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.bridges import implicit_score_loss
from pesin.models.jets import ACTIVATIONS, mlp_jet
from pesin.models.mlp import Parameters, init_mlp, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from studies.entropy_atlas.production.params import Params

SILU = ACTIVATIONS["silu"]
SIGNS = np.array([-1, 1], np.float32)


class Best:
    """The weights of each run at its least loss so far."""

    def __init__(self, parameters: Parameters) -> None:
        self.weights = {name: value.detach().clone() for name, value in parameters.items()}
        self.least = torch.full((len(next(iter(parameters.values()))),), torch.inf)

    def look(self, parameters: Parameters, loss: torch.Tensor) -> None:
        better = loss < self.least
        self.least = torch.where(better, loss, self.least)
        for name, value in parameters.items():
            self.weights[name][better] = value.detach()[better]

    def arrays(self) -> dict[str, np.ndarray]:
        kept = {f"best_{name}": value.numpy(force=True) for name, value in self.weights.items()}
        return kept | {"least": self.least.numpy(force=True)}

    def restore(self, arrays) -> None:
        self.least = torch.as_tensor(arrays["least"])
        for name, value in self.weights.items():
            value.copy_(torch.as_tensor(arrays[f"best_{name}"]))


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Weights for each world and dimension; runs are sizes of the sample, seeds within."""
    groups = {str(name): _fit(case, str(name), group.to_dataset()) for name, group in data.children.items()}
    return xr.DataTree.from_dict(groups)


def samples_of(state: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """The sample of each run, standardised: sizes, seeds within."""
    return [(x - x.mean(0)) / x.std(0) for size in sizes for x in state[:, :size]]


def dealt(state: np.ndarray) -> np.ndarray:
    """Each coordinate from another sample: margins stay, what coordinates know of each other goes."""
    return np.stack([np.roll(state[..., i], 7 * i, 1) for i in range(state.shape[-1])], -1)


def _fit(case: Case[Params], name: str, data: xr.Dataset) -> xr.Dataset:
    p, state = case.params.train, data["state"].values
    runs = samples_of(dealt(state) if p.shuffle else state, case.params.simulate.samples)
    samples = [torch.as_tensor(x, dtype=torch.float32, device=case.device) for x in runs]
    draw = torch.Generator().manual_seed(case.seed(f"networks {name}"))
    sizes = [state.shape[-1], *p.hidden, state.shape[-1]]
    optimiser = RunsOptimiser(init_mlp(len(samples), sizes, draw, case.device), "adam")
    best, rng = Best(optimiser.parameters), case.rng(f"batches {name}")
    held = [round(p.held * len(x)) for x in samples]
    longest = max(held)
    outside = torch.stack([x[torch.arange(longest) % h] for x, h in zip(samples, held, strict=True)])

    probe = torch.as_tensor(case.rng(f"probe {name}").choice(SIGNS, outside.shape), device=case.device)

    @torch.no_grad()
    def look() -> None:
        best.look(optimiser.parameters, score_loss(optimiser.parameters, outside, probe).cpu())

    def loss_of(step: int) -> torch.Tensor:
        if step % p.look == 0 and step:
            look()
        some = [x[torch.as_tensor(rng.integers(h, len(x), p.batch))] for x, h in zip(samples, held, strict=True)]
        x = torch.stack(some)
        return score_loss(optimiser.parameters, x, torch.as_tensor(rng.choice(SIGNS, x.shape), device=case.device))

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((len(samples),), p.rate * half_cosine(step, p.steps), device=case.device)

    kept = case.checkpoint(name, [rng])
    fit_runs(optimiser, loss_of, rate_of, p.steps, case.progress, kept, [best])
    look()
    return weights_dataset(best.weights, range(len(samples)))


def score_loss(parameters: Parameters, x: torch.Tensor, probe: torch.Tensor) -> torch.Tensor:
    """Implicit score matching, the divergence by one probe of signs for each sample: shape (runs,)."""
    score, along = mlp_jet(parameters, x, probe[:, :, None], SILU, order=1)
    return implicit_score_loss(score, (along[:, :, 0] * probe).sum(-1))
