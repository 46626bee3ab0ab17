"""The networks of one world: how they are stored, what they take and what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import silu

from pesin.models.bridges import Interpolant
from pesin.models.jets import ACTIVATIONS, divergence
from pesin.models.mlp import Parameters, apply_mlp
from studies.stochastic_interpolants.learned.params import Train


def bridge(params: Train) -> Interpolant:
    """The interpolant that is learned."""
    return Interpolant(params.path, params.noise)


def baseline(model: str) -> Interpolant:
    """The path without noise of a baseline: straight, or that of a diffusion model, whose variance is preserved."""
    return Interpolant("trigonometric" if model == "diffusion" else "linear", "none")


class Fields:
    """Trained fields of one world, all seeds at once.

    The network of the denoiser tells it in units of gamma: E[z | x] = -gamma s vanishes with gamma, and what is left to
    learn, -s, is smooth and needs no division.

    Parameters
    ----------
    weights
        What the train step has kept of the world.
    params
        Its parameters.
    """

    def __init__(self, weights: xr.Dataset, params: Train) -> None:
        self.interpolant, self.seeds = bridge(params), params.seeds
        runs = [str(name).rpartition("/")[0] for name in weights["run"].values]
        kept = [str(name) for name in weights.data_vars if str(name) != "loss"]
        self._weights: dict[str, Parameters] = {}
        for model in dict.fromkeys(runs):
            chosen = [i for i, name in enumerate(runs) if name == model]
            self._weights[model] = {name: torch.as_tensor(weights[name].values[chosen]) for name in kept}
        self.models = list(self._weights)

    @torch.no_grad()
    def raw(self, model: str, x: np.ndarray, t: Any) -> np.ndarray:
        """What a network says; x of shape (seeds, ..., 2), t a number or of shape (seeds, ..., 1)."""
        flat = _inputs(x, t)
        return apply_mlp(self._weights[model], flat, silu).numpy().reshape(x.shape)

    def field(self, model: str, x: np.ndarray, t: Any) -> np.ndarray:
        """What a model has learned, of the shape of x: a velocity, or the denoiser."""
        scale = self.interpolant.values(t)[2] if model == "noise" else 1.0
        return scale * self.raw(model, x, t)

    def score(self, x: np.ndarray, t: float) -> np.ndarray:
        """Score of the bridge, by the denoiser."""
        return -self.raw("noise", x, t)

    def both(self, x: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
        """Velocity and score of the bridge."""
        return self.field("velocity", x, t), self.score(x, t)

    @property
    def baselines(self) -> list[str]:
        """Models beside the bridge's own fields."""
        return [model for model in self.models if model not in ("velocity", "noise")]

    @torch.no_grad()
    def divergence(self, model: str, x: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
        """A learned velocity and its divergence, shapes (seeds, samples, 2) and (seeds, samples)."""
        value, spread = divergence(self._weights[model], _inputs(x, t), ACTIVATIONS["silu"], slice(0, 2))
        return value.numpy(), spread.numpy()


def _inputs(x: np.ndarray, t: Any) -> torch.Tensor:
    """Places and times side by side, shape (seeds, points, 3)."""
    both = np.concatenate([x, np.broadcast_to(t, (*x.shape[:-1], 1))], -1)
    return torch.as_tensor(both.reshape(len(x), -1, 3), dtype=torch.float32)
