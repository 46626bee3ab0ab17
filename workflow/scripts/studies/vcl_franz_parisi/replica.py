"""Replica-symmetric theory of binary weights in fields, of one task and of two (a Franz-Parisi potential).

Order parameters: q (two replicas), r (with the teacher), Q (self overlap); conjugate ones q^, r^, Q^. The integrals
over Gaussian fields and over theta are sums on dense even grids: Gauss-Hermite rules of moderate order show a false
plateau.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from studies.vcl_franz_parisi.params import Entropy
from studies.vcl_franz_parisi.spins import divergence

START = (1e-3, 1e-3, 1 / 3)  # q, r, Q of a student that knows next to nothing
ROOM = 1e-9  # q - r^2, Q - q and 1 - Q stay above it


class Grids(NamedTuple):
    """Gaussian fields z with their weights, fields theta with those of dm / 2, all float64."""

    z: torch.Tensor
    dz: torch.Tensor
    theta: torch.Tensor
    dm: torch.Tensor


class State(NamedTuple):
    """What a saddle point comes to: order parameters, overlaps of signs with both teachers, free energy, updates done,
    and the density of theta in the gauge of the teacher (its weights sum to 1)."""

    order: torch.Tensor
    overlap: tuple[float, float]
    potential: float
    sweeps: int
    density: torch.Tensor


def grids(params: Entropy) -> Grids:
    """Even grids on [-7, 7] and [-8, 8]."""
    z = torch.linspace(-7, 7, params.grid.gauss, dtype=torch.float64)
    dz = torch.exp(-z.square() / 2)
    half = params.grid.field // 2
    theta = torch.arange(-half, half + 1, dtype=torch.float64) * (8 / half)  # zero exactly, where the sign changes
    dm = torch.cosh(theta) ** -2 / 2 * (theta[1] - theta[0])
    return Grids(z, dz / dz.sum(), theta, dm)


def energy(order: torch.Tensor, beta: float, g: Grids) -> torch.Tensor:
    """E = 2 int Dz H(z r / sqrt(q - r^2)) ln int Dx H((sqrt(Q - q) x + sqrt(q) z) / sqrt(1 - Q))^beta.

    Parameters
    ----------
    order : Tensor, shape (3,)
        q, r, Q.
    """
    q, r, large = order
    told = torch.special.ndtr(-g.z * r / (q - r.square()).clamp(min=ROOM).sqrt())
    field = (large - q).clamp(min=ROOM).sqrt() * g.z[:, None] + q.sqrt() * g.z
    held = beta * torch.special.log_ndtr(-field / (1 - large).clamp(min=ROOM).sqrt())
    return 2 * (g.dz * told * torch.logsumexp(held + g.dz.log()[:, None], 0)).sum()


def conjugates(order: torch.Tensor, alpha: float, beta: float, g: Grids) -> tuple[torch.Tensor, float]:
    """q^ = -2 alpha dE/dq, r^ = alpha dE/dr, Q^ = alpha dE/dQ, shape (3,); and E."""
    order = order.clone().requires_grad_()
    value = energy(order, beta, g)
    (slope,) = torch.autograd.grad(value, order)
    return alpha * slope * torch.tensor([-2.0, 1.0, 1.0], dtype=order.dtype), float(value.detach())


class Prior(NamedTuple):
    """What the measure of task 2 is made of: density of theta_1, exp(-beta gamma KL), and r0."""

    density: torch.Tensor
    pull: torch.Tensor
    overlap: float


def spins(
    hats: torch.Tensor, g: Grids, prior: Prior | None
) -> tuple[torch.Tensor, tuple[float, float], float, torch.Tensor]:
    """Averages over a spin in its effective field: new q, r, Q; sign overlaps; S; density of theta.

    With a prior, S = sum_s (1 + s r0) / 2 int dm1 P1(m1) int Dx ln int dm / 2 exp[(Q^ - q^ / 2) m^2 + sqrt(q^) x m
    + s r^ m - beta gamma KL(m || m1)], in the gauge of teacher 1; s is the product of the teachers' weights.
    """
    q, r, large = hats
    m, kinds = torch.tanh(g.theta), (1.0,) if prior is None else (1.0, -1.0)
    shares = [1.0] if prior is None else [(1 + s * prior.overlap) / 2 for s in kinds]
    pull = torch.ones(len(m), 1, dtype=m.dtype) if prior is None else prior.pull
    given = torch.ones(1, dtype=m.dtype) if prior is None else prior.density
    totals, value, density = torch.zeros(5, dtype=m.dtype), 0.0, torch.zeros_like(m)
    for s, share in zip(kinds, shares, strict=True):
        field = q.clamp(min=0).sqrt() * g.z[:, None] + s * r
        action = (large - q / 2) * m.square() + field * m + g.dm.log()
        top = action.max(1, keepdim=True).values
        weight = torch.exp(action - top)  # (z, theta)
        norm = weight @ pull  # (z, theta_1)
        both = share * g.dz[:, None] * given
        first, second, sign = ((weight * x) @ pull / norm for x in (m, m.square(), torch.sign(m)))
        totals += torch.stack([(both * x).sum() for x in (first.square(), s * first, second, sign, s * sign)])
        value += float((both * (top + norm.log())).sum())
        density += ((weight.T @ (both / norm)) * pull).sum(1)
    return totals[:3], (float(totals[3]), float(totals[4])), value, density


def solve(
    alpha: float, params: Entropy, g: Grids, start: torch.Tensor | None = None, prior: Prior | None = None
) -> State:
    """Follow damped updates from `start` (q, r, Q) to where they end: the branch that holds `start`, if it is stable.

    Parameters
    ----------
    alpha
        Load of the task; 0 is no data.
    """
    order = torch.tensor(START, dtype=torch.float64) if start is None else start
    sweeps = 0
    while sweeps < params.sweeps:
        sweeps += 1
        hats, level = conjugates(order, alpha, params.beta, g)
        found, overlap, value, density = spins(hats, g, prior)
        change, order = (found - order).abs().max(), order + params.damping * (found - order)
        if change < params.tolerance:
            break
    q, r, large = order
    bound = -r * hats[1] + q * hats[0] / 2 - large * hats[2]
    return State(order, overlap, float(bound) + value + alpha * level, sweeps, density / density.sum())


def prior_of(state: State, overlap: float, strength: float, g: Grids) -> Prior:
    """The prior of task 2 that a saddle point of task 1 leaves; strength is beta gamma."""
    return Prior(state.density, torch.exp(-strength * divergence(g.theta[:, None], g.theta)), overlap)


def error(overlap: float) -> float:
    """Generalisation error of a student with this overlap with its teacher: arccos(p) / pi."""
    return math.acos(min(1.0, max(-1.0, overlap))) / math.pi
