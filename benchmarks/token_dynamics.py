"""Times the token ODE of all draws in one stiff ensemble against scipy one by one; and the scan in chunks.

    python benchmarks/token_dynamics.py [--draws 20 200] [--tokens 10] [--lengths 64 1024] [--repeats 3]

- ODE: the convergent and the slow case of the study, up to t = 1e6. Ours follows ln|x| along ln(1 + t),
  all draws at once; scipy's LSODA follows x along t, one draw after the other, at a tolerance with which both agree to
  1e-3. A third column is LSODA in our own variables: what is left is the ensemble.
- Scan: forward and backward, of as many runs as the study trains, in chunks against the plain recurrence (one chunk);
  both must give the same states and gradients. In one thread; `--threads` and `--device` ask for more.

Each repeat takes both sides in turn; medians of the times, and of the ratios with the smallest and largest.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import torch
from scipy.integrate import solve_ivp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from studies.selective_ssm_token_dynamics.networks.mamba import scan
from studies.selective_ssm_token_dynamics.tokens.dynamics import Line, follow, pull

TIMES = np.concatenate([[0.0], np.geomspace(1e-2, 1e6, 65)])
AGREE = 1e-3


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    print(f"{'ODE, case':12s} {'draws':>5s} {'ensemble (s)':>12s}  scipy in x, t / ours; scipy in ln x, ln t / ours")
    for draws in options.draws:
        for case in ("convergent", "slow"):
            odes(case, draws, options)
    print(f"\n{'scan, length':12s} {'chunk':>5s} {'plain (s)':>12s}  in chunks / plain")
    for length in options.lengths:
        for chunk in (8, 32):
            scans(length, chunk, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, nargs="+", default=[20, 200])
    parser.add_argument("--tokens", type=int, default=10)
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 1024])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def odes(case: str, draws: int, options: argparse.Namespace) -> None:
    rng = np.random.default_rng(0)
    s_delta = rng.uniform(0.5, 1, draws) * rng.choice([-1, 1], draws)
    shape = draws, options.tokens
    signs = rng.choice([-1.0, 1.0], shape) if case == "convergent" else -np.sign(s_delta)[:, None] * np.ones(shape)
    mu = rng.uniform(0.5, 2, draws) * (-1 if case == "convergent" else 1)
    line, u0 = Line(mu, s_delta, rng.uniform(1, 2, draws), signs), np.log(rng.uniform(0.3, 2, shape))

    def in_x() -> np.ndarray:
        found = []
        for draw in range(draws):
            one = line.of(np.array([draw]))

            def rate(_, x, one=one):
                return one.mu * x * pull(np.log(np.abs(x))[None], one).value[0]

            x0 = signs[draw] * np.exp(u0[draw])
            run = solve_ivp(rate, (0, TIMES[-1]), x0, "LSODA", TIMES, rtol=1e-7, atol=1e-10)
            found.append(np.log(np.abs(run.y)))
        return np.array(found)

    def in_logarithms() -> np.ndarray:
        found = []
        for draw in range(draws):
            one = line.of(np.array([draw]))

            def rate(t, u, one=one):
                return one.mu * np.exp(t) * pull(u[None], one).value[0]

            times = np.log1p(TIMES)
            found.append(solve_ivp(rate, times[[0, -1]], u0[draw], "LSODA", times, rtol=1e-7, atol=1e-7).y)
        return np.array(found)

    sides = {"ours": lambda: follow(line, u0, TIMES, 1e-7), "x, t": in_x, "logarithms": in_logarithms}
    ends = {name: side() for name, side in sides.items()}
    apart = max(float(abs(end - ends["ours"]).max()) for end in ends.values())
    if not apart < AGREE:
        sys.exit(f"{case}: ln|x| is {apart:.2g} apart: both sides didn't solve the same equations.")
    print(f"{case:12s} {draws:5d} {compared(sides, 'ours', options.repeats)}", flush=True)


def scans(length: int, chunk: int, options: argparse.Namespace) -> None:
    generator = torch.Generator().manual_seed(0)
    shape = (15, 8 if length < 512 else 1, length, 4, 32)
    decay, inputs = (torch.rand(shape, generator=generator).to(options.device).requires_grad_() for _ in range(2))

    def run(size: int) -> torch.Tensor:
        states = scan(decay, inputs, size)
        found = torch.autograd.grad(states.square().sum(), (decay, inputs))
        if options.device == "cuda":
            torch.cuda.synchronize()
        return torch.stack([states.detach(), *found])

    sides = {"plain": lambda: run(length), "chunks": lambda: run(chunk)}
    plain, chunks = (side() for side in sides.values())
    apart = float(((plain - chunks).abs() / (1 + plain.abs())).max())
    if not apart < AGREE:
        sys.exit(f"The scans of {length} tokens are {apart:.2g} apart.")
    print(f"{length:12d} {chunk:5d} {compared(sides, 'plain', options.repeats)}", flush=True)


def compared(sides: dict[str, Callable], base: str, repeats: int) -> str:
    """Median time of `base`, and the ratios of the others' times to it (smallest to largest)."""
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side, run in sides.items():
            begin = time.process_time()
            run()
            taken[side].append(time.process_time() - begin)
    said = []
    for side in sides.keys() - {base}:
        ratios = [other / one for other, one in zip(taken[side], taken[base], strict=True)]
        said.append(f"{side}: {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")
    return f"{statistics.median(taken[base]):12.3f}  {'; '.join(sorted(said, reverse=True))}"


if __name__ == "__main__":
    main()
