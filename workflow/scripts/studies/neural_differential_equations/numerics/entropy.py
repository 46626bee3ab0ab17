"""Exact checks: discretisations, gradients and their memory, orders, Brownian paths, fixed points, entropy."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.stats import kstest

from pesin.integrate.brownian import BrownianInterval
from pesin.integrate.steppers import follow, last
from pesin.models.adjoints import Equation, advance, continuous_adjoint, pulled, reverse, reversible_heun
from pesin.models.mlp import Parameters
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.neural_differential_equations.numerics.memory import peak_bytes
from studies.neural_differential_equations.numerics.params import Entropy, Params

NOTHING = "no slope or ratio: nothing moves"
FINE = 1000
"""Steps of the reference, Runge-Kutta's."""


def entropy(case: Case[Params]) -> xr.Dataset:
    """All checks, over the random fields."""
    params = case.params.entropy
    rng = case.rng("fields")
    shape = (params.fields, params.dim, params.dim)
    weight = params.strength * params.spread * rng.standard_normal(shape)
    start = params.strength * rng.standard_normal((params.fields, params.batch, params.dim))
    found = (
        discretisations(params, weight, start)
        | recurrent_cells(params, rng)
        | gradients(params, weight, start, rng)
        | strong_orders(params, rng)
        | brownian_paths(params, case.seed("paths"))
        | fixed_points(params, rng)
        | flow_entropy(params, weight, start)
    )
    coords = {
        "field": np.arange(params.fields),
        "block": ["euler", "heun"],
        "scheme": ["reversible_heun", "euler_maruyama"],
    }
    coords |= {"route": METHODS, "steps": params.ladder, "gradient_steps": params.gradient_steps}
    coords |= {"trip_steps": params.trip_steps, "coarse": params.coarse, "contraction": params.contractions}
    return xr.Dataset(found, coords | {"way": ["trace", "log_det"]})


def size(x: np.ndarray) -> np.ndarray:
    """Root mean square over batch and coordinates: (fields, batch, dim) -> (fields,)."""
    return np.sqrt((x**2).mean((1, 2)))


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, NaN where below is zero."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def right_hand_side(weight: np.ndarray):
    """The field tanh(W y) of arrays."""
    return lambda x, t: np.tanh(x @ weight)


def tensor_field(parameters: Parameters, x: torch.Tensor, t: float) -> tuple[torch.Tensor]:
    """The same of tensors."""
    return (torch.tanh(x @ parameters["weight"]),)


def discretisations(params: Entropy, weight: np.ndarray, start: np.ndarray) -> dict:
    """Errors at time 1 of residual networks with tied weights, and of the reversible Heun method."""
    field, ladder = right_hand_side(weight), params.ladder
    truth = last(follow(field, start, np.linspace(0, 1, FINE + 1)))
    blocks, solver = np.zeros((2, params.fields, len(ladder))), np.zeros((params.fields, len(ladder)))
    parameters = {"weight": torch.as_tensor(weight)}
    for i, n in enumerate(ladder):
        times = np.arange(n + 1.0) if params.ablated else np.linspace(0, 1, n + 1)
        blocks[0, :, i] = size(last(follow(field, start, times, "euler")) - truth)
        blocks[1, :, i] = size(last(follow(field, start, times, "heun")) - truth)
        x = torch.as_tensor(start)
        y, z = advance(Equation(tensor_field, list(np.linspace(0, 1, n + 1))), parameters, x, x)
        if params.ablated:  # no average: Euler's method
            y = torch.as_tensor(last(follow(field, start, np.linspace(0, 1, n + 1), "euler")))
        solver[:, i] = size(y.numpy() - truth)
    return {
        "block_error": labelled(("block", "field", "steps"), blocks, "error of the residual network"),
        "ode_error": labelled(("field", "steps"), solver, "error of the reversible Heun method"),
    }


def recurrent_cells(params: Entropy, rng: np.random.Generator, steps: int = 20) -> dict:
    """PyTorch's recurrent cell against Euler's method of step 1 for dz = (tanh(W z + U x + b) - z) dt."""
    found = np.zeros(params.fields)
    for i in range(params.fields):
        cell = torch.nn.RNNCell(3, params.dim, dtype=torch.float64)
        with torch.no_grad():
            for value in cell.parameters():
                value.copy_(params.strength * torch.as_tensor(rng.standard_normal(value.shape)))
        driver = rng.standard_normal((steps, params.batch, 3))
        w, u, b, c = (v.detach().numpy() for v in (cell.weight_hh, cell.weight_ih, cell.bias_hh, cell.bias_ih))

        def controlled(z, t, w=w, u=u, b=b + c, driver=driver):
            return np.tanh(z @ w.T + driver[int(t)] @ u.T + b) - z

        z = rng.standard_normal((params.batch, params.dim))
        hidden = torch.as_tensor(z)
        for k, solved in enumerate(follow(controlled, z, np.arange(steps + 1.0), "euler")):
            hidden = cell(torch.as_tensor(driver[k]), hidden)
            found[i] = max(found[i], abs(hidden.detach().numpy() - solved).max())
    return {"cell_error": labelled("field", found, "largest difference of recurrent cell and solver")}


# ----------------------------------------------------------------------------------------------------------- gradients


def backprop(equation: Equation, parameters: Parameters, x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Through all steps, each kept."""
    y, _ = advance(equation, parameters, x, x)
    return torch.autograd.grad((y * v).sum(), parameters["weight"])[0]


class _Anew(torch.autograd.Function):
    """Some steps, of which only the first pair is kept; `torch.utils.checkpoint` would load PyTorch's compiler."""

    @staticmethod
    def forward(ctx: Any, part: Equation, weight: torch.Tensor, y: torch.Tensor, z: torch.Tensor):
        ctx.part = part
        ctx.save_for_backward(weight, y, z)
        return advance(part, {"weight": weight}, y, z)

    @staticmethod
    def backward(ctx: Any, *gradients):
        leaves = [value.detach().requires_grad_() for value in ctx.saved_tensors]
        with torch.enable_grad():
            whole = pulled(advance(ctx.part, {"weight": leaves[0]}, *leaves[1:]), gradients)
        return None, *torch.autograd.grad(whole, leaves)


def checkpointed(equation: Equation, parameters: Parameters, x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Through all steps, but only every root of their number is kept, and those between are computed anew."""
    times, stride = list(equation.times), max(1, round(len(equation.times) ** 0.5))
    y = z = x
    for first in range(0, len(times) - 1, stride):
        y, z = _Anew.apply(equation._replace(times=times[first : first + stride + 1]), parameters["weight"], y, z)
    return torch.autograd.grad((y * v).sum(), parameters["weight"])[0]


def midpoint_adjoint(equation: Equation, parameters: Parameters, x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Of the adjoint equation, discretised by itself."""
    return continuous_adjoint(equation, parameters, x, v)[2]["weight"]


def reversible(equation: Equation, parameters: Parameters, x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """By running the solver backward."""
    return torch.autograd.grad((reversible_heun(equation, parameters, x)[0] * v).sum(), parameters["weight"])[0]


WAYS = {f.__name__: f for f in (backprop, checkpointed, midpoint_adjoint, reversible)}
METHODS = list(WAYS)


def gradients(params: Entropy, weight: np.ndarray, start: np.ndarray, rng: np.random.Generator) -> dict:
    """Relative errors of gradients, bytes held for them, and the way forth and back."""
    x, v = torch.as_tensor(start), torch.as_tensor(rng.standard_normal(start.shape))
    parameters = {"weight": torch.as_tensor(weight).requires_grad_()}
    errors = np.zeros((len(WAYS), params.fields, len(params.gradient_steps)))
    memory = np.zeros((len(WAYS), len(params.gradient_steps)))
    for j, n in enumerate(params.gradient_steps):
        equation = Equation(tensor_field, list(np.linspace(0, 1, n + 1)))
        exact = backprop(equation, parameters, x, v).numpy()
        # The continuous adjoint solves by the midpoint method: its own discrete gradient is what it should be.
        for i, way in enumerate(WAYS.values()):
            found, memory[i, j] = peak_bytes(partial(way, equation, parameters, x, v))
            truth = midpoint_gradient(equation, parameters, x, v) if way is midpoint_adjoint else exact
            errors[i, :, j] = ratio(size(found.numpy() - truth), size(truth))
    trips = np.zeros((params.fields, len(params.trip_steps)))
    for j, n in enumerate(params.trip_steps):
        equation = Equation(tensor_field, list(np.linspace(0, 1, n + 1)))
        with torch.no_grad():
            back = reverse(equation, parameters, *advance(equation, parameters, x, x))[0]
        trips[:, j] = abs(back - x).amax((1, 2)).numpy()
    judged = METHODS.index("midpoint_adjoint" if params.ablated else "reversible")
    name, dims = "relative error of the gradient", ("field", "gradient_steps")
    return {
        "every_gradient_error": labelled(("route", *dims), errors, name, nan=NOTHING),
        "gradient_error": labelled(dims, errors[judged], name, nan=NOTHING),
        "memory": labelled(("route", "gradient_steps"), memory, "memory held for the gradient", "B"),
        "memory_growth": labelled(
            "gradient_steps", memory[judged] / memory[judged, 0], "memory over that of fewest steps"
        ),
        "trip_error": labelled(("field", "trip_steps"), trips, "largest error after the way forth and back"),
    }


def midpoint_gradient(equation: Equation, parameters: Parameters, x: torch.Tensor, v: torch.Tensor) -> np.ndarray:
    """Autograd through the midpoint method."""
    y = last(follow(lambda x, t: tensor_field(parameters, x, t)[0], x, np.asarray(equation.times), "midpoint"))
    return torch.autograd.grad((y * v).sum(), parameters["weight"])[0].numpy()


# ------------------------------------------------------------------------------------------------- noise and its paths


def strong_orders(params: Entropy, rng: np.random.Generator) -> dict:
    """Mean absolute error at time 1 of geometric Brownian motion dy = a y dt + b y o dW, y(0) = 1, on common paths."""
    a, b = params.strength * params.growth, params.strength * params.volatility
    found = np.zeros((2, params.fields, len(params.coarse)))

    def stratonovich(_, y, t):
        return a * y, b * y

    for i in range(params.fields):
        fine = rng.standard_normal((params.coarse[-1], params.paths)) / params.coarse[-1] ** 0.5
        truth = np.exp(a + b * fine.sum(0))
        for j, n in enumerate(params.coarse):
            moves = np.add.reduceat(fine, np.linspace(0, len(fine), n, endpoint=False).astype(int))
            one = torch.ones(params.paths, dtype=torch.float64)
            euler, unaveraged = np.ones(params.paths), np.ones(params.paths)
            for move in moves:
                euler = euler + (a + b**2 / 2) * euler / n + b * euler * move
                unaveraged = unaveraged + a * unaveraged / n + b * unaveraged * move
            equation = Equation(stratonovich, list(np.linspace(0, 1, n + 1)), list(torch.as_tensor(moves)).__getitem__)
            y = unaveraged if params.ablated else advance(equation, {}, one, one)[0].numpy()
            found[:, i, j] = abs(y - truth).mean(), abs(euler - truth).mean()
    return {"strong_error": labelled(("scheme", "field", "coarse"), found, "strong error")}


class Forgetful:
    """A path without a memory: each question draws anew. Control."""

    def __init__(self, start: float, end: float, shape: tuple[int, ...], seed: int, spacing: float) -> None:
        self.rng, self.shape = np.random.default_rng(seed), shape

    def __call__(self, start: float, end: float) -> np.ndarray:
        return (end - start) ** 0.5 * self.rng.standard_normal(self.shape)


def brownian_paths(params: Entropy, seed: int) -> dict:
    """Whether intervals add up and sweeps agree; Kolmogorov and Smirnov's distance; covariance of the bridge."""
    kind: Any = Forgetful if params.ablated else BrownianInterval
    n = params.intervals
    times = np.linspace(0, 1, n + 1)
    names = ("sum_error", "sweep_error", "law_distance", "bridge_error")
    found = np.zeros((len(names), params.fields))
    for i in range(params.fields):
        few, many = (kind(0, 1, (size,), seed + i, 1 / n) for size in (10, params.components))
        rng, strength = np.random.default_rng([seed, i]), params.strength
        triples = np.sort(rng.uniform(0, 1, (n, 3)), 1)
        sums = [abs(few(s, t) + few(t, u) - few(s, u)).max() for s, t, u in triples]
        forth = np.array([few(s, t) for s, t in zip(times[:-1], times[1:], strict=True)])
        back = np.array([few(s, t) for s, t in zip(times[-2::-1], times[:0:-1], strict=True)])[::-1]
        moves = strength * np.array([many(s, t) for s, t in zip(times[:-1], times[1:], strict=True)])
        bridge = (np.cumsum(moves, 0) - times[1:, None] * moves.sum(0))[n // 4 - 1 : -1 : n // 4]
        at = times[n // 4 : -1 : n // 4]
        exact = np.minimum(at[:, None], at) - at[:, None] * at
        distance = kstest(moves.ravel() * n**0.5, "norm").statistic * moves.size**0.5
        apart = abs(bridge @ bridge.T / params.components / exact - 1).max()
        found[:, i] = strength * max(sums), strength * abs(forth - back).max(), distance, apart
    said = (
        "W(s, u) less its two parts",
        "backward less forward sweep",
        "KS distance times root n",
        "covariance of the bridge",
    )
    return {name: labelled("field", v, s) for name, v, s in zip(names, found, said, strict=True)}


# ------------------------------------------------------------------------------------- fixed points, entropy of a flow


def fixed_points(params: Entropy, rng: np.random.Generator) -> dict:
    """Gradient of the fixed point z = tanh(W z + u) by the implicit function theorem, against iterations'."""
    dim, found = 2 * params.dim, np.zeros((params.fields, len(params.contractions)))
    for place in np.ndindex(found.shape):
        w = rng.standard_normal((dim, dim))
        w *= params.strength * params.contractions[place[1]] / np.linalg.norm(w, 2)
        u, v = params.strength * rng.standard_normal(dim), rng.standard_normal(dim)
        weight, z = torch.as_tensor(w).requires_grad_(), torch.zeros(dim, dtype=torch.float64)
        for _ in range(params.iterations):
            z = torch.tanh(weight @ z + torch.as_tensor(u))
        (unrolled,) = torch.autograd.grad(z @ torch.as_tensor(v), weight)
        fixed = z.detach().numpy()
        slope = 1 - fixed**2
        pulled = v if params.ablated else np.linalg.solve((np.eye(dim) - slope[:, None] * w).T, v)
        error = np.linalg.norm(np.outer(pulled * slope, fixed) - unrolled.numpy())
        whole = np.linalg.norm(unrolled.numpy())
        found[place] = error / whole if whole else np.nan
    name = "relative error of the implicit gradient"
    return {"implicit_error": labelled(("field", "contraction"), found, name, nan=NOTHING)}


def flow_entropy(params: Entropy, weight: np.ndarray, start: np.ndarray) -> dict:
    """What the flow adds to its points' entropy: the integral of the field's trace, and ln |det| of its slope."""
    field, dim = right_hand_side(weight), params.dim

    def joint(state: np.ndarray, t: float) -> np.ndarray:
        x, slopes = state[..., 0, :], state[..., 1 : dim + 1, :]
        jacobian = weight[:, None] * (1 - np.tanh(x @ weight) ** 2)[..., None, :]
        trace = np.broadcast_to(np.trace(jacobian, axis1=-2, axis2=-1)[..., None, None], (*x.shape[:-1], 1, dim))
        return np.concatenate([field(x, t)[..., None, :], slopes @ jacobian, trace], -2)

    whole = np.zeros((*start.shape[:2], dim + 2, dim))
    whole[..., 0, :], whole[..., 1 : dim + 1, :] = start, np.eye(dim)
    end = last(follow(joint, whole, np.linspace(0, 1, 101)))
    ways = np.stack([end[..., -1, 0].mean(1), np.linalg.slogdet(end[..., 1 : dim + 1, :])[1].mean(1)])
    return {"entropy_change": labelled(("way", "field"), ways, "change of differential entropy", "nat")}
