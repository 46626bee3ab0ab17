"""What is measured between two retrained copies, and the rules that read it (Zhou et al., sections 2 and 4).

Tables have the shape (temperature, density, seed), temperatures from hot to cool.
"""

from __future__ import annotations

import numpy as np

REGIMES = ("I", "II-A", "II-B")


def connectivity(curve: np.ndarray) -> np.ndarray:
    """Linear mode connectivity of curves (..., points): mean of the ends less the value farthest from it.

    Below 0: a barrier; above: a better network between the two; 0: connected.
    """
    ends = (curve[..., 0] + curve[..., -1]) / 2
    away = ends[..., None] - curve
    far = abs(away).argmax(-1)
    return np.take_along_axis(away, far[..., None], -1)[..., 0]


def regimes(lmc: np.ndarray, cka: np.ndarray, disconnected: float, alike) -> np.ndarray:
    """Index into REGIMES: I below `disconnected`; else II-A below the similarity `alike`, II-B from it on."""
    return np.where(lmc < disconnected, 0, np.where(cka < alike, 1, 2))


def halves(seeds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(fitted on, scored on): each half of the seeds once."""
    first, second = np.split(np.arange(seeds), 2)
    return [(first, second), (second, first)]


def turned(difference: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Differences (..., seed) in the direction that the other seeds' mean of `by` (seed) has: no effect, no mean."""
    others = (by.sum() - by) / (len(by) - 1)
    return difference * np.sign(others)


def sharpest(optimum: np.ndarray) -> np.ndarray:
    """Share of all that the optimum (density, seed) moves that lies in its largest move between neighbours, (seed,).

    1 for a single jump, 1 / (densities - 1) for an even drift, 0 if it never moves: there is no transition.
    """
    moves = abs(np.diff(optimum, axis=0))
    whole = moves.sum(0)
    return moves.max(0) / np.where(whole == 0, 1, whole)


def sign_rule(error: np.ndarray, lmc: np.ndarray) -> dict[str, np.ndarray]:
    """Accuracy (seed) of telling whether the hotter or the cooler neighbour of a temperature has less error.

    rule: hotter where connectivity lies below a threshold, which is fitted on the other half of the seeds; majority:
    the direction that is the more frequent there; hotter, cooler: always this one. Cells whose neighbours are equally
    good don't count.
    """
    cooler = np.sign(error[:-2] - error[2:])  # 1: better to go on training
    cells, alive = lmc[1:-1], cooler != 0

    def accuracy(predicted, seeds) -> np.ndarray:
        counted = alive[..., seeds].sum((0, 1))
        right = ((predicted == cooler[..., seeds]) & alive[..., seeds]).sum((0, 1))
        return np.where(counted > 0, right / np.maximum(counted, 1), np.nan)

    found = {name: np.empty(error.shape[-1]) for name in ("rule", "majority", "hotter", "cooler")}
    for own, other in halves(error.shape[-1]):
        levels = np.unique(cells[..., own])
        levels = np.concatenate([[-np.inf], (levels[:-1] + levels[1:]) / 2, [np.inf]])
        scores = [np.nan_to_num(accuracy(np.where(cells[..., own] < t, -1, 1), own)).mean() for t in levels]
        best = levels[int(np.argmax(scores))]
        found["rule"][other] = accuracy(np.where(cells[..., other] < best, -1, 1), other)
        found["hotter"][other], found["cooler"][other] = (accuracy(sign, other) for sign in (-1.0, 1.0))
        found["majority"][other] = accuracy(1.0 if cooler[..., own].sum() > 0 else -1.0, other)
    return found


def regret(error: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Error (temperature, density, seed) of the highest score less the least; mean over ties and densities, (seed,)."""
    best = score >= score.max(0) - 1e-9
    chosen = (error * best).sum(0) / best.sum(0)
    return (chosen - error.min(0)).mean(0)


def selected(error: np.ndarray, lmc: np.ndarray, cka: np.ndarray) -> np.ndarray:
    """Regret (seed) of the landscape's choice: of the connected networks the most alike, else the best connected.

    What counts as connected is fitted on the other half of the seeds.
    """

    def score(level: float) -> np.ndarray:
        return np.where(lmc >= level, 1 + cka, lmc)  # lmc < 1 + cka always

    levels = [-np.inf, *np.quantile(lmc, np.linspace(0, 1, 21))]
    found = np.empty(error.shape[-1])
    every = np.stack([regret(error, score(level)) for level in levels])
    for own, other in halves(error.shape[-1]):
        found[other] = every[int(np.argmin(every[:, own].mean(1)))][other]
    return found


def tuned(error: np.ndarray, lmc: np.ndarray, cka: np.ndarray, start: int, disconnected: float) -> np.ndarray:
    """Error (seed), mean over densities, one step from the temperature `start` on: hotter in Regime I, cooler in II-A.

    Alike is what lies above the other half's median similarity at `start`.
    """
    found = np.empty(error.shape[-1])
    for own, other in halves(error.shape[-1]):
        regime = regimes(lmc[start], cka[start], disconnected, np.median(cka[start][:, own]))[:, other]
        step = np.array([-1, 1, 0])[regime]
        place = np.clip(start + step, 0, len(error) - 1)
        found[other] = np.take_along_axis(error[..., other], place[None], 0)[0].mean(0)
    return found
