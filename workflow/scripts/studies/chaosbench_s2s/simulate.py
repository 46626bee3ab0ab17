"""The worlds: training runs, and test runs that are spun up by themselves, under a season and a slow boundary."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.chaosbench_s2s.archive import count_frames
from studies.chaosbench_s2s.flow import model, to_psi
from studies.chaosbench_s2s.params import Params, Simulate

YEAR = 360


def simulate(case: Case[Params]) -> xr.DataTree:
    """`train`: psi and U of the training runs; `test`: psi, U as known at the start, and which world a start is of."""
    world = case.params.simulate
    runs = world.seeds * (world.members + world.starts)
    psi, slow, season = follow(case, world, runs)
    split = world.seeds * world.members
    shear = world.shear + season + slow
    known = world.shear + season[split:] + slow[split:, :1]
    square, world_shape = ("layer", "y", "x"), (world.seeds, world.members, world.days)
    training = xr.Dataset(
        {
            "psi": labelled(
                ("seed", "member", "day", *square),
                psi[:split, : world.days].reshape(*world_shape, *psi.shape[2:]),
                "stream function",
            ),
            "shear": labelled(("seed", "member", "day"), shear[:split, : world.days].reshape(world_shape), "U"),
        }
    )
    ahead = slice(0, world.lead + 1)
    test = xr.Dataset(
        {
            "psi": labelled(("start", "lead", *square), psi[split:, ahead], "stream function", role="truth"),
            "shear": labelled(("start", "lead"), known[:, ahead], "U with its slow part as at the start"),
            "world": labelled("start", np.repeat(np.arange(world.seeds), world.starts), "seed of a start's world"),
        },
        {"lead": np.arange(world.lead + 1)},
    )
    counted = count_frames(world.archive) if world.archive else 0
    archive = xr.Dataset({"frames": labelled((), counted, "daily frames of the archive, all channels counted")})
    return xr.DataTree.from_dict({"train": training, "test": test, "archive": archive})


def follow(case: Case[Params], world: Simulate, runs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stream functions (run, day, layer, y, x) after the spin-up; slow and seasonal part of U (run, day)."""
    rng = case.rng("world")
    days = max(world.days, world.lead + 1)
    advance = model(world.points, world.coupling, world.beta, world.friction, world.steps)
    modes = np.fft.rfft2(rng.standard_normal((runs, 2, world.points, world.points))).astype(np.complex64)
    kept, phase = np.exp(-1 / world.memory), rng.uniform(0, YEAR, (runs, 1))
    drawn = rng.standard_normal((runs, world.spin_up + days))
    slow = drawn[:, :1]
    for i in range(1, drawn.shape[1]):
        slow = np.append(slow, kept * slow[:, -1:] + (1 - kept**2) ** 0.5 * drawn[:, i : i + 1], 1)
    slow = world.boundary * slow
    season = world.season * np.sin(2 * np.pi * (np.arange(drawn.shape[1]) + phase) / YEAR)
    psi = np.empty((runs, days, 2, world.points, world.points), np.float32)
    for day in case.progress(range(world.spin_up + days)):
        if day >= world.spin_up:
            psi[:, day - world.spin_up] = to_psi(modes, world.coupling)
        modes = advance(modes, world.shear + season[:, day] + slow[:, day])
    return psi, slow[:, world.spin_up :], season[:, world.spin_up :]
