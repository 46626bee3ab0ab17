"""What each source says of its cases: normal laws by method, the truth, and how many models a law takes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pesin.entropy.gaussian import uncertainty_split
from pesin.forecast.probabilistic import half_width

LEAST = 1e-9
"""Deviations are held above it."""
CELL = 1 / 12
"""Variance of what is known to a whole number."""
LEAD = 10
"""Day of the centre's forecasts that stands for all."""


class Law(NamedTuple):
    """Normal laws and the truth, (unit, case) each."""

    mean: np.ndarray
    deviation: np.ndarray
    truth: np.ndarray


class Source(NamedTuple):
    """The first method stands for the source."""

    laws: dict[str, Law]
    models: dict[str, int]
    """Trained or run for one law, by method."""
    richer: dict[str, str] = {}
    """Of a method of fewer data or models, the one that has more of them."""
    members: dict[str, int] = {}
    """Of a method whose deviation is the spread of so many equal members, how many."""
    kinds: np.ndarray | None = None
    """What quantity a case is of, (case,), where a source has several."""


def spread(members: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of what several models say."""
    return members.mean(axis), members.std(axis, ddof=1)


def potentials(said: Any, world: Any) -> Source:
    """Free energies along the dihedral: unit a data set, case an angle. The spread of sampled or of equal networks."""
    deviation = (said["high"] - said["low"]).values / (2 * half_width(0.95))
    truth = np.broadcast_to(world["profile"].sel(truth="molecule").values, deviation.shape[1:])
    found = {
        str(arm): Law(mean, own, truth)
        for arm, mean, own in zip(said["arm"].values, said["profile"].values, deviation, strict=True)
    }
    main = "SG-MCMC, middle"
    laws = {main: found.pop(main)} | found
    richer = {"SG-MCMC, few": "SG-MCMC, many", "ensemble, few": "ensemble, many"}
    return Source(laws, dict.fromkeys(laws, said.sizes["chain"]), richer)


def combustor(said: Any) -> Source:
    """Amplitudes half a second ahead: unit a campaign, case a window. Networks learn a deviation with the mean."""
    law = said["law"].to_dataset()
    mean, deviation = (np.moveaxis(law[part].values.astype(float), 2, -1) for part in ("mean", "deviation"))
    truth = law["truth"].values.astype(float)

    def together(size: int, members: slice) -> Law:
        means = mean[size][..., members]
        aleatoric, epistemic = uncertainty_split(means, deviation[size][..., members])
        return Law(means.mean(-1), np.sqrt(aleatoric + epistemic), truth)

    every, single, two = slice(1, None), slice(1, 2), slice(1, 3)
    laws = {
        "ensemble": together(-1, every),
        "ensemble, few": together(0, every),
        "two": together(-1, two),
        "single": together(-1, single),
        "single, few": together(0, single),
        "spread": Law(*spread(mean[-1][..., every], -1), truth),
    }
    n = mean.shape[-1] - 1
    models = dict.fromkeys(laws, n) | {"two": 2, "single": 1, "single, few": 1}
    richer = dict.fromkeys(("ensemble, few", "two", "single", "single, few"), "ensemble")
    return Source(laws, models, richer, {"spread": n})


def jumps(said: Any) -> Source:
    """Rates of jump processes that the network never saw: unit a process of each number of states, case a rate."""
    by_paths = np.moveaxis(said["law"].values.astype(float), -1, 1)
    laws = {name: Law(*by_paths[k]) for name, k in (("many", -1), ("middle", 1), ("few", 0))}
    kinds = np.concatenate([np.full(n * (n - 1), n) for n in said["states"].values])
    return Source(laws, dict.fromkeys(laws, 1), {"few": "many"}, kinds=kinds)


def exact(said: Any) -> Source:
    """Both rates of processes of two states: the posterior on a grid, beside the network's law. Unit a process."""
    states = [int(n) for n in said["states"].values]
    first = sum(n * (n - 1) for n in states[: states.index(2)])
    found = said["posterior"].values.astype(float)  # (exact or network, mean or deviation, process, direction)
    truth = said["law"].values[0, : found.shape[2], first : first + 2, 2].astype(float)
    laws = {name: Law(own[0], own[1], truth) for name, own in zip(("posterior", "network"), found, strict=True)}
    return Source(laws, {"posterior": 0, "network": 1})


def climate(said: Any) -> Source:
    """Fields of a two-layer flow: unit a start, case a place of a field. The spread of a centre's members."""
    members, truth = (np.moveaxis(said[part].values.astype(float), 1, 0) for part in ("kept", "kept_truth"))
    by_day = {int(day): (one, true) for day, one, true in zip(said["day"].values, members, truth, strict=True)}
    one, true = by_day[LEAD]
    laws = {f"day {LEAD}": Law(*spread(one, 1), true), "two": Law(*spread(one[:, :2], 1), true)}
    laws |= {f"day {day}": Law(*spread(own, 1), true) for day, (own, true) in by_day.items() if day != LEAD}
    models = dict.fromkeys(laws, members.shape[2]) | {"two": 2}
    kinds = np.repeat(
        np.arange(said.sizes["field"]), true.shape[-1] // said.sizes["field"]
    )  # one field after the other
    return Source(laws, models, {"two": f"day {LEAD}"}, models, kinds)


def fracture(said: Any) -> Source:
    """Tips of cracks: unit a slab, case a frame in which most cracks have set out. The spread of equal networks.

    A tip is a whole number of cells, which the deviation holds too: three networks often agree.
    """
    tip, truth = said["tip"].values.astype(float), said["true_tip"].values.astype(float)
    moving = (truth > truth[:, :1]).mean(0) > 0.5
    moving[-1] = True

    def law(networks: np.ndarray) -> Law:
        mean, deviation = spread(networks[..., moving], 0)
        return Law(mean, np.sqrt(deviation**2 + CELL), truth[:, moving])

    models = {"networks": len(tip), "two": 2}
    return Source({"networks": law(tip), "two": law(tip[:2])}, models, {"two": "networks"}, models)


def molecules(said: Any) -> Source:
    """Properties of molecules: unit a seed, case a property of a test molecule. Laws over bins, learned as classes."""
    found = np.moveaxis(said["law"].values.astype(float), (1, -1), (0, 1))  # (network, stat, seed, test, property)
    kinds = np.tile(np.arange(found.shape[-1]), found.shape[-2])
    found = found.reshape(*found.shape[:3], -1)
    laws = {str(name): Law(*part) for name, part in zip(said["network"].values, found, strict=True)}
    main = "multi"
    laws = {main: laws.pop(main)} | laws
    return Source(laws, dict.fromkeys(laws, 1), kinds=kinds)
