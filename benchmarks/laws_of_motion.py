"""Parts of the studies that learn laws of motion, against the usual ways: python benchmarks/laws_of_motion.py

Each pair runs side by side in one thread, several times. Printed are processor seconds, and the median of the ratios
with its smallest and largest value: networks in one runs axis against one after the other; Levenberg and Marquardt
against Adam in equal processor time; ETDRK4 against scipy's stiff solvers at equal error; DMD and HAVOK against pydmd;
the continuous adjoint against torchdiffeq's; growth with delays and with the dictionary. A missing peer is named.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import torch
from scipy.integrate import solve_ivp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from side_by_side import compare, seconds

from pesin.integrate.pseudospectral import advection, dealias, etdrk4, wavenumbers
from pesin.models.adjoints import Equation, continuous_adjoint
from pesin.models.jets import ACTIVATIONS, mlp_jet
from pesin.models.koopman import dmd, edmd, eigenpairs, hankel, havok, residuals
from pesin.models.levenberg_marquardt import LevenbergMarquardt
from pesin.models.mlp import apply_mlp, init_mlp
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.models.taylor import mlp_taylor

torch.set_num_threads(1)
RUNS, POINTS, LENGTH, END = 8, 64, 32 * np.pi, 40.0


def oscillators(runs: int, steps: int = 60) -> None:
    """Physics-informed networks of x'' = -x, so many at once."""
    parameters = init_mlp(runs, [1, 32, 32, 1], torch.Generator().manual_seed(0))
    t = torch.linspace(0, 3, 100).view(1, -1, 1).expand(runs, -1, -1)

    def loss_of(_: int) -> torch.Tensor:
        x, rate, bend = mlp_jet(parameters, t, torch.ones(1, 1), ACTIVATIONS["tanh"])
        start = (x[:, 0, 0] - 1).square() + rate[:, 0, 0, 0].square()
        return (bend[:, :, 0] + x).square().mean((1, 2)) + start

    rates = torch.full((runs,), 1e-3)
    fit_runs(RunsOptimiser(parameters, "adam"), loss_of, lambda _: rates, steps)


def fits(repeats: int) -> None:
    """Errors of both optimisers after the same processor time, on a wave that eight networks learn."""
    x = torch.linspace(-1, 1, 200, dtype=torch.float64).view(1, -1, 1).expand(RUNS, -1, -1)
    wave = torch.sin(8 * x)
    gains, spent = [], []
    for repeat in range(repeats):

        def drawn(repeat=repeat):
            found = init_mlp(RUNS, [1, 20, 20, 1], torch.Generator().manual_seed(repeat))
            return {name: value.detach().double().requires_grad_() for name, value in found.items()}

        exact, plain = drawn(), drawn()
        solver = LevenbergMarquardt({name: value.detach() for name, value in exact.items()})

        def residual_of(told, watch):
            return mlp_taylor(told, [x], watch)[0] - wave

        begun = time.process_time()
        for _ in range(60):
            solver.step(residual_of, torch.ones_like)
        used = time.process_time() - begun
        optimiser, rates, begun = RunsOptimiser(plain, "adam"), torch.full((RUNS,), 3e-3), time.process_time()
        while time.process_time() - begun < used:
            optimiser.descend((apply_mlp(plain, x, torch.tanh) - wave).square().mean((1, 2)), rates)
        with torch.no_grad():
            ends = [
                (apply_mlp(told, x, torch.tanh) - wave).square().mean().sqrt().item()
                for told in (solver.parameters, plain)
            ]
        gains.append(ends[1] / ends[0])
        spent.append(used)
    print(
        f"{'Levenberg-Marquardt against Adam, equal processor time':<58}{statistics.median(spent):>8.3f} s, "
        f"Adam's error {statistics.median(gains):.3g} times as large ({min(gains):.3g} to {max(gains):.3g})"
    )


def kuramoto_sivashinsky():
    """u_t = -u u_x - u_xx - u_xxxx: linear part, carried part, a start in modes."""
    wave = wavenumbers(POINTS, LENGTH)
    place = LENGTH * np.arange(POINTS) / POINTS
    start = np.fft.rfft(np.cos(place / 16) * (1 + np.sin(place / 16)))
    return wave**2 - wave**4, advection(1.0, wave, dealias(POINTS), POINTS), start


def solved(method: str, tolerance: float) -> np.ndarray:
    linear, carried, start = kuramoto_sivashinsky()

    def rate(_, u):
        modes = np.fft.rfft(u)
        return np.fft.irfft(linear * modes + carried(modes), POINTS)

    return solve_ivp(rate, (0, END), np.fft.irfft(start, POINTS), method, rtol=tolerance, atol=tolerance).y[:, -1]


def by_etdrk4(steps: int) -> np.ndarray:
    linear, carried, start = kuramoto_sivashinsky()
    *_, last = etdrk4(linear, carried, start, END / steps, steps, steps)
    return np.fft.irfft(last, POINTS)


def stiff(repeats: int) -> None:
    """Steps and tolerances such that each has at most the error asked for."""
    truth = by_etdrk4(8000)

    def error(found) -> float:
        return float(abs(found - truth).max())

    steps = next(n for n in (100, 200, 400, 800, 1600, 3200) if error(by_etdrk4(n)) < 1e-5)
    for method in ("Radau", "BDF", "LSODA"):
        tried = (10.0**-k for k in range(4, 13))
        tolerance = next((t for t in tried if error(solved(method, t)) < 1e-5), None)
        said = f"ETDRK4 against scipy's {method}, error below 1e-5"
        if tolerance is None:
            print(f"{said:<58} never reached")
        else:
            compare(said, lambda: by_etdrk4(steps), lambda m=method, t=tolerance: solved(m, t), repeats)


def modes(repeats: int) -> None:
    rows = np.random.default_rng(0).standard_normal((2000, 4)) @ np.random.default_rng(1).standard_normal((4, 60))
    try:
        import pydmd
    except ImportError:
        print("DMD: pydmd isn't installed")
        return
    compare(
        "DMD of 2000 snapshots, 60 coordinates, against pydmd",
        lambda: dmd(rows[:-1], rows[1:], 4),
        lambda: pydmd.DMD(svd_rank=4, exact=True).fit(rows.T),
        repeats,
    )
    series = np.sin(np.arange(5000) / 20) + 0.1 * np.random.default_rng(2).standard_normal(5000)
    compare(
        "HAVOK of 5000 samples, 100 delays, rank 15, against pydmd",
        lambda: havok(series, 100, 15),
        lambda: pydmd.HAVOK(svd_rank=15, delays=100).fit(series, 1.0),
        repeats,
    )
    values = np.random.default_rng(3).standard_normal((5001, 50))
    galerkin = edmd(values[:-1], values[1:])
    compare(
        "residuals of 50 EDMD pairs (pydmd has none), the other EDMD alone",
        lambda: residuals(galerkin, *eigenpairs(galerkin)),
        lambda: edmd(values[:-1], values[1:]),
        repeats,
    )


def adjoints(repeats: int) -> None:
    """Gradient of the end of a neural ODE with respect to all, by the midpoint method."""
    sizes, steps = [4, 64, 64, 4], 100
    parameters = {name: value.detach() for name, value in init_mlp(1, sizes, torch.Generator().manual_seed(0)).items()}
    x = torch.randn(1, 50, 4, generator=torch.Generator().manual_seed(1))

    def drift(told, y, t):
        return (apply_mlp(told, y, torch.tanh),)

    equation = Equation(drift, torch.linspace(0, 1, steps + 1).tolist())
    try:
        from torchdiffeq import odeint_adjoint
    except ImportError:
        print("adjoints: torchdiffeq isn't installed")
        return
    layers = [part for a, b in pairwise(sizes) for part in (torch.nn.Linear(a, b), torch.nn.Tanh())]
    net = torch.nn.Sequential(*layers[:-1])

    class Field(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, t, y):
            return self.net(y)

    def other():
        y = x.clone().requires_grad_()
        found = odeint_adjoint(Field(), y, torch.linspace(0, 1, 2), method="midpoint", options={"step_size": 1 / steps})
        found[-1].sum().backward()

    def ours():
        continuous_adjoint(equation, parameters, x, torch.ones_like(x))

    compare("continuous adjoint, midpoint, against torchdiffeq", ours, other, repeats)


def growth(repeats: int) -> None:
    series = np.random.default_rng(0).standard_normal(20_000)
    for name, sizes, work in (
        ("delays", (10, 20, 40, 80), lambda n: np.linalg.svd(hankel(series, n), full_matrices=False)),
        ("functions", (25, 50, 100, 200), dictionary),
    ):
        spent = [statistics.median(seconds(partial(work, n)) for _ in range(repeats)) for n in sizes]
        power = np.polyfit(np.log(sizes), np.log(spent), 1)[0]
        print(f"{name}: {', '.join(f'{n}: {s:.3f} s' for n, s in zip(sizes, spent, strict=True))}; power {power:.2f}")


def dictionary(size: int) -> None:
    values = np.random.default_rng(0).standard_normal((5001, size))
    edmd(values[:-1], values[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    compare(
        f"{RUNS} physics-informed networks at once, against one by one",
        lambda: oscillators(RUNS),
        lambda: [oscillators(1) for _ in range(RUNS)],
        repeats,
    )
    fits(repeats)
    stiff(repeats)
    modes(repeats)
    adjoints(repeats)
    growth(repeats)


if __name__ == "__main__":
    main()
