"""Times network forecasters of S systems x K seeds in one module against one by one, and N-BEATS against darts'.

    python benchmarks/forecasters_batched.py [--systems 8] [--seeds 2] [--steps 60] [--repeats 5] [--threads 1]
        [--device cpu] [--models nbeats lstm ...] [--darts 2]

First part: equal steps and equal random draws both ways; checks that they make the same forecast and prints the median
ratio of the times. Second part: N-BEATS forecasts with products of one column by numpy and by torch's batched product.
Third part: darts' NBEATSModel on `--darts` of the systems at equal window, blocks, layers, width,
batch and steps; the ratio is of the times per series, against ours for all series in one module and for one alone. It
needs `pip install darts`, and is left out by --darts 0.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.forecasters import block_rnn, dlinear, lstm, nbeats, networks, nhits, nlinear, node, tcn, transformer
from pesin.integrate.ode import rk4
from pesin.systems.flows import lorenz63

LENGTH, BATCH, LEAD = 25, 32, 200
KNOBS = {
    nbeats: {"blocks": 6, "width": 64},
    nhits: {"blocks": 2, "width": 64},
    lstm: {"layers": 1, "width": 64},
    block_rnn: {"width": 64},
    tcn: {"width": 16},
    transformer: {"layers": 1, "width": 32, "hidden": 64},
    nlinear: {},
    dlinear: {},
    node: {},
}
MODELS = {module.__name__.rsplit(".")[-1]: module for module in KNOBS}


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    orbits = np.repeat(lorenz_orbits(options.systems), options.seeds, 0)
    history, future = orbits[:, :-LEAD], orbits[:, -LEAD:]
    print(f"{options.systems} systems x {options.seeds} seeds, {options.steps} steps, {options.device}")
    for name in options.models:
        one_axis(MODELS[name], history, options)
    if options.device == "cpu":
        one_column(history, options)
    if options.darts:
        if importlib.util.find_spec("darts") is None:
            sys.exit("The comparison with darts needs it: pip install darts (or leave it out: --darts 0).")
        against_darts(history, future, options)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=MODELS)
    parser.add_argument("--darts", type=int, default=2, help="systems on which darts' N-BEATS is trained")
    return parser.parse_args()


def lorenz_orbits(systems: int) -> np.ndarray:
    """1000 + LEAD points of Lorenz orbits, about 75 a turn, each from its own start: (systems, time, 3)."""
    starts = np.array([1.0, 1.0, 25.0]) + np.random.default_rng(0).uniform(-1, 1, (systems, 3))
    return rk4(lorenz63, starts, 0.01, 1999 + LEAD)[:, 1000:]


def fit(module, history, first, options):
    """Fit the series from `first` on, with the random draws that they have among all."""
    rng = np.random.default_rng(0)
    rng.spawn(first)
    knobs = KNOBS[module] | {"length": LENGTH, "batch": BATCH, "steps": options.steps, "device": options.device}
    # A rate that falls from 2e-3 to 0 is on average the constant 1e-3 of darts.
    return module.fit(history, rng=rng, learning_rate=2e-3, **knobs)


def one_axis(module, history, options) -> None:
    ratios = []
    for repeat in range(options.repeats + 1):
        fast, together = timed(lambda: fit(module, history, 0, options), options.device)
        slow, alone = timed(
            lambda: [fit(module, history[i : i + 1], i, options) for i in range(len(history))], options.device
        )
        # Not by weights: one without effect, such as an attention's key bias, follows rounding.
        first = module.forecast(together, 1)
        apart = np.concatenate([module.forecast(state, 1) for state in alone])
        worst = float((np.abs(first - apart) / history.std(1, keepdims=True)).max())
        if not worst < 0.05:
            sys.exit(f"{module.NAME}: the first forecasts differ by {worst:.2g} std: these aren't the same networks.")
        if repeat:  # the first warms up
            ratios.append((slow / fast, fast, slow))
    ratio, fast, slow = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(
        f"{module.NAME:12} one axis {fast:6.2f} s, one by one {slow:6.2f} s, "
        f"median ratio of {len(ratios)}: {ratio:5.1f}, first forecasts differ by {worst:.0e} std",
        flush=True,
    )


def one_column(history, options) -> None:
    state, ratios, product = fit(nbeats, history, 0, options), [], networks._product
    for repeat in range(options.repeats + 1):
        fast, path = timed(lambda: networks.forecast(state, LEAD), options.device)
        networks._product = lambda weight, x: torch.bmm(weight, x)
        slow, their_path = timed(lambda: networks.forecast(state, LEAD), options.device)
        networks._product = product
        worst = float((np.abs(path - their_path)[:, :5] / history.std(1, keepdims=True)).max())
        if not worst < 1e-4:
            sys.exit(f"The first five points differ by {worst:.2g} std.")
        if repeat:
            ratios.append(slow / fast)
    print(f"{LEAD} points of N-BEATS, products by torch over products by numpy: {statistics.median(ratios):.1f}")


def against_darts(history, future, options) -> None:
    picked = [i * options.seeds for i in range(min(options.darts, options.systems))]
    ratios = []
    for repeat in range(options.repeats + 1):
        ours, state = timed(lambda: fit(nbeats, history, 0, options), options.device)
        alone, _ = timed(lambda: [fit(nbeats, history[i : i + 1], i, options) for i in picked], options.device)
        theirs, models = timed(lambda: [darts_nbeats(history[i], options) for i in picked], options.device)
        if repeat:
            each = theirs / len(picked)
            ratios.append((each * len(history) / ours, theirs / alone, ours / len(history), alone / len(picked), each))
    one_axis, single, ours, alone, theirs = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(
        f"N-BEATS for each series: one axis {ours:.2f} s, alone {alone:.2f} s, darts {theirs:.2f} s; "
        f"median ratios of {len(ratios)}: darts / one axis {one_axis:.1f}, darts / alone {single:.1f}"
    )
    path = nbeats.forecast(state, LEAD)[picked]
    their_path = np.stack([darts_forecast(model, history[i]) for i, model in zip(picked, models, strict=True)])
    errors = [smape(p, future[picked]) for p in (path, their_path)]
    print(f"median sMAPE of {LEAD} points after {options.steps} steps: ours {errors[0]:.0f}, darts {errors[1]:.0f}")


def darts_nbeats(x: np.ndarray, options):
    from darts import TimeSeries
    from darts.models import NBEATSModel

    warnings.simplefilter("ignore")
    for name in ("pytorch_lightning", "lightning", "lightning.pytorch", "darts"):
        logging.getLogger(name).setLevel(logging.ERROR)
    trainer = {"accelerator": "gpu" if options.device == "cuda" else "cpu", "devices": 1, "max_steps": options.steps}
    trainer |= {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    per_epoch = -(-(len(x) - LENGTH) // BATCH)
    model = NBEATSModel(
        LENGTH,
        1,
        num_stacks=KNOBS[nbeats]["blocks"],
        num_blocks=1,
        num_layers=4,
        layer_widths=KNOBS[nbeats]["width"],
        batch_size=BATCH,
        n_epochs=-(-options.steps // per_epoch),
        random_state=0,
        pl_trainer_kwargs=trainer,
    )
    scaled = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    model.fit(TimeSeries.from_values(scaled))
    if model.trainer.global_step != options.steps:
        sys.exit(f"darts took {model.trainer.global_step} steps instead of {options.steps}.")
    return model


def darts_forecast(model, x: np.ndarray) -> np.ndarray:
    return model.predict(LEAD, verbose=False, show_warnings=False).values() * x.std(0) + x.mean(0)


def smape(path: np.ndarray, truth: np.ndarray) -> float:
    return float(np.median(200 * (np.abs(path - truth) / (np.abs(path) + np.abs(truth))).mean((1, 2))))


def timed(function, device):
    begin = time.perf_counter()
    result = function()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin, result


if __name__ == "__main__":
    main()
