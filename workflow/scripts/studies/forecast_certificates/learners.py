"""Eight kinds of models: how each learns from one orbit, forecasts, and what it can say of its own error.

Runs are ensembles' members, those of a seed side by side; all arrays are float64 and standardised outside, and what a
model says of itself is added up along its forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import pad, silu

from pesin.forecasters import nbeats
from pesin.forecasters.common import standardise
from pesin.integrate.steppers import follow, last
from pesin.models import reservoir, shplrnn
from pesin.models.butterfly import apply_network, init_network
from pesin.models.jets import ACTIVATIONS, mlp_jet, scalar_gradient
from pesin.models.koopman import edmd
from pesin.models.mlp import Parameters, apply_mlp, init_mlp
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.models.sparse_regression import polynomial_library
from pesin.steps.case import Case
from studies.forecast_certificates.params import Learned, Params, Structured
from studies.forecast_certificates.worlds import World

LIMIT = 10.0
"""Standard deviations at which a forecast is held."""
SILU, TANH = ACTIVATIONS["silu"], ACTIVATIONS["tanh"]

Step = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor | None]]


class Task(NamedTuple):
    """What is learnt: x (runs, time, dim), standardised by mean and unit (runs, 1, dim), of a world."""

    world: World
    x: np.ndarray
    mean: np.ndarray
    unit: np.ndarray

    def tensors(self, device: str) -> list[torch.Tensor]:
        return [torch.as_tensor(part, dtype=torch.float32, device=device) for part in self[1:]]


class Path(NamedTuple):
    """state: (runs, starts, steps, dim). own: what the model says of its error, (runs, starts, steps), if anything."""

    state: np.ndarray
    own: np.ndarray | None


class Learner(NamedTuple):
    """fit: case, stream, task -> weights, runs first. run: case, task, weights, history (runs, starts, moments, dim),
    steps -> Path. says: what its own certificate is."""

    fit: Callable[[Case[Params], str, Task], Mapping[str, np.ndarray]]
    run: Callable[[Case[Params], Task, Mapping[str, np.ndarray], np.ndarray, int], Path]
    says: str


# --------------------------------------------------------------------------------------- networks that make one step


def _drawn(case: Case[Params], stream: str, runs: int, sizes: list[int]) -> Parameters:
    return init_mlp(runs, sizes, torch.Generator().manual_seed(case.seed(f"weights {stream}")), case.device)


def _windows(x: torch.Tensor, rng: np.random.Generator, length: int, batch: int) -> torch.Tensor:
    """Pieces of each run's orbit, (runs, batch, length, dim)."""
    first = torch.as_tensor(rng.integers(x.shape[1] - length + 1, size=(len(x), batch)), device=x.device)
    row = torch.arange(len(x), device=x.device)[:, None, None]
    return x[row, first[..., None] + torch.arange(length, device=x.device)]


def _descend(case, stream: str, parameters: Parameters, p: Learned | Structured, loss_of) -> dict[str, np.ndarray]:
    """Adam on loss_of(rng) -> (runs,)."""
    rng, runs = case.rng(f"batches {stream}"), len(next(iter(parameters.values())))

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((runs,), p.rate * half_cosine(step, p.steps), device=case.device)

    optimiser = RunsOptimiser(parameters, "adam")
    fit_runs(optimiser, lambda _: loss_of(rng), rate_of, p.steps, case.progress, case.checkpoint(stream, [rng]))
    return {name: value.numpy(force=True).copy() for name, value in parameters.items()}


def _fit_steps(case, stream: str, task: Task, p, parameters: Parameters, advance) -> dict[str, np.ndarray]:
    """Mean squared error of a few steps in a row."""
    (x, *_), ahead = task.tensors(case.device), p.rollout

    def loss_of(rng) -> torch.Tensor:
        w = _windows(x, rng, ahead + 1, p.batch)
        z, loss = w[:, :, 0], torch.zeros(len(x), device=x.device)
        for k in range(1, ahead + 1):
            z = advance(parameters, z)
            loss = loss + (z - w[:, :, k]).square().mean((1, 2)) / ahead
        return loss

    return _descend(case, stream, parameters, p, loss_of)


@torch.no_grad()
def _follow(case: Case[Params], start: np.ndarray, steps: int, advance: Step) -> Path:
    """Repeat z -> (next, what is said of this step)."""
    z = torch.as_tensor(start, dtype=torch.float32, device=case.device)
    states, told = [], []
    for _ in range(steps):
        z, said = advance(z)
        z = torch.nan_to_num(z, LIMIT, LIMIT, -LIMIT).clamp(-LIMIT, LIMIT)
        states.append(z[..., : start.shape[-1]])
        if said is not None:
            told.append(said)
    own = torch.stack(told, -1).cumsum(-1).double().numpy(force=True) if told else None
    return Path(torch.stack(states, 2).double().numpy(force=True), own)


def _rk4(field: Callable[[torch.Tensor], torch.Tensor], z: torch.Tensor, h: float) -> torch.Tensor:
    """One step of Runge and Kutta."""
    return last(follow(lambda x, _: field(x), z, (0.0, h)))


def _size(x: torch.Tensor) -> torch.Tensor:
    """Root mean square over coordinates."""
    return x.square().mean(-1).sqrt()


def _tensors(case: Case[Params], weights: Mapping[str, np.ndarray]) -> Parameters:
    return {name: torch.as_tensor(np.asarray(value), device=case.device) for name, value in weights.items()}


def _ode(parameters: Parameters) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda z: apply_mlp(parameters, z, silu)


def _canonical(parameters: Parameters) -> Callable[[torch.Tensor], torch.Tensor]:
    def field(z: torch.Tensor) -> torch.Tensor:
        slope, half = scalar_gradient(parameters, z, TANH)[1], z.shape[-1] // 2
        return torch.cat([slope[..., half:], -slope[..., :half]], -1)

    return field


def fit_ode(case, stream: str, task: Task) -> dict[str, np.ndarray]:
    """A vector field, by Runge and Kutta's fourth order through each step between samples."""
    p, (runs, _, dim) = case.params.train.neural_ode, task.x.shape
    parameters, h = _drawn(case, stream, runs, [dim, *p.hidden, dim]), task.world.step
    return _fit_steps(case, stream, task, p, parameters, lambda told, z: _rk4(_ode(told), z, h))


def run_ode(case, task: Task, weights, history: np.ndarray, steps: int) -> Path:
    """It says by how much two half steps differ from one."""
    field, h = _ode(_tensors(case, weights)), task.world.step

    def advance(z):
        whole = _rk4(field, z, h)
        return whole, _size(whole - _rk4(field, _rk4(field, z, h / 2), h / 2))

    return _follow(case, history[:, :, -1], steps, advance)


def fit_hamiltonian(case, stream: str, task: Task) -> dict[str, np.ndarray]:
    """A scalar whose derivatives are the vector field."""
    p, (runs, _, dim) = case.params.train.hamiltonian, task.x.shape
    parameters, h = _drawn(case, stream, runs, [dim, *p.hidden, 1]), task.world.step
    del parameters[f"bias_{len(p.hidden)}"]  # it has no gradient

    def advance(told: Parameters, z: torch.Tensor) -> torch.Tensor:
        return _rk4(_canonical(_with_bias(told)), z, h)

    return _fit_steps(case, stream, task, p, parameters, advance)


def _with_bias(parameters: Parameters) -> Parameters:
    last = parameters[f"weight_{sum(name.startswith('weight') for name in parameters) - 1}"]
    return parameters | {f"bias_{len(parameters) // 2}": last.new_zeros(len(last), 1, 1)}


def run_hamiltonian(case, task: Task, weights, history: np.ndarray, steps: int) -> Path:
    """It says how its own energy drifts."""
    told, h = _with_bias(_tensors(case, weights)), task.world.step
    field = _canonical(told)

    def advance(z):
        following = _rk4(field, z, h)
        return following, scalar_gradient(told, following, TANH)[0] - scalar_gradient(told, z, TANH)[0]

    path = _follow(case, history[:, :, -1], steps, advance)
    return path._replace(own=None if path.own is None else abs(path.own))


def fit_informed(case, stream: str, task: Task) -> dict[str, np.ndarray]:
    """x(t) = x0 + t N(x0, t) between two samples, from the known law alone: x0 near the orbit, t within the step."""
    p, (runs, _, dim) = case.params.train.physics_informed, task.x.shape
    x, mean, unit = task.tensors(case.device)
    parameters, h = _drawn(case, stream, runs, [dim + 1, *p.hidden, dim]), task.world.step

    def loss_of(rng) -> torch.Tensor:
        start = _windows(x, rng, 1, p.batch)[:, :, 0]
        start = start + 0.05 * torch.as_tensor(rng.standard_normal(start.shape), dtype=x.dtype, device=x.device)
        t = h * torch.as_tensor(rng.random((runs, p.batch, 1)), dtype=x.dtype, device=x.device)
        return _residual(task.world, parameters, start, t, mean, unit)[1].square().mean((1, 2))

    return _descend(case, stream, parameters, p, loss_of)


def _residual(world: World, parameters: Parameters, start, t, mean, unit) -> tuple[torch.Tensor, torch.Tensor]:
    """State at t and by how much its rate is not the law's."""
    time = torch.zeros(1, start.shape[-1] + 1, device=start.device)
    time[0, -1] = 1 / world.step  # the network sees the share of the step
    value, slope = mlp_jet(parameters, torch.cat([start, t / world.step], -1), time, SILU, order=1)
    state = start + t * value
    return state, value + t * slope[:, :, 0] - world.scaled_law(state, mean, unit)


def run_informed(case, task: Task, weights, history: np.ndarray, steps: int) -> Path:
    """It says how far it is from the law, the mean residual of each step times its length."""
    told, (_, mean, unit) = _tensors(case, weights), task.tensors(case.device)

    def advance(z):
        left = []
        for share in (1 / 3, 2 / 3, 1.0):
            t = torch.full((*z.shape[:2], 1), share * task.world.step, device=z.device)
            state, residual = _residual(task.world, told, z, t, mean, unit)
            left.append(_size(residual))
        return state, task.world.step * torch.stack(left).mean(0)

    return _follow(case, history[:, :, -1], steps, advance)


# ------------------------------------------------------------------------------------------------------------ windows


def _padded(window: torch.Tensor) -> torch.Tensor:
    """Flat windows with zeros up to a power of two, as butterflies ask."""
    flat = window.flatten(2)
    return pad(flat, (0, (1 << (flat.shape[-1] - 1).bit_length()) - flat.shape[-1]))


def fit_structured(case, stream: str, task: Task) -> dict[str, np.ndarray]:
    """A butterfly network from a window to the window one sample later."""
    p, (x, *_) = case.params.train.structured, task.tensors(case.device)
    generator = torch.Generator().manual_seed(case.seed(f"weights {stream}"))
    size = _padded(x[:, None, : p.window]).shape[-1]
    parameters = init_network(len(x), size, p.blocks, generator, case.device)

    def loss_of(rng) -> torch.Tensor:
        w = _windows(x, rng, p.window + 1, p.batch)
        return (apply_network(parameters, _padded(w[:, :, :-1])) - _padded(w[:, :, 1:])).square().mean((1, 2))

    return _descend(case, stream, parameters, p, loss_of)


def run_structured(case, task: Task, weights, history: np.ndarray, steps: int) -> Path:
    """It says how badly it gives back the part of the new window that it was shown."""
    told, length = _tensors(case, weights), case.params.train.structured.window
    runs, starts, _, dim = history.shape
    window = torch.as_tensor(history[:, :, -length:], dtype=torch.float32, device=case.device)

    def advance(_):
        nonlocal window
        found = apply_network(told, _padded(window))[..., : length * dim].reshape(runs, starts, length, dim)
        known = (found[:, :, :-1] - window[:, :, 1:]).square().mean((2, 3)).sqrt()
        last = torch.nan_to_num(found[:, :, -1:], LIMIT, LIMIT, -LIMIT).clamp(-LIMIT, LIMIT)
        window = torch.cat([window[:, :, 1:], last], 2)
        return found[:, :, -1], known

    return _follow(case, history[:, :, -1], steps, advance)


def fit_blocks(case, stream: str, task: Task) -> dict[str, np.ndarray]:
    """N-BEATS."""
    p = case.params.train.nbeats
    shape = {"length": p.length, "blocks": p.blocks, "layers": p.layers, "width": p.width, "steps": p.steps}
    about = {"batch": p.batch, "learning_rate": p.rate, "device": case.device}
    trained = nbeats.fit(task.x, rng=case.rng(stream), **shape, **about)
    return {name: value.numpy(force=True) for name, value in trained.weights.items()}


def run_blocks(case, task: Task, weights, history: np.ndarray, steps: int) -> Path:
    """It says nothing of its own."""
    p, told = case.params.train.nbeats, _tensors(case, weights)
    _, centre, unit = standardise(task.x)
    predict, scaled = (
        nbeats.predictor(p.blocks, p.layers),
        (history[:, :, -p.length :] - centre[:, None]) / unit[:, None],
    )
    window = torch.as_tensor(scaled, dtype=torch.float32, device=case.device)

    def advance(_):
        nonlocal window
        following = predict(told, window)[:, :, -1].nan_to_num(LIMIT).clamp(-LIMIT, LIMIT)
        window = torch.cat([window[:, :, 1:], following[:, :, None]], 2)
        return following, None

    path = _follow(case, scaled[:, :, -1], steps, advance)
    return path._replace(state=path.state * unit[:, None] + centre[:, None])


# ------------------------------------------------------------------------------------------ recurrent ones and Koopman


def fit_forced(case, stream: str, task: Task) -> dict[str, np.ndarray]:
    """A shallow piecewise linear network by generalised teacher forcing."""
    p, (x, *_) = case.params.train.teacher_forced, task.tensors(case.device)
    runs, _, dim = x.shape
    start = shplrnn.random_start(runs, dim, p.hidden, torch.Generator().manual_seed(case.seed(f"weights {stream}")))
    rng = case.rng(f"batches {stream}")
    each = torch.ones(runs, device=case.device)
    forcing = shplrnn.Forcing(p.alpha * each, each.long(), torch.zeros_like(each, dtype=torch.bool), each)
    trained = shplrnn.train(
        shplrnn.Weights(*(part.to(case.device) for part in start)),
        lambda _: _windows(x, rng, p.length + 1, p.batch).permute(2, 0, 1, 3).contiguous(),
        forcing,
        p.steps,
        p.rates,
        progress=case.progress,
        checkpoint=case.checkpoint(stream, [rng]),
    )
    return {name: value.numpy(force=True) for name, value in trained.weights._asdict().items()}


def run_forced(case, task: Task, weights, history: np.ndarray, steps: int) -> Path:
    """It says nothing of its own."""
    told = shplrnn.Weights(**_tensors(case, weights))
    return _follow(case, history[:, :, -1], steps, lambda z: (shplrnn.step(told, z), None))


def fit_echo(case, stream: str, task: Task) -> dict[str, np.ndarray]:
    """Echo state networks; the members of a seed share its orbit."""
    p, members = case.params.train.echo_state, case.params.train.members
    rngs = case.rng(f"weights {stream}").spawn(len(task.x))
    found = [reservoir.fit(task.x[i], p.units, rngs[i : i + members], p.ridges) for i in range(0, len(task.x), members)]
    parts = {name: np.concatenate([getattr(one, name) for one in found]) for name in ("inside", "recurrent", "readout")}
    return parts if p.fitted else parts | {"readout": np.zeros_like(parts["readout"])}


def run_echo(case, task: Task, weights, history: np.ndarray, steps: int) -> Path:
    """It says nothing of its own."""
    told = {name: np.asarray(value) for name, value in weights.items()}
    state = reservoir.forecast(reservoir.Reservoir(**told, leak=1.0, ridge=np.zeros(len(history))), history, steps)
    return Path(np.nan_to_num(state, nan=LIMIT).clip(-LIMIT, LIMIT), None)


def fit_koopman(case, stream: str, task: Task) -> dict[str, np.ndarray]:
    """Extended dynamic mode decomposition, each member from its own share of the pairs."""
    p, found = case.params.train.koopman, []
    for x, rng in zip(task.x, case.rng(stream).spawn(len(task.x)), strict=True):
        chosen = rng.permutation(len(x) - 1)[: round(p.share * (len(x) - 1))]
        galerkin = edmd(polynomial_library(x[chosen], p.degree), polynomial_library(x[chosen + 1], p.degree))
        matrix = np.linalg.pinv(galerkin.G.real, rcond=1e-12, hermitian=True) @ galerkin.A.real
        found.append(matrix if p.fitted else np.eye(len(matrix)))
    return {"matrix": np.stack(found)}


def run_koopman(case, task: Task, weights, history: np.ndarray, steps: int) -> Path:
    """It says how far its observables are from those of its state: a product should be the product."""
    degree, matrix, dim = case.params.train.koopman.degree, np.asarray(weights["matrix"]), history.shape[-1]
    z, states, told = polynomial_library(history[:, :, -1], degree), [], []
    for _ in range(steps):
        z = np.nan_to_num(z @ matrix, nan=1e6).clip(-1e6, 1e6)
        states.append(z[..., 1 : 1 + dim].clip(-LIMIT, LIMIT))
        told.append(np.sqrt(((polynomial_library(states[-1], degree) - z) ** 2).mean(-1)))
    return Path(np.stack(states, 2), np.stack(told, -1))


LEARNERS = {
    "koopman": Learner(fit_koopman, run_koopman, "its observables don't fit its state"),
    "structured": Learner(fit_structured, run_structured, "error on the part of the window it was shown"),
    "neural_ode": Learner(fit_ode, run_ode, "one step against two halves"),
    "physics_informed": Learner(fit_informed, run_informed, "residual of the known law"),
    "hamiltonian": Learner(fit_hamiltonian, run_hamiltonian, "drift of its energy"),
    "teacher_forced": Learner(fit_forced, run_forced, ""),
    "nbeats": Learner(fit_blocks, run_blocks, ""),
    "echo_state": Learner(fit_echo, run_echo, ""),
}
