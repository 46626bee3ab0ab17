"""Parts of the studies of sky and climate, against the usual ways: python benchmarks/sky_and_climate.py [--repeats 5]

Each pair runs side by side in one thread, several times, at the laptop's sizes unless said otherwise. Printed are
processor milliseconds, and the median of the ratios with its smallest and largest value: solitons with given sources
from a grid with a spline, and by secants of all at once, against one root at a time; direct sums of gravity against
rebound's and arrays of all pairs, and how they grow; the two-layer flow over starts against one start at a time; an
update of its U-Nets against the climatology of all training days. The program ends with an error if two sides that
should agree don't. A missing peer is named.

What favours whom: the grid is solved anew each time; asked for more sources it costs the same. Its spline is right to
1e-4 only. A climatology and a U-Net give different forecasts: of these, each is held to a check of its own.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from side_by_side import agree, case, compare, seconds

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.models.optimisers import Adam
from pesin.systems.gravity import gravity
from studies.chaosbench_s2s.flow import model, to_psi
from studies.chaosbench_s2s.nets import a_day, init_unet
from studies.chaosbench_s2s.train import LARGEST, losses, normalised
from studies.incomplete_rg.gravity import soliton, theory
from studies.incomplete_rg.simulate import centres

torch.set_num_threads(1)
RTOL = 1e-8
GRID = np.log(np.geomspace(0.2, 2.0, 33))
"""Of the scalar at a soliton's centre."""


def solitons(repeats: int) -> None:
    p = case("incomplete_rg", "flow", "simulate").params.simulate
    targets = np.array(p.sources[2::2])

    def log_sources(log_centre: np.ndarray) -> np.ndarray:
        of = theory(p.potentials[:1], len(log_centre), p.quartic)
        return np.log(soliton(np.exp(log_centre), of, 17, RTOL).source)

    def by_grid() -> np.ndarray:
        return CubicSpline(log_sources(GRID), GRID)(np.log(targets))

    def at_once() -> np.ndarray:
        return np.log(centres(targets, theory(p.potentials[:1], len(targets), p.quartic), RTOL))

    def singly() -> np.ndarray:
        def miss(log_centre, target):
            return float(log_sources(np.array([log_centre]))[0] - np.log(target))

        return np.array([brentq(miss, GRID[0], GRID[-1], (target,), xtol=RTOL, rtol=RTOL) for target in targets])

    exact = singly()
    for name, ours, error in ((f"a grid of {len(GRID)} and a spline", by_grid, 1e-4), ("secants", at_once, 1e-6)):
        said = f"{len(targets)} solitons at once by {name}, against one root at a time"
        agree(said, ours(), exact, error)
        compare(said, ours, singly, repeats)


def pulls(repeats: int) -> None:
    """Accelerations and potentials of bodies on each other; rebound makes no potentials."""
    try:
        import rebound
    except ImportError:
        rebound = None
        print("direct sums: rebound isn't installed")
    sizes, softening = (250, 500, 1000, 2000), 0.05
    found: dict[str, dict[int, Callable]] = {"ours": {}, "arrays of all pairs": {}}
    for bodies in sizes:
        x = np.random.default_rng(0).standard_normal((bodies, 3))
        mass = np.full(bodies, 1 / bodies)
        found["ours"][bodies] = partial(gravity, x, x, mass, softening)
        found["arrays of all pairs"][bodies] = partial(by_numpy, x, mass, softening)
        if rebound:
            simulation = rebound.Simulation()
            simulation.softening = softening
            for place, m in zip(x, mass, strict=True):
                simulation.add(m=m, x=place[0], y=place[1], z=place[2])
            update = rebound.clibrebound.reb_simulation_update_acceleration
            found.setdefault("rebound", {})[bodies] = partial(update, ctypes.byref(simulation))
            found["rebound"][bodies]()
            its = [(body.ax, body.ay, body.az) for body in simulation.particles]
            agree(f"direct sums of {bodies}, against rebound", found["ours"][bodies]()[0], its, 1e-9)
        for mine, other in zip(found["ours"][bodies](), found["arrays of all pairs"][bodies](), strict=True):
            agree(f"direct sums of {bodies}", mine, other, 1e-9)
    for name in list(found)[1:]:
        for bodies in sizes:
            said = f"direct sums of {bodies} bodies, against {name}"
            compare(said, found["ours"][bodies], found[name][bodies], repeats, 2)
    for name, works in found.items():
        spent = [statistics.median(seconds(works[n], 2) for _ in range(repeats)) for n in sizes]
        power = np.polyfit(np.log(sizes), np.log(spent), 1)[0]
        said = ", ".join(f"{n}: {1e3 * s:.2f} ms" for n, s in zip(sizes, spent, strict=True))
        print(f"growth of {name}: {said}; power {power:.2f}", flush=True)


def by_numpy(x: np.ndarray, mass: np.ndarray, softening: float) -> tuple[np.ndarray, np.ndarray]:
    apart = x - x[:, None]
    inverse = (np.square(apart).sum(-1) + softening**2) ** -0.5
    np.fill_diagonal(inverse, 0)
    return np.einsum("ij,ijk->ik", mass * inverse**3, apart), -(inverse @ mass)


def layers(repeats: int) -> None:
    """A day of the flow; times are of one step of one start."""
    p = case("chaosbench_s2s", "surrogate", "simulate").params.simulate
    advance = model(p.points, p.coupling, p.beta, p.friction, p.steps)
    for starts in (4, 12, 36):
        rng = np.random.default_rng(0)
        noise = np.fft.rfft2(rng.standard_normal((starts, 2, p.points, p.points))).astype(np.complex64)
        shear = p.shear * rng.uniform(0.9, 1.1, starts)
        modes = advance(noise, shear)

        def singly(modes=modes, shear=shear) -> np.ndarray:
            return np.concatenate([advance(modes[i : i + 1], shear[i]) for i in range(len(modes))])

        ours = partial(advance, modes, shear)
        said = f"two layers, a step of each of {starts} starts, against one start at a time"
        agree(said, *(to_psi(found, p.coupling) for found in (ours(), singly())), 1e-4)
        compare(said, ours, singly, repeats, per=starts * p.steps)
        spent = [statistics.median(seconds(work) for _ in range(repeats)) for work in (ours, singly)]
        rates = [starts * p.steps / each for each in spent]
        print(f"  {rates[0]:.0f} steps per second, one start at a time {rates[1]:.0f}", flush=True)


def updates(repeats: int) -> None:
    """One update of all worlds' U-Nets; the fields are noise, which costs the same."""
    params = case("chaosbench_s2s", "surrogate", "train").params
    p, t = params.simulate, params.train
    noise = np.random.default_rng(0).standard_normal((p.seeds, p.members, p.days, 2, p.points, p.points))
    fields, _ = normalised(noise.astype(np.float32), p.coupling)
    days = torch.as_tensor(fields[:, 0, : t.batch + 1])
    x, target, shear = days[:, :-1], days[:, 1:], torch.zeros(p.seeds, t.batch)
    change = torch.full((p.seeds, 1, days.shape[2], 1, 1), 2**0.5)
    start = init_unet(p.seeds, t.unet.width, torch.Generator().manual_seed(0))
    parameters = {name: value.detach().clone().requires_grad_() for name, value in start.items()}
    optimiser, loss_of = Adam(parameters.values()), losses("base", t.penalty)

    def loss(told, at: slice) -> torch.Tensor:
        return loss_of(a_day("base", told, x[at], shear[at], change[at]), target[at])

    def update() -> None:
        optimiser.descend(loss(parameters, slice(None)).sum(), t.unet.rate, largest=LARGEST)

    def climatology() -> tuple[np.ndarray, np.ndarray]:
        return fields.mean((1, 2, 4, 5)), fields.std((1, 2, 4, 5))

    each = [slice(i, i + 1) for i in range(p.seeds)]
    with torch.no_grad():
        alone = torch.cat([loss({name: v[at] for name, v in start.items()}, at) for at in each])
        agree("U-Nets of all worlds at once, against one by one", loss(start, slice(None)), alone, 1e-4)
    agree("climatology of fields of variance 1", climatology()[1], 1, 1e-3)
    update()
    said = f"climatology of {p.seeds} worlds' {p.members * p.days} days, against one of {t.steps} updates of U-Nets"
    compare(said, climatology, update, repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    solitons(repeats)
    pulls(repeats)
    layers(repeats)
    updates(repeats)


if __name__ == "__main__":
    main()
