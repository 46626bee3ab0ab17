"""Pre-trains an autoencoder for each task, and classifies its test series by features of raw and of encoded series."""

import numpy as np
import torch
import xarray as xr

from pesin.models import autoencoder
from pesin.models.mlp import repeat_runs
from pesin.stats.series_features import series_features
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dysts_chaos_benchmark.transfer.params import Params

ARMS = ("raw", "untrained", "matched", "random_timescale")


def train(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """All autoencoders, two for each task, train together; both of a task start from the same weights."""
    p = case.params.train
    classes = data.classes.values
    period = np.array([_dominant_period(x[np.isfinite(x[:, 0])]) for x in data.train_x.values])
    tasks, systems = len(period), data.sizes["pool_system"]
    start = autoencoder.init(tasks, torch.Generator().manual_seed(case.seed("weights")), device=case.device)
    parameters = repeat_runs(start, 2)
    # Points per period of each pre-training system: the task's, or one at random for each system.
    asked = np.concatenate(
        [
            np.broadcast_to(period[:, None], (tasks, systems)),
            case.rng("timescales").uniform(*p.random_periods, (tasks, systems)),
        ]
    )
    found = autoencoder.train(parameters, _windows(case, data, asked), p.steps, p.learning_rate)
    prediction = np.full((len(ARMS), tasks, data.sizes["test_series"]), -1)
    encoders = [None, start, *({k: v[i * tasks : (i + 1) * tasks] for k, v in parameters.items()} for i in range(2))]
    for arm, encoder in enumerate(encoders):
        train_features, test_features = (
            _features(case, encoder, data[f"{part}_x"].values) for part in ("train", "test")
        )
        for i in range(tasks):
            there = [np.isfinite(some[i, :, 0]) for some in (train_features, test_features)]
            prediction[arm, i, there[1]] = _classify(
                train_features[i, there[0]], data.train_label.values[i, there[0]], test_features[i, there[1]], p.alphas
            )
    losses = found.cpu().numpy().astype(float).reshape(p.steps, 2, tasks)
    last = max(p.steps // 10, 1)
    untrained = "an encoder that wasn't trained"
    return xr.Dataset(
        {
            "prediction": labelled(("arm", "task", "test_series"), prediction, "predicted class; -1: no such series"),
            "period": labelled("task", period, "dominant period of the training series", "points"),
            "first_loss": labelled(
                ("encoder", "task"),
                _mean(losses[:last]),
                "squared error of the reconstruction, first tenth of steps",
                nan=untrained,
            ),
            "last_loss": labelled(
                ("encoder", "task"),
                _mean(losses[-last:]),
                "squared error of the reconstruction, last tenth of steps",
                nan=untrained,
            ),
            "classes": labelled("task", classes, "classes"),
        },
        {"arm": list(ARMS), "encoder": list(ARMS[2:]), "task": data.task.values},
    )


def _mean(losses: np.ndarray) -> np.ndarray:
    """Mean over the first axis; NaN if it is empty."""
    return losses.mean(0) if len(losses) else np.full(losses.shape[1:], np.nan)


def _dominant_period(x: np.ndarray) -> float:
    """Median over series (series, time) of the period at the peak of the periodogram, in points.

    Padded with zeros to eight times the length: the bare frequencies of a short series are far apart.
    """
    time = x.shape[-1]
    power = np.abs(np.fft.rfft((x - x.mean(-1, keepdims=True)) * np.hanning(time), 8 * time)) ** 2
    # Less than one period in the series can't be told from a trend.
    return float(np.median(8 * time / (power[:, 8:].argmax(-1) + 8)))


def _windows(case: Case[Params], data, asked: np.ndarray):
    """Function step -> windows (runs, batch, time): each from a random system at a random place, resampled.

    asked, shape (runs, system): points per period. A window that would be longer than the series is sampled finer.
    """
    p, rng = case.params.train, case.rng("windows")
    pool = data.pool.values
    per_period = case.params.simulate.pool_points_per_period
    stride = np.minimum(per_period / asked, (pool.shape[1] - 2) / p.window)
    runs = len(asked)

    def windows(step: int) -> torch.Tensor:
        system = rng.integers(len(pool), size=(runs, p.batch))
        spacing = np.take_along_axis(stride, system, 1)
        begin = rng.uniform(0, pool.shape[1] - 1 - spacing * (p.window - 1))
        place = begin[..., None] + spacing[..., None] * np.arange(p.window)
        left = np.minimum(place.astype(int), pool.shape[1] - 2)
        values, right = pool[system[..., None], left], pool[system[..., None], left + 1]
        values = values + (place - left) * (right - values)
        if p.windows == "shuffled":
            values = rng.permuted(values, axis=-1)
        return torch.as_tensor(values, dtype=torch.float32, device=case.device)

    return windows


def _features(case: Case[Params], encoder, x: np.ndarray) -> np.ndarray:
    """Features of each series (task, series, time): (task, series, features); of all channels if encoded."""
    there = np.isfinite(x[..., 0])
    series = x[there][:, None]
    if encoder is not None:
        with torch.no_grad():
            code = autoencoder.encode(encoder, torch.as_tensor(x, dtype=torch.float32, device=case.device))
        series = code.cpu().numpy()[there].swapaxes(-1, -2)
    features = series_features(series).reshape(len(series), -1)
    out = np.full((*there.shape, features.shape[1]), np.nan)
    out[there] = features
    return out


def _classify(train_features, labels, test_features, alphas) -> np.ndarray:
    """Ridge classifier, its penalty chosen by leave-one-out on the training series."""
    from sklearn.linear_model import RidgeClassifierCV

    centre, scale = train_features.mean(0), train_features.std(0)
    scale = np.where(scale > 1e-12 * np.abs(centre) + 1e-12, scale, np.inf)  # a constant feature says nothing
    model = RidgeClassifierCV(alphas=np.geomspace(*alphas))
    model.fit((train_features - centre) / scale, labels)
    return model.predict((test_features - centre) / scale)
