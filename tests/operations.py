"""Prints digests of what the libraries make of the same numbers, as JSON: operations.py

One digest for each library and operation, to compare between processors and settings. A process of its own: libraries
choose their loops when they are loaded.
"""

import hashlib
import json
import math

import heyoka
import numba
import numpy as np
import scipy.linalg
import scipy.special
import torch
from scipy.integrate import solve_ivp

FUNCTIONS = "exp log sin cos tanh sqrt log1p expm1 sinh".split()


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    parts = [functions, matrices, networks, random_numbers, compiled, solvers]
    made = {name: arrays for part in parts for name, arrays in part(rng).items()}
    print(json.dumps({name: digest(arrays) for name, arrays in made.items()}))


def digest(arrays) -> str:
    joined = b"".join(np.ascontiguousarray(np.asarray(array)).tobytes() for array in arrays)
    return hashlib.sha256(joined).hexdigest()[:12]


def functions(rng) -> dict:
    """Functions and sums in double and single precision."""
    found = {}
    for kind in ("float64", "float32"):
        x = np.abs(rng.normal(size=10007)).astype(kind)
        t = torch.from_numpy(x)
        found |= {f"numpy {name} {kind}": [getattr(np, name)(x / 10)] for name in (*FUNCTIONS, "arctan", "cbrt")}
        found |= {f"torch {name} {kind}": [getattr(torch, name)(t / 10)] for name in (*FUNCTIONS, "erf", "sigmoid")}
        found[f"numpy sums {kind}"] = [x.sum(), x.var(), x.cumsum(), x[:9999].reshape(99, 101).sum(0), x**1.3]
        found[f"torch sums {kind}"] = [t.sum(), t.var(), t.cumsum(0), t[:9999].reshape(99, 101).softmax(1), t**1.3]
        found[f"numpy fft {kind}"] = [np.fft.fft(x), np.fft.rfft(x[:4096])]
        found[f"torch fft {kind}"] = [torch.fft.fft(t), torch.fft.rfft(t[:4096])]
    return found


def matrices(rng) -> dict:
    """Products and decompositions."""
    found = {}
    for n in (3, 17, 64, 257):
        a, b = rng.normal(size=(2, n, n))
        p = a @ a.T / n + np.eye(n)
        ta, tb, tp = (torch.from_numpy(matrix) for matrix in (a, b, p))
        fa, fb = ta.float(), tb.float()
        found |= {
            f"numpy products {n}": [a @ b, a @ b[0], a.astype("f") @ b.astype("f"), (a + 1j * b) @ (b - 1j * a)],
            f"numpy linalg {n}": [np.linalg.solve(a, b), *np.linalg.eigh(p), *np.linalg.svd(a), np.linalg.eigvals(a)],
            f"scipy linalg {n}": [scipy.linalg.expm(a / 10), scipy.linalg.cholesky(p), scipy.linalg.lstsq(a, b)[0]],
            f"torch products {n}": [ta @ tb, fa @ fb, fa @ fb[0], torch.stack([fa, fb]) @ torch.stack([fb, fa])],
            f"torch linalg {n}": [torch.linalg.solve(ta, tb), *torch.linalg.eigh(tp), *torch.linalg.qr(ta)],
        }  # fmt: skip
    return found


def networks(rng) -> dict:
    """Layers with their gradients, and an optimiser."""
    found = {}
    torch.manual_seed(0)
    layers = {
        "conv1d": (torch.nn.Conv1d(8, 16, 3), (6, 8, 40)),
        "conv2d": (torch.nn.Conv2d(3, 16, 3), (6, 3, 20, 20)),
        "linear": (torch.nn.Sequential(torch.nn.Linear(50, 64), torch.nn.GELU(), torch.nn.LayerNorm(64)), (30, 50)),
        "lstm": (torch.nn.LSTM(5, 16), (30, 4, 5)),
        "gru": (torch.nn.GRU(5, 16), (30, 4, 5)),
        "attention": (torch.nn.MultiheadAttention(16, 4), (30, 4, 16)),
    }
    for name, (layer, shape) in layers.items():
        optimiser = torch.optim.AdamW(layer.parameters(), lr=0.01)
        for _ in range(3):
            x = torch.from_numpy(rng.normal(size=shape)).float()
            out = layer(*([x] * (3 if name == "attention" else 1)))
            optimiser.zero_grad()
            (out if isinstance(out, torch.Tensor) else out[0]).square().sum().backward()
            optimiser.step()
        found[f"torch {name}"] = [weight.detach() for weight in layer.parameters()]
    return found


def random_numbers(rng) -> dict:
    drawn = torch.Generator().manual_seed(0)
    return {
        "numpy random": [rng.normal(size=999), rng.gamma(2.3, size=99), rng.permutation(999)],
        "torch random": [torch.randn(999, generator=drawn), torch.rand(999, generator=drawn, dtype=torch.double)],
    }


@numba.njit
def _loop(x):
    total, made = 0.0, np.empty_like(x)
    for i in range(x.size):
        made[i] = math.exp(-x[i]) + math.sin(x[i]) * math.log(x[i] + 1) + x[i] ** 1.3
        total += made[i] * x[i]
    return made, total


@numba.njit(fastmath=True)
def _fast(x):
    total = 0.0
    for value in x:
        total += value * value + 0.3 * value
    return total


def compiled(rng) -> dict:
    """Loops that are compiled for the processor at hand."""
    x = np.abs(rng.normal(size=10007))
    names = heyoka.make_vars("x", "y", "z")
    a, b, c = names
    field = list(
        zip(names, (10 * (b - a), a * (28 - c) - b + heyoka.sin(a), a * b - c + heyoka.exp(-a * a)), strict=True)
    )
    one = heyoka.taylor_adaptive(field, [1.0, 2.0, 20.0])
    many = heyoka.taylor_adaptive_batch(field, np.tile([[1.0], [2.0], [20.0]], 8) + np.arange(8) / 100)
    one.propagate_until(10.0)
    many.propagate_until(10.0)
    return {"numba loop": _loop(x), "numba fastmath": [_fast(x)], "heyoka": [one.state], "heyoka batch": [many.state]}


def solvers(rng) -> dict:
    x = np.abs(rng.normal(size=999))

    def swing(time, state):
        return [state[1], -np.sin(state[0])]

    methods = {name: solve_ivp(swing, (0, 20), [1.0, 0.0], method=name).y for name in ("LSODA", "Radau", "DOP853")}
    special = [scipy.special.gamma(x), scipy.special.digamma(x), scipy.special.erf(x)]
    return {f"scipy {name}": [y] for name, y in methods.items()} | {"scipy special": special}


if __name__ == "__main__":
    main()
