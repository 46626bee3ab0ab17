"""The processes: the prior that the network learns from, the flashing ratchet, stand-ins for recorded molecules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pesin.models.markov import generator
from pesin.systems.jumps import jump_paths, mislabelled

SHAPES = tuple((a, b) for a in (1, 2) for b in (1, 3, 5, 10))
"""Of the beta laws that rates are drawn from, one for each process."""


class Processes(NamedTuple):
    """Rates (many, states, states) with a zero diagonal, links that exist, and the law of the first state."""

    rates: np.ndarray
    links: np.ndarray
    start: np.ndarray


def draw_processes(rng: np.random.Generator, many: int, states: int, scale) -> Processes:
    """Draw from the prior: beta rates times `scale` (a number or one for each process), on a random connected graph.

    A link is kept both ways or not at all, with a probability that is drawn for each process. Half of the processes
    start in their stationary law, half in one from a flat Dirichlet law.
    """
    a, b = np.array(SHAPES, float)[rng.integers(len(SHAPES), size=many)].T
    share = rng.uniform(0.3, 1.0, many)
    links = np.zeros((many, states, states), bool)
    left = np.arange(many)
    while left.size:  # graphs that fall apart are drawn again
        upper = np.triu(rng.random((left.size, states, states)) < share[left, None, None], 1)
        links[left] = upper | upper.swapaxes(1, 2)
        reached = np.linalg.matrix_power(links[left] + np.eye(states), states - 1) > 0
        left = left[~reached.all((1, 2))]
    size = np.broadcast_to(np.asarray(scale, float), (many,))
    rates = rng.beta(a[:, None, None], b[:, None, None], links.shape) * size[:, None, None]
    rates = np.maximum(rates, 1e-6 * size[:, None, None]) * links
    flat = rng.dirichlet(np.ones(states), many)
    return Processes(rates, links, np.where(rng.random((many, 1)) < 0.5, flat, balanced_law(rates)))


def balanced_law(rates: np.ndarray) -> np.ndarray:
    """Stationary laws of many processes at once, by linear equations.

    All links have 1e-9 of the largest rate more, so that inferred rates that fall apart have a law too.
    """
    least = np.maximum(rates.max((-2, -1), keepdims=True), 1e-12) * 1e-9
    equations = np.swapaxes(generator(rates + least), -1, -2).copy()
    scale = np.abs(equations).max((-2, -1))
    equations[..., -1, :] = scale[..., None]
    right = np.zeros((*rates.shape[:-1], 1))
    right[..., -1, 0] = scale
    law = np.maximum(np.linalg.solve(equations, right)[..., 0], 0)
    return law / law.sum(-1, keepdims=True)


def observe(
    rng: np.random.Generator, rates: np.ndarray, start: np.ndarray, paths: int, times: np.ndarray, noise
) -> np.ndarray:
    """Paths as a reader gives them who errs in a share `noise` of all points: int8, (..., paths, points)."""
    reached = np.cumsum(start, -1)[..., None, :-1]
    first = (rng.random((*start.shape[:-1], paths, 1)) > reached).sum(-1)
    return mislabelled(jump_paths(rates, first, times, rng), rates.shape[-1], noise, rng)


# ------------------------------------------------------------------------------------------------------ the ratchet


def ratchet(drive: float, switch: float = 1.0, free: float = 1.0) -> np.ndarray:
    """Rates of the discrete flashing ratchet (V, r, b), shape (6, 6): potential on in states 0 to 2, off in 3 to 5."""
    rates, place = np.zeros((6, 6)), np.arange(3)
    rates[:3, :3] = np.exp(-drive * (place - place[:, None]) / 2)
    rates[3:, 3:] = free
    rates[place, place + 3] = rates[place + 3, place] = switch
    return rates * (1 - np.eye(6))


def ratchet_parameters(rates: np.ndarray) -> dict[str, np.ndarray]:
    """V by the authors' weights and by least squares in the log ratios, r and b, of rates (..., 6, 6)."""
    f = np.log(np.maximum(rates, 1e-12))
    first, second, far = (f[..., j, i] - f[..., i, j] for i, j in ((0, 1), (1, 2), (0, 2)))
    place, off = np.arange(3), 3 + np.argwhere(~np.eye(3, dtype=bool)).T
    switching = np.concatenate([rates[..., place, place + 3], rates[..., place + 3, place]], -1)
    return {
        "V": (2 * first + 2 * second + far) / 6,
        "V_least_squares": (first + second + 2 * far) / 6,
        "r": switching.mean(-1),
        "b": rates[..., off[0], off[1]].mean(-1),
    }


# -------------------------------------------------------------------------------------------------------- stand-ins


@dataclass(frozen=True)
class StandIn:
    """A process that is read off a noisy signal: the nearest of its levels."""

    rates: np.ndarray
    levels: np.ndarray
    """(states, dim)."""
    deviation: float
    """Of the signal about its level, in each dimension."""
    pace: float
    """Between two points, in units of time."""
    modes: int
    """Relaxation times that are judged, the slowest first."""

    def read(self, rng: np.random.Generator, contexts: int, paths: int, points: int) -> np.ndarray:
        """Labels of stationary paths, int8, (contexts, paths, points)."""
        rates = np.broadcast_to(self.rates, (contexts, *self.rates.shape))
        hidden = observe(rng, rates, balanced_law(rates), paths, self.pace * np.arange(points), 0.0)
        signal = self.levels[hidden] + self.deviation * rng.standard_normal((*hidden.shape, self.levels.shape[1]))
        return ((signal[..., None, :] - self.levels) ** 2).sum(-1).argmin(-1).astype(np.int8)


def _linked(states: int, *links: tuple[int, int, float, float]) -> np.ndarray:
    rates = np.zeros((states, states))
    for i, j, there, back in links:
        rates[i, j], rates[j, i] = there, back
    return rates


# Invented rates and levels: what such recordings look like, not those of any molecule. Lengths and times have no unit.
STAND_INS = {
    # Closed, open, inactive; a current with three levels, thresholds half-way.
    "channel": StandIn(_linked(3, (0, 1, 1.0, 0.6), (1, 2, 0.4, 0.15)), np.array([[0.0], [1.0], [0.5]]), 0.1, 0.2, 2),
    # Folded and unfolded along a distance.
    "folding": StandIn(_linked(2, (0, 1, 0.3, 0.5)), np.array([[0.0], [1.0]]), 0.2, 0.2, 1),
    # Two groups of three basins in a plane of angles: fast within, slow between.
    "peptide": StandIn(
        _linked(
            6,
            *((0, 1, 1.2, 0.8), (1, 2, 0.7, 0.9), (0, 2, 0.5, 0.4)),
            *((3, 4, 1.0, 1.4), (4, 5, 0.6, 0.8), (2, 3, 0.12, 0.2), (0, 5, 0.05, 0.1)),
        ),
        np.array([[-2.5, 2.6], [-1.2, 2.4], [-1.4, 0.6], [-1.2, -0.7], [1.0, 0.7], [1.0, -1.2]]),
        0.22,
        0.25,
        2,
    ),
}
