"""What networks leave of the equations: on the fixed grid (PINN), and along learnt characteristics (LPINN).

LPINN: x_L(x0, t) = x0 + t s D(x0, t), so that x_L(x0, 0) = x0 holds exactly, with s = max(1, c); U(x0, t) is the field
there. Of Burgers both kinds give w = u - c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pesin.models.jets import ACTIVATIONS, mlp_jet
from pesin.models.mlp import Parameters, apply_mlp
from pesin.models.physics_informed import periodic_inputs
from studies.lagrangian_pinn.problems import Problem, Problems

TANH = ACTIVATIONS["tanh"]
FAMILIES: dict[str, tuple[str, tuple[Problem, ...]]] = {
    "pinn": ("pinn", ("sine", "pulse")),
    "pinn_burgers": ("pinn", ("burgers",)),
    "lpinn": ("lpinn", ("sine",)),
    "lpinn_burgers": ("lpinn", ("burgers",)),
    "windows": ("pinn", ("pulse",)),
}
"""Networks that train in one loop: their method and their problems."""


@dataclass(frozen=True)
class Runs:
    """One row for each network: speed c, its scale s = max(1, c), viscosity, 1 where the field carries itself."""

    speed: torch.Tensor
    scale: torch.Tensor
    viscosity: torch.Tensor
    carried: torch.Tensor
    viscous: bool

    @classmethod
    def of(cls, problems: Problems, arms: list[tuple[Problem, float]], repeats: int, device: str = "cpu") -> Runs:
        """Each arm `repeats` times, one arm after the other; tensors of shape (runs, 1)."""
        nu = [problems.viscosity[name] for name, _ in arms]
        columns = ([c for _, c in arms], nu, [float(name == "burgers") for name, _ in arms])
        c, viscosity, carried = (torch.tensor(v).repeat_interleave(repeats)[:, None].to(device) for v in columns)
        return cls(c, c.clamp(min=1), viscosity, carried, any(v > 0 for v in nu))

    def at(self, rows: np.ndarray) -> Runs:
        """Those of some rows."""
        return Runs(self.speed[rows], self.scale[rows], self.viscosity[rows], self.carried[rows], self.viscous)


def arms_of(problems: Problems, family: str) -> list[tuple[Problem, float]]:
    """Problem and speed of each arm of a family; windows are for one pulse alone."""
    if family == "windows":
        return [("pulse", problems.window_speed)]
    return [(name, speed) for name in FAMILIES[family][1] for speed in problems.speeds[name]]


def branch(parameters: Parameters, name: str) -> Parameters:
    """The parameters of one branch, `state` or `path`."""
    return {k.removeprefix(f"{name}_"): v for k, v in parameters.items() if k.startswith(f"{name}_")}


def state_at(parameters: Parameters, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The field of the networks, (runs, n) -> (runs, n); of an LPINN that at labels x."""
    return apply_mlp(branch(parameters, "state"), periodic_inputs(x, t)[0], TANH.value)[..., 0]


def path_at(parameters: Parameters, runs: Runs, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """x_L - x0 of the networks in rad, (runs, n) -> (runs, n)."""
    return t * runs.scale * apply_mlp(branch(parameters, "path"), periodic_inputs(x, t)[0], TANH.value)[..., 0]


def pinn_residual(parameters: Parameters, runs: Runs, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """u_t + (c + carried u) u_x - nu u_xx, (runs, n)."""
    inputs, directions, curvature = periodic_inputs(x, t)
    order = 2 if runs.viscous else 1
    found = mlp_jet(branch(parameters, "state"), inputs, directions, TANH, order, curvature)
    u, slope = found[0][..., 0], found[1][..., 0]
    left = slope[..., 1] + (runs.speed + runs.carried * u) * slope[..., 0]
    return left - runs.viscosity * found[2][..., 0, 0] if runs.viscous else left


def lpinn_residuals(
    parameters: Parameters, runs: Runs, x: torch.Tensor, t: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(dx_L/dt - f) / s, and U_t - nu u_xx; each (runs, n).

    With J = dx_L/dx0, u_xx = (J U'' - U' J') / J^3. So that nothing blows up where learnt characteristics cross, the
    second is multiplied by J^3 / (1 + |J|^3): it is zero where it was.
    """
    inputs, directions, curvature = periodic_inputs(x, t)
    if not runs.viscous:  # no derivative along x is needed
        directions, curvature = directions[..., 1:, :], curvature[..., 1:, :]
    order = 2 if runs.viscous else 1
    state = mlp_jet(branch(parameters, "state"), inputs, directions, TANH, order, curvature)
    path = mlp_jet(branch(parameters, "path"), inputs, directions, TANH, order, curvature)
    u, rate = state[0][..., 0], state[1][..., -1, 0]
    moved = path[0][..., 0] + t * path[1][..., -1, 0]  # d/dt (t D)
    along = moved - (runs.speed + runs.carried * u) / runs.scale
    if not runs.viscous:
        return along, rate
    far = t * runs.scale
    stretch, bend = 1 + far * path[1][..., 0, 0], far * path[2][..., 0, 0]
    spread = stretch * state[2][..., 0, 0] - state[1][..., 0, 0] * bend
    cube = stretch**3
    return along, (cube * rate - runs.viscosity * spread) / (1 + cube.abs())


@dataclass(frozen=True)
class Points:
    """Where a loss is taken: x, t (runs, n) of the residual; x0 and the field at the start of time (runs, m)."""

    x: torch.Tensor
    t: torch.Tensor
    x0: torch.Tensor
    u0: torch.Tensor


def draw_places(rng: np.random.Generator, seeds: int, n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Even places x and times t (seeds, n), and m places of the start in even distance from a drawn one (seeds, m)."""
    x, t = rng.uniform(0, 2 * np.pi, (seeds, n)), rng.uniform(0, 1, (seeds, n))
    x0 = 2 * np.pi / m * (np.arange(m) + rng.uniform(0, 1, (seeds, 1)))
    return x.astype(np.float32), t.astype(np.float32), x0.astype(np.float32)


def loss(
    parameters: Parameters, runs: Runs, points: Points, initial_weight: float, path_weight: float = 0, scaled=False
) -> torch.Tensor:
    """Loss of each run; of an LPINN where there are characteristics; a PINN's residual over s if `scaled`."""
    missed = (state_at(parameters, points.x0, torch.zeros_like(points.x0)) - points.u0).square().mean(-1)
    if any(name.startswith("path_") for name in parameters):
        along, left = lpinn_residuals(parameters, runs, points.x, points.t)
        return initial_weight * missed + path_weight * along.square().mean(-1) + left.square().mean(-1)
    left = pinn_residual(parameters, runs, points.x, points.t)
    left = left / runs.scale if scaled else left
    return initial_weight * missed + left.square().mean(-1)
