"""Slabs of a brittle lattice that break: movies of their damage; a ramp of strains; Griffith's threshold; two waves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamic_fracture_forecasting import lattice
from studies.dynamic_fracture_forecasting.lattice import NEVER, Slab
from studies.dynamic_fracture_forecasting.params import Params, Simulate

MAY_REST: dict[str, Any] = {"may_be_constant": 1}
"""Of what stays the same where nothing moves."""
WAVES = {"P": lattice.P_SPEED, "S": lattice.S_SPEED}
AMPLITUDE = 1e-4


def simulate(case: Case[Params]) -> xr.Dataset:
    """All worlds of the study, in one file."""
    params = case.params.simulate
    found = movies(params, case.rng("slabs"))
    return (
        found.merge(ramp(params, case.rng("ramp"))).merge(griffith(params, case.rng("griffith"))).merge(waves(params))
    )


def notches(params: Simulate, world: Slab, rng: np.random.Generator, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths and heights."""
    length = rng.uniform(*params.notch, samples)
    return length, world.height / 2 + rng.uniform(-params.offset, params.offset, samples)


def movies(params: Simulate, rng: np.random.Generator) -> xr.Dataset:
    """Damage of all samples as cells, frame by frame; where the crack's front is; energies."""
    world = lattice.slab(params.columns, params.rows)
    length, height = notches(params, world, rng, params.samples)
    strain = rng.uniform(*params.strain, params.samples)
    x = lattice.stretched(world, strain)
    v, lost = np.zeros_like(x), np.zeros(params.samples)
    snapped = lattice.notched(world, length, height)
    kept = []
    for frame in range(params.frames):
        if frame and params.moves:
            lattice.follow(
                world, x, v, snapped, lost, params.dt, (frame - 1) * params.every, params.every, params.reach
            )
        kept.append((*lattice.energies(world, x, v, snapped), lost.copy()))
    energy = np.moveaxis(np.array(kept), 0, -1)  # (kind, samples, frames)
    at = np.arange(params.frames) * params.every
    fine = np.arange(0, at[-1] + 1, max(params.every // 10, 1))
    front = lattice.front(world, snapped, fine)
    dims, start = ("sample", "frame"), MAY_REST
    return xr.Dataset(
        {
            "mask": labelled((*dims, "y", "x"), images(world, snapped, at, params.grid), "whether a cell is damaged"),
            "strain": labelled("sample", strain, "strain"),
            "notch_length": labelled("sample", length, "length of the notch", "spacing"),
            "notch_height": labelled("sample", height, "height of the notch", "spacing"),
            "front": labelled(("sample", "moment"), front, "front of the crack", "spacing", **start),
            "top_speed": labelled(
                "sample",
                steady(fine * params.dt, front, world.width),
                "speed of the front between 40 % and 85 % of the width",
                "spacing / time",
                **start,
            ),
            "kinetic": labelled(dims, energy[0], "kinetic energy", "k spacing2", **start),
            "elastic": labelled(dims, energy[1], "energy of the bonds", "k spacing2", **start),
            "lost": labelled(dims, energy[2], "energy of snapped bonds", "k spacing2", **start),
        },
        {"sample": np.arange(params.samples), "frame": np.arange(params.frames), "moment": fine * params.dt},
        {
            "k": 1.0,
            "reach": params.reach,
            "dt": params.dt,
            "frame_time": params.every * params.dt,
            "width": world.width,
        },
    )


def images(world: Slab, snapped: np.ndarray, steps: np.ndarray, grid: int) -> np.ndarray:
    """Cells that hold an atom with a snapped bond after each of the steps: int8, (samples, steps, y, x)."""
    column = np.floor((world.place[:, 0] + 0.25) / world.width * grid).astype(int)
    row = np.floor((world.place[:, 1] / lattice.ROW + 0.5) / (world.height / lattice.ROW + 1) * grid).astype(int)
    found = np.zeros((len(snapped), len(steps), grid, grid), np.int8)
    for frame, step in enumerate(steps):
        sample, bond = np.nonzero(snapped <= step)
        for end in world.bonds[bond].T:
            found[sample, frame, row[end], column[end]] = 1
    return found


def steady(time: np.ndarray, front: np.ndarray, width: float) -> np.ndarray:
    """Slope of the front against time where it runs freely, (samples,); 0 where it is there at fewer than 3 times."""
    found = np.zeros(len(front))
    for sample, own in enumerate(front):
        free = (own > 0.4 * width) & (own < 0.85 * width) & (own > own[0])
        if free.sum() >= 3:
            found[sample] = np.polyfit(time[free], own[free], 1)[0]
    return found


def ramp(params: Simulate, rng: np.random.Generator) -> xr.Dataset:
    """How rough the broken path is, by notch and strain; the damage of the first notch."""
    asked = params.ramp
    world = lattice.slab(asked.columns, asked.rows)
    length, height = (np.repeat(v, len(asked.strains)) for v in notches(params, world, rng, asked.seeds))
    snapped = run(params, world, np.tile(asked.strains, asked.seeds), length, height, asked.steps)
    shape = asked.seeds, len(asked.strains)
    fresh = ((snapped > 0) & (snapped < NEVER)).reshape(*shape, -1)
    picture = images(world, snapped.reshape(*shape, -1)[0], np.array([asked.steps]), params.grid)[:, 0]
    start = MAY_REST
    return xr.Dataset(
        {
            "ramp_roughness": labelled(
                ("notch", "ramp_strain"),
                deviation(world.middle[:, 1], fresh),
                "roughness of the path",
                "spacing",
                **start,
            ),
            "ramp_snapped": labelled(("notch", "ramp_strain"), fresh.sum(-1), "snapped bonds", **start),
            "ramp_mask": labelled(("ramp_strain", "y", "x"), picture, "whether a cell is damaged, first notch"),
        },
        {"notch": np.arange(asked.seeds), "ramp_strain": list(asked.strains)},
    )


def deviation(height: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Standard deviation of the heights, weighted: (..., heights) -> (...); 0 where there is no weight."""
    total = weight.sum(-1)
    safe = np.where(total > 0, total, 1)
    mean = (weight * height).sum(-1) / safe
    return np.sqrt((weight * (height - mean[..., None]) ** 2).sum(-1) / safe)


def run(params: Simulate, world: Slab, strain, length, height, steps: int) -> np.ndarray:
    """Steps at which bonds snap, (samples, bonds)."""
    x = lattice.stretched(world, strain)
    snapped = lattice.notched(world, length, height)
    if params.moves:
        lattice.follow(world, x, np.zeros_like(x), snapped, np.zeros(len(x)), params.dt, 0, steps, params.reach)
    return snapped


def griffith(params: Simulate, rng: np.random.Generator) -> xr.Dataset:
    """How far cracks go below and above the strain that pays for them."""
    asked = params.griffith
    world = lattice.slab(params.columns, params.rows)
    height = world.height / 2 + rng.uniform(-params.offset, params.offset, asked.seeds)
    strain = np.repeat([asked.below, asked.above], asked.seeds)
    snapped = run(params, world, strain, np.full(2 * asked.seeds, asked.notch), np.tile(height, 2), asked.steps)
    ends = lattice.front(world, snapped, np.array([0, asked.steps]))
    return xr.Dataset(
        {
            "advance": labelled(
                ("side", "slab"),
                np.diff(ends)[:, 0].reshape(2, -1),
                "way of the crack",
                "spacing",
                **MAY_REST,
            ),
            "griffith_strain": labelled((), griffith_strain(world.height, params.reach), "Griffith's strain"),
        },
        {"side": ["below", "above"], "slab": np.arange(asked.seeds)},
    )


def griffith_strain(height: float, reach: float) -> float:
    """Strain at which a strip holds as much energy per length as two snapping bonds, of a crack far from both ends."""
    return math.sqrt(2 * (reach - 1) ** 2 / 2 / (1.5 * lattice.LAME * height))


def waves(params: Simulate) -> xr.Dataset:
    """Speeds of the longest standing waves between the held rows, over theory: a quarter of the period is timed."""
    world = lattice.slab(4, params.rows, ring=True)
    shape = np.sin(np.pi * world.place[:, 1] / world.height)
    found = [speed(params, world, shape, axis, theory) for axis, theory in ((1, WAVES["P"]), (0, WAVES["S"]))]
    return xr.Dataset(
        {
            "wave_speed": labelled("wave", found, "speed", "spacing / time", **MAY_REST),
            "wave_theory": labelled("wave", list(WAVES.values()), "speed in theory", "spacing / time"),
        },
        {"wave": list(WAVES)},
    )


def speed(params: Simulate, world: Slab, shape: np.ndarray, axis: int, theory: float) -> float:
    """2 height / period, of a standing wave that is let go at rest; 0 if it doesn't come through zero."""
    x = world.place[None].copy()
    x[0, :, axis] += AMPLITUDE * shape
    v, lost = np.zeros_like(x), np.zeros(1)
    snapped, size = np.full((1, len(world.bonds)), NEVER, np.int32), [AMPLITUDE]
    for step in range(int(world.height / theory / params.dt) if params.moves else 0):
        lattice.follow(world, x, v, snapped, lost, params.dt, step, 1, params.reach)
        moved = x[0, :, axis] - world.place[:, axis]
        size.append(float(moved @ shape / (shape @ shape)))
        if size[-1] <= 0:
            quarter = params.dt * (step + size[-2] / (size[-2] - size[-1]))
            return world.height / (2 * quarter)
    return 0.0
