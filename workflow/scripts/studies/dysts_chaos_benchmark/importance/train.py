"""Trains LSTMs on the whole history, on trajectories from hard start points, and on ones from random start points."""

import numpy as np
import torch
import xarray as xr

from pesin.integrate.trajectories import integrate
from pesin.models import lstm
from pesin.models.mlp import repeat_runs
from pesin.models.optimisers import Adam
from pesin.steps.labels import labelled
from pesin.systems import zoo

LIMIT = 10.0  # largest forecast, in standard deviations of the history
SAMPLED = ("importance", "random")


def train(case, data) -> xr.Dataset:
    """All systems of an arm train together; the arms start from the same weights, and from the same first round."""
    p = case.params.train
    systems = [zoo.get(str(name)) for name in data.system.values]
    target = data.history.values[..., 0]
    centre, scale = target.mean(1)[:, None], target.std(1)[:, None]
    series = (target - centre) / scale
    context = (data.context.values - centre[..., None]) / scale[..., None]
    start = lstm.init(
        len(systems), 1, p.hidden, p.layers, torch.Generator().manual_seed(case.seed("weights")), case.device
    )
    steps = p.rounds * p.round_steps
    forecasts, errors, spent = {}, {}, {}

    def finish(arm: str, parameters, updates: int) -> None:
        path = lstm.forecast(parameters, _tensor(context, case.device), data.sizes["lead"], LIMIT)
        forecasts[arm] = path[..., 0].cpu().numpy().astype(float) * scale[..., None] + centre[..., None]
        errors[arm] = _backtest(parameters, series, p.window, case.device).mean(1)
        spent[arm] = updates

    full, rng = repeat_runs(start, 1), case.rng("full")
    optimiser = Adam(full.values())
    _update(full, optimiser, series[:, None], steps, p, rng)
    finish("full", full, steps)
    _update(full, optimiser, series[:, None], (p.full_factor - 1) * steps, p, rng)
    finish("full_long", full, p.full_factor * steps)

    both, rng = repeat_runs(start, len(SAMPLED)), case.rng("sampled")
    optimiser = Adam(both.values())
    begun = np.empty((len(SAMPLED), len(systems), p.rounds, p.trajectories), int)
    spread = np.empty((len(systems), p.rounds))
    for turn in case.progress(range(p.rounds), what="rounds"):
        hard = {k: v[: len(systems)] for k, v in both.items()}
        error = None if turn == 0 else _backtest(hard, series, p.window, case.device)
        chances = _chances(error, len(systems), series.shape[1] - p.window, p, rng)
        spread[:, turn] = 1 / (chances**2).sum(1)
        draws = [
            [rng.choice(chance.size, p.trajectories, p=chance) for chance in chances],
            [rng.integers(chance.size, size=p.trajectories) for chance in chances],
        ]
        begun[:, :, turn] = np.array(draws if turn else draws[1:] * 2) + p.window
        jitter = p.jitter * rng.uniform(-1, 1, (len(systems), p.trajectories, data.sizes["coord"]))
        fresh = [
            _trajectories(case, system, states[:, : system.dim], begun[:, i, turn], jitter[i, :, : system.dim])
            for i, (system, states) in enumerate(zip(systems, data.history.values, strict=True))
        ]
        paths = (np.stack(fresh, 1) - centre[..., None]) / scale[..., None]
        _update(both, optimiser, paths.reshape(-1, *paths.shape[2:]), p.round_steps, p, rng)
    for j, arm in enumerate(SAMPLED):
        finish(arm, {k: v[j * len(systems) : (j + 1) * len(systems)] for k, v in both.items()}, steps)

    persistence = (np.diff(series[:, p.window - 1 :], axis=1) ** 2).mean(1)
    arms = list(forecasts)
    lost = {"allow_nan": 1}
    return xr.Dataset(
        {
            "prediction": labelled(
                ("arm", "system", "test", "lead"), list(forecasts.values()), "forecast", "model unit", **lost
            ),
            "backtest_error": labelled(
                ("arm", "system"),
                np.array(list(errors.values())) / persistence,
                "squared one-step error on the history, over that of persistence",
                **lost,
            ),
            "updates": labelled("arm", [spent[arm] for arm in arms], "gradient steps"),
            "start_point": labelled(
                ("sampled", "system", "round", "trajectory"), begun, "start points on the history", "points"
            ),
            "effective_starts": labelled(
                ("system", "round"), spread, "start points that carry the sampling weights, 1 / sum of squares", **lost
            ),
        },
        {"arm": arms, "sampled": list(SAMPLED), "system": data.system.values, "lead": data.lead.values},
    )


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


def _trajectories(case, system, states, begun, jitter) -> np.ndarray:
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
