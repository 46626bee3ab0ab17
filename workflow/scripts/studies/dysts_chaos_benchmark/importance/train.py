"""Trains LSTMs on the whole history, on trajectories from hard start points, and on ones from random start points."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from pesin.integrate.trajectories import integrate
from pesin.models import lstm
from pesin.models.mlp import repeat_runs
from pesin.models.optimisers import Adam
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from pesin.systems import zoo
from studies.dysts_chaos_benchmark.importance.params import Params

LIMIT = 10.0  # largest forecast, in standard deviations of the history
SAMPLED = ("importance", "random")


class History(NamedTuple):
    """What the networks see: the first coordinate in its own standard deviations."""

    series: np.ndarray
    """Training series, shape (system, time)."""
    context: np.ndarray
    """What comes before each future to forecast, shape (system, test, before)."""
    centre: np.ndarray
    scale: np.ndarray
    """Mean and deviation of the training series in model units, shape (system, 1)."""


def train(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """All systems of an arm train together; the arms start from the same weights, and from the same first round."""
    p = case.params.train
    target = data.history.values[..., 0]
    centre, scale = target.mean(1)[:, None], target.std(1)[:, None]
    context = (data.context.values - centre[..., None]) / scale[..., None]
    history = History((target - centre) / scale, context, centre, scale)
    generator = torch.Generator().manual_seed(case.seed("weights"))
    start = lstm.init(len(target), 1, p.hidden, p.layers, generator, case.device)
    steps = p.rounds * p.round_steps
    spent = {"full": steps, "full_long": p.full_factor * steps} | dict.fromkeys(SAMPLED, steps)
    forecasts, errors = {}, {}
    for arm, parameters in _on_the_history(case, start, history.series):
        forecasts[arm], errors[arm] = _graded(case, parameters, history, data.sizes["lead"])
    both, begun, spread = _on_trajectories(case, start, history, data)
    for j, arm in enumerate(SAMPLED):
        own = {name: values[j * len(target) : (j + 1) * len(target)] for name, values in both.items()}
        forecasts[arm], errors[arm] = _graded(case, own, history, data.sizes["lead"])
    persistence = (np.diff(history.series[:, p.window - 1 :], axis=1) ** 2).mean(1)
    relative = np.array(list(errors.values())) / persistence
    arms, over = list(forecasts), ("system", "round")
    return xr.Dataset(
        {
            "prediction": labelled(
                ("arm", "system", "test", "lead"), list(forecasts.values()), "forecast", "model unit", nan=DIVERGED
            ),
            "backtest_error": labelled(
                ("arm", "system"),
                relative,
                "squared one-step error on the history, over that of persistence",
                nan=DIVERGED,
            ),
            "updates": labelled("arm", [spent[arm] for arm in arms], "gradient steps"),
            "start_point": labelled(("sampled", *over, "trajectory"), begun, "start points on the history", "points"),
            "effective_starts": labelled(
                over, spread, "start points that carry the sampling weights, 1 / sum of squares"
            ),
        },
        {"arm": arms, "sampled": list(SAMPLED), "system": data.system.values, "lead": data.lead.values},
    )


def _on_the_history(case: Case[Params], start, series: np.ndarray) -> Iterator[tuple[str, dict]]:
    """Train on the whole history, then longer: each arm with its parameters as they are then, trained on in place."""
    p, parameters, rng = case.params.train, repeat_runs(start, 1), case.rng("full")
    optimiser, steps = Adam(parameters.values()), p.rounds * p.round_steps
    for arm, more in (("full", steps), ("full_long", (p.full_factor - 1) * steps)):
        _update(parameters, optimiser, series[:, None], more, p, rng)
        yield arm, parameters


def _on_trajectories(case: Case[Params], start, history: History, data) -> tuple[dict, np.ndarray, np.ndarray]:
    """Train on new trajectories from start points that are drawn anew in each round, by difficulty or at random.

    Returns
    -------
    parameters
        Of both arms, one after the other along their first axis.
    begun : ndarray of int, shape (arm, system, round, trajectory)
        Start points on the history.
    spread : ndarray, shape (system, round)
        Start points that carry the weights.
    """
    p, both, rng = case.params.train, repeat_runs(start, len(SAMPLED)), case.rng("sampled")
    optimiser, count = Adam(both.values()), data.sizes["system"]
    systems = [zoo.get(str(name)) for name in data.system.values]
    begun = np.empty((len(SAMPLED), count, p.rounds, p.trajectories), int)
    spread = np.empty((count, p.rounds))
    for turn in case.progress(range(p.rounds), what="rounds"):
        hard = {name: values[:count] for name, values in both.items()}
        error = None if turn == 0 else _backtest(hard, history.series, p.window, case.device)
        chances = _chances(error, count, history.series.shape[1] - p.window, p, rng)
        spread[:, turn] = 1 / (chances**2).sum(1)
        draws = [
            [rng.choice(chance.size, p.trajectories, p=chance) for chance in chances],
            [rng.integers(chance.size, size=p.trajectories) for chance in chances],
        ]
        begun[:, :, turn] = np.array(draws if turn else draws[1:] * 2) + p.window
        jitter = p.jitter * rng.uniform(-1, 1, (count, p.trajectories, data.sizes["coord"]))
        fresh = [
            _trajectories(case, system, states[:, : system.dim], begun[:, i, turn], jitter[i, :, : system.dim])
            for i, (system, states) in enumerate(zip(systems, data.history.values, strict=True))
        ]
        paths = (np.stack(fresh, 1) - history.centre[..., None]) / history.scale[..., None]
        _update(both, optimiser, paths.reshape(-1, *paths.shape[2:]), p.round_steps, p, rng)
    return both, begun, spread


def _graded(case: Case[Params], parameters, history: History, lead: int) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts of all futures in model units (system, test, lead), and the squared one-step error (system,)."""
    path = lstm.forecast(parameters, _tensor(history.context, case.device), lead, LIMIT)[..., 0].cpu().numpy()
    forecast = path.astype(float) * history.scale[..., None] + history.centre[..., None]
    return forecast, _backtest(parameters, history.series, case.params.train.window, case.device).mean(1)


def _chances(error, systems: int, points: int, p, rng) -> np.ndarray:
    """Chance of each start point, shape (system, point); the same for all where there is no error to go by."""
    even = np.full((systems, points), 1 / points)
    if error is None:
        return even
    from scipy.signal import savgol_filter

    known = np.isfinite(error).all(1, keepdims=True)  # a network that diverged has nothing to say
    smooth = np.maximum(savgol_filter(np.where(known, error, 1.0), p.smoothing, 3), 0)
    weight = (smooth / smooth.max(1, keepdims=True)) ** p.power
    chances = np.where(known, weight / weight.sum(1, keepdims=True), even)
    return rng.permuted(chances, axis=1) if p.weights == "permuted" else chances


def _trajectories(case: Case[Params], system, states, begun, jitter) -> np.ndarray:
    """First coordinate of new trajectories from start points, moved a little: shape (arm, trajectory, time)."""
    p = case.params.train
    starts = states[begun] + jitter * states.std(0)  # (arm, trajectory, dim); both arms are moved alike
    grid = system.period * np.arange(p.discarded + p.trajectory_length) / case.params.simulate.points_per_period
    path = integrate(system, starts.reshape(-1, system.dim), grid).x
    return path[:, p.discarded :, 0].reshape(*begun.shape, -1)


def _update(parameters, optimiser, series: np.ndarray, steps: int, p, rng) -> None:
    """Gradient steps on windows from random places of each run's series, shape (runs, series, time)."""
    runs, count, time = series.shape
    windows = np.lib.stride_tricks.sliding_window_view(series, p.window + 1, axis=-1)
    row = np.arange(runs)[:, None]
    for _ in range(steps):
        which, begin = rng.integers(count, size=(runs, p.batch)), rng.integers(time - p.window, size=(runs, p.batch))
        x = _tensor(windows[row, which, begin], next(iter(parameters.values())).device)
        ahead, _ = lstm.apply(parameters, x[:, :, :-1])
        loss = (ahead - x[:, :, 1:]).square().mean((1, 2, 3)).sum()  # a run's gradient is that of its own loss
        optimiser.descend(loss, p.learning_rate)


@torch.no_grad()
def _backtest(parameters, series: np.ndarray, window: int, device: str) -> np.ndarray:
    """Squared error of the prediction of each point of the series from the `window` points before it."""
    windows = np.lib.stride_tricks.sliding_window_view(series[:, :-1], window, axis=-1)
    ahead, _ = lstm.apply(parameters, _tensor(windows, device))
    return (ahead[:, :, -1, 0].cpu().numpy().astype(float) - series[:, window:]) ** 2


def _tensor(x: np.ndarray, device) -> torch.Tensor:
    """Series (..., time) as single-precision tensor (..., time, 1)."""
    return torch.as_tensor(np.array(x[..., None]), dtype=torch.float32, device=device)
