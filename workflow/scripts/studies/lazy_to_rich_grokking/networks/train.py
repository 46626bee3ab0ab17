"""Networks of three output scales on both tasks, all scales and seeds in one loop; when their losses fall."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters, apply_mlp, init_mlp, repeat_runs
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.lazy_to_rich_grokking.networks.params import TASKS, Params

CENSORED = "a loss that had not fallen to the threshold by the end"


class Curves:
    """Losses at logged steps, shape (part, run, log), kept with a checkpoint."""

    def __init__(self, runs: int, log: np.ndarray) -> None:
        self.log, self.loss = log, np.full((2, runs, log.size), np.nan)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"losses": self.loss}

    def restore(self, arrays) -> None:
        self.loss = np.array(arrays["losses"])


def train(case: Case[Params], data: Any) -> xr.Dataset:
    """`loss` (task, part, scale, seed, log) over that of zeros; `t_train`, `t_test`, `delay`, `delay_at_least`."""
    params = case.params.train
    scales, shape = list(params.scales), (len(params.scales), params.seeds)
    logs = [logged(params.tasks[name].steps, params.per_decade) for name in TASKS]
    loss = np.full((len(TASKS), 2, *shape, max(log.size for log in logs)), np.nan)
    fallen = np.full((4, len(TASKS), *shape), np.nan)
    for i, (name, log) in enumerate(zip(TASKS, logs, strict=True)):
        found = fitted(case, name, data[name], log).reshape(2, *shape, log.size)
        loss[i, ..., : log.size] = found
        fallen[:, i] = times(found, log, params.tasks[name].threshold)
    most = max(logs, key=len)
    dims, said = ("task", "scale", "seed"), dict[str, Any](may_be_constant=1, nan=CENSORED)
    names = ("t_train", "t_test", "delay", "delay_at_least")
    spoken = (
        "step at which the training loss has fallen",
        "step at which the test loss has fallen",
        "steps from the fall of the training loss to that of the test loss",
        "the delay, or what has been seen of it",
    )
    variables = {n: labelled(dims, v, s, "step", **said) for n, v, s in zip(names, fallen, spoken, strict=True)}
    variables["loss"] = labelled(
        ("task", "part", "scale", "seed", "log"), loss, "loss over that of zeros", nan=f"{DIVERGED}, or ended before"
    )
    variables["step"] = labelled("log", most, "step", "step")
    coordinates = {"task": list(TASKS), "part": ["train", "test"], "scale": scales, "seed": np.arange(params.seeds)}
    return xr.Dataset(variables, coordinates)


def logged(steps: int, per_decade: int) -> np.ndarray:
    """0, and so many a decade."""
    return np.unique(np.r_[0, (10 ** (np.arange(int(np.log10(steps) * per_decade) + 1) / per_decade)).astype(int)])


def times(loss: np.ndarray, log: np.ndarray, threshold: float) -> np.ndarray:
    """First logged step at which training and test loss lie below the threshold, delay, and the delay seen.

    Parameters
    ----------
    loss : ndarray, shape (2, ..., log)

    Returns
    -------
    ndarray, shape (4, ...)
    """
    below = loss < threshold
    fit, rule = np.where(below.any(-1), log[below.argmax(-1)], np.nan)
    return np.stack([fit, rule, rule - fit, np.where(np.isnan(rule), log[-1], rule) - fit])


def fitted(case: Case[Params], name: str, data: Any, log: np.ndarray) -> np.ndarray:
    """Losses of one task over those of outputs of zero, shape (2, scales x seeds, log)."""
    params, task, device = case.params.train, case.params.train.tasks[name], case.device
    given = case.params.simulate.teacher if name == "student_teacher" else case.params.simulate.data
    runs, known = len(params.scales) * params.seeds, given.train

    def on_device(key: str) -> torch.Tensor:
        values = torch.from_numpy(np.asarray(data[key].values[: params.seeds], np.float32))
        return values.repeat(len(params.scales), 1, 1).to(device)

    x, y = on_device("x"), on_device("y")
    scale = torch.tensor(list(params.scales.values()), device=device).repeat_interleave(params.seeds)
    generator = torch.Generator().manual_seed(case.seed(name))
    first = init_mlp(params.seeds, [x.shape[-1], *task.hidden, y.shape[-1]], generator, device)
    parameters: Parameters = repeat_runs({k: v.detach() * task.factor for k, v in first.items()}, len(params.scales))
    with torch.no_grad():
        start = apply_mlp(parameters, x, torch.relu) * (1.0 if task.centred else 0.0)
    zeros = torch.stack([y[:, :known].square().sum(-1).mean(1), y[:, known:].square().sum(-1).mean(1)])
    curves = Curves(runs, log)
    places = {int(step): place for place, step in enumerate(log)}

    def errors(part: slice) -> torch.Tensor:
        found = scale.view(-1, 1, 1) * (apply_mlp(parameters, x[:, part], torch.relu) - start[:, part])
        return (found - y[:, part]).square().sum(-1).mean(1)

    def loss_of(step: int) -> torch.Tensor:
        loss = errors(slice(known))
        if step in places:
            with torch.no_grad():
                both = torch.stack([loss, errors(slice(known, None))]) / zeros
            curves.loss[..., places[step]] = both.cpu().numpy()
        return loss

    rate = task.rate / scale.square() if task.optimiser == "sgd" else task.rate * torch.ones_like(scale)
    optimiser = RunsOptimiser(parameters, task.optimiser, weight_decay=task.weight_decay, decayed=list(parameters))
    fit_runs(
        optimiser,
        loss_of,
        lambda step: rate,
        int(log[-1]) + 1 if params.trained else 1,
        lambda steps: case.progress(steps, what=name),
        case.checkpoint(name),
        [curves],
    )
    return curves.loss
