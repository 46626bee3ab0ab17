"""The equations as networks see them: residuals, the start built in; causal weights; the ladder of steepness."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from pesin.integrate.pseudospectral import wavenumbers
from pesin.models.mlp import Parameters, apply_mlp
from pesin.models.taylor import Watch, mlp_taylor
from studies.causal_pinn.params import Equation, Lorenz

START = (1.0, 1.0, 1.0)


def tensor(values, device: str) -> torch.Tensor:
    """float64 on a device."""
    return torch.as_tensor(np.asarray(values, float), device=device)


def profile(residual: torch.Tensor, times: int) -> torch.Tensor:
    """L_r(t_i): squares summed over components, mean over places; (runs, times x places, out) -> (runs, times)."""
    return residual.square().sum(-1).unflatten(1, (times, -1)).mean(-1)


def log_weights(losses: torch.Tensor, steepness: torch.Tensor) -> torch.Tensor:
    """ln w_i = -steepness sum_{k < i} L_r(t_k), without a gradient; (runs, times) and (runs, 1) -> (runs, times)."""
    losses = losses.detach()
    earlier = torch.cat([torch.zeros_like(losses[:, :1]), losses[:, :-1].cumsum(1)], 1)
    return -steepness * earlier


class Ladder:
    """Where each run stands on its ladder of steepness.

    Parameters
    ----------
    rungs : Tensor, shape (runs, rungs)
        All 0 for a plain run.
    enough
        A run climbs when its least weight exceeds this, or after `patience` iterations.
    """

    def __init__(self, rungs: torch.Tensor, enough: float, patience: int) -> None:
        self.rungs, self.enough, self.patience = rungs, enough, patience
        self.rung = torch.zeros(len(rungs), dtype=torch.long, device=rungs.device)
        self.spent = torch.zeros_like(self.rung)
        self.done = torch.zeros_like(self.rung, dtype=torch.bool)
        """Whether the least weight has exceeded `enough` on the last rung: the paper's criterion to stop."""

    @property
    def steepness(self) -> torch.Tensor:
        """Of each run now, shape (runs, 1)."""
        return self.rungs.gather(1, self.rung[:, None])

    def climb(self, least: torch.Tensor) -> None:
        """Count an iteration in which the least weights, shape (runs,), were these."""
        self.spent, last = self.spent + 1, self.rung == self.rungs.shape[1] - 1
        self.done = self.done | (last & (least > self.enough))
        up = ((least > self.enough) | (self.spent >= self.patience)) & ~last
        self.rung = self.rung + up
        self.spent = torch.where(up, 0, self.spent)

    def arrays(self) -> dict[str, np.ndarray]:
        """For checkpoints."""
        return {name: getattr(self, name).numpy(force=True) for name in ("rung", "spent", "done")}

    def restore(self, arrays) -> None:
        """Set what `arrays` gave."""
        for name in ("rung", "spent", "done"):
            setattr(self, name, torch.as_tensor(arrays[name], device=self.rungs.device).to(getattr(self, name).dtype))


@dataclass(frozen=True)
class Curves:
    """Lorenz curves x = x0 + scale tau N(2 tau - 1), tau = t / end.

    Attributes
    ----------
    tau : Tensor, shape (times,)
        At which the residual is taken.
    start : Tensor, shape (runs, 1, 3)
    end : Tensor, shape (runs, 1, 1)
    scale
    """

    tau: torch.Tensor
    start: torch.Tensor
    end: torch.Tensor
    scale: float
    inputs = 1
    outputs = 3

    @classmethod
    def of(cls, lorenz: Lorenz, ends, points: int, beyond: float, device: str, start=START) -> Curves:
        """Ends of each run (runs,), and starts (3,) or (runs, 3)."""
        end = tensor(ends, device).view(-1, 1, 1)
        begin = tensor(start, device).expand(len(end), 3)[:, None]
        return cls(tensor(np.linspace(0, beyond, points), device), begin, end, lorenz.scale)

    @property
    def times(self) -> int:
        """Number of times of the residual."""
        return len(self.tau)

    def residual(self, parameters: Parameters, watch: Watch | None = None) -> torch.Tensor:
        """(dx/dt - f(x)) / scale, shape (runs, times, 3)."""
        tau = self.tau[:, None].expand(len(self.end), -1, 1)
        value, slope = mlp_taylor(parameters, [2 * tau - 1, torch.full_like(tau, 2)], watch)
        state = self.start + self.scale * tau * value
        x, y, z = state.unbind(-1)
        rate = torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], -1)
        return (value + tau * slope) / self.end - rate / self.scale

    @torch.no_grad()
    def at(self, parameters: Parameters, tau) -> np.ndarray:
        """States at tau (n,), shape (runs, n, 3)."""
        at = tensor(tau, str(self.tau.device))[:, None].expand(len(self.end), -1, 1)
        return (self.start + self.scale * at * apply_mlp(parameters, 2 * at - 1, torch.tanh)).numpy(force=True)


@dataclass(frozen=True)
class Line:
    """Fields u = u0(x) + tau N(2 tau - 1, harmonics of x) on a periodic line, tau = t / end; places run fastest.

    Attributes
    ----------
    equation
    along : list of Tensors, each (places, 2 harmonics)
        Taylor coefficients along x of the harmonics.
    begin : Tensor, shape (5, places)
        Those of the start.
    tau : Tensor, shape (times,)
    runs
    """

    equation: Equation
    along: list[torch.Tensor]
    begin: torch.Tensor
    tau: torch.Tensor
    runs: int
    outputs = 1

    @classmethod
    def of(cls, equation: Equation, runs: int, beyond: float, device: str, places: int = 0, tau=None) -> Line:
        """With the equation's own points of the residual, or others."""
        x, length = grid(equation)
        every = equation.points // (places or equation.places)
        wave = wavenumbers(equation.points, length)
        modes = np.fft.rfft(initial(equation))
        parts = [np.fft.irfft((1j * wave) ** k * modes, equation.points)[::every] / math.factorial(k) for k in range(5)]
        angle = 2 * np.pi / length * np.arange(1, equation.harmonics + 1)
        along = [
            np.concatenate(
                [angle**k / math.factorial(k) * np.cos(x[::every, None] * angle + (k - s) * np.pi / 2) for s in (0, 1)],
                1,
            )
            for k in range(5)
        ]
        when = np.linspace(0, beyond, equation.times) if tau is None else tau
        return cls(equation, [tensor(a, device) for a in along], tensor(parts, device), tensor(when, device), runs)

    @property
    def inputs(self) -> int:
        """Width of the networks' inputs."""
        return 1 + 2 * self.equation.harmonics

    @property
    def times(self) -> int:
        """Number of times of the residual."""
        return len(self.tau)

    def _inputs(self) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """tau (samples,), and Taylor coefficients along x of what the networks are given, (runs, samples, inputs)."""
        places = self.begin.shape[1]
        tau = self.tau.repeat_interleave(places)
        first = [2 * tau - 1, *[torch.zeros_like(tau)] * 4]
        rows = [
            torch.cat([t[:, None], part.repeat(self.times, 1)], 1).expand(self.runs, -1, -1)
            for t, part in zip(first, self.along, strict=True)
        ]
        return tau, rows

    def residual(self, parameters: Parameters, watch: Watch | None = None) -> torch.Tensor:
        """u_t + a u u_x + b u_xx + c u_xxxx + d (u^3 - u), shape (runs, samples, 1)."""
        e = self.equation
        tau, rows = self._inputs()
        order = 4 if e.fourth else 2
        space = mlp_taylor(parameters, rows[: order + 1], watch)
        late = torch.zeros_like(rows[0])
        late[..., 0] = 2
        rate = mlp_taylor(parameters, [rows[0], late], watch)[1]
        u, slope, bend, *more = (
            b.repeat(self.times)[:, None] + tau[:, None] * part for b, part in zip(self.begin, space, strict=False)
        )
        left = (space[0] + tau[:, None] * rate) / e.end + e.advection * u * slope + 2 * e.second * bend
        left = left + 24 * e.fourth * more[1] if more else left
        return left + e.cubic * (u**3 - u) if e.cubic else left

    @torch.no_grad()
    def at(self, parameters: Parameters) -> np.ndarray:
        """The fields at tau and the places, shape (runs, times, places)."""
        tau, rows = self._inputs()
        found = apply_mlp(parameters, rows[0], torch.tanh)[..., 0] * tau
        return (self.begin[0].repeat(self.times) + found).unflatten(1, (self.times, -1)).numpy(force=True)


def grid(equation: Equation) -> tuple[np.ndarray, float]:
    """Places of the reference, shape (points,), and the length of the line."""
    low, length = (0, 2 * np.pi) if equation.start == "mixed" else (-1, 2)
    return low + length / equation.points * np.arange(equation.points), float(length)


def initial(equation: Equation) -> np.ndarray:
    """The field at t = 0, shape (points,)."""
    x, _ = grid(equation)
    if equation.start == "mixed":
        return np.cos(x) * (1 + np.sin(x))
    return -np.sin(np.pi * x) if equation.start == "sine" else x**2 * np.cos(np.pi * x)
