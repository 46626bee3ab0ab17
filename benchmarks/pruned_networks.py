"""Counts networks retrained per core minute: in one runs axis, one after the other, and with torch's modules.

    python benchmarks/pruned_networks.py [--runs 96] [--epochs 1] [--repeats 5] [--threads 1]

Sizes are those of `three_regime_pruning` at laptop scale. All three train the same networks on the same batches; the
program ends with an error if their weights differ. Processor seconds, so that other programs matter less; medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.models.optimisers import SGD
from studies.three_regime_pruning.nets import init, prune
from studies.three_regime_pruning.params import Train
from studies.three_regime_pruning.train import run_epoch

ROOT = Path(__file__).resolve().parents[1]
IMAGES, SIDE, DENSITY, RATE = 800, 8, 0.08, 0.1


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    study = yaml.safe_load((ROOT / "config" / "studies" / "three_regime_pruning.yaml").read_text(encoding="utf-8"))
    settings = Train.model_validate(study["params"]["train"])
    generator = torch.Generator().manual_seed(0)
    start = init(settings.net, options.runs, (1, SIDE, SIDE), generator, "cpu")
    masks = prune(start, DENSITY, "layer")
    start = {name: value.detach() * masks.get(name, 1) for name, value in start.items()}
    x = torch.randn(IMAGES, 1, SIDE, SIDE, generator=generator)
    label = torch.randint(10, (options.runs, IMAGES), generator=generator)
    orders = torch.rand(options.epochs, options.runs, IMAGES, generator=generator).argsort(-1)

    def ours(part: slice) -> dict[str, torch.Tensor]:
        own = {name: value[part].clone().requires_grad_() for name, value in start.items()}
        kept = {name: value[part] for name, value in masks.items()}
        optimiser = SGD(own.values(), settings.momentum, settings.weight_decay)
        none = torch.zeros(len(label[part]))
        for order in orders[:, part]:
            run_epoch(settings, optimiser, own, kept, x, label[part], order, RATE, none)
        return own

    def modules(run: int) -> list[torch.Tensor]:
        return with_modules(settings, start, masks, x, label[run], orders[:, run], run)

    ways = {
        "in one runs axis": lambda: ours(slice(None)),
        "one after the other": lambda: [ours(slice(i, i + 1)) for i in range(options.runs)],
        "torch's modules": lambda: [modules(i) for i in range(options.runs)],
    }
    check(*(way() for way in ways.values()))  # and warms up
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.repeats):
        for name, way in ways.items():
            begin = time.process_time()
            way()
            seconds[name].append((time.process_time() - begin) * settings.retrain.epochs / options.epochs)
    for name, found in seconds.items():
        print(f"{name}: {60 * options.runs / statistics.median(found):.0f} networks per core minute")
    for name in list(ways)[1:]:
        ratios = [b / a for a, b in zip(seconds["in one runs axis"], seconds[name], strict=True)]
        print(f"{name} / in one runs axis: {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=1, help="timed; the counts are for those of the study")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def with_modules(settings: Train, start, masks, x, label, orders, run: int) -> list[torch.Tensor]:
    """One network as `torch.nn` and `torch.optim` train it; weights of its layers."""
    widths = [SIDE * SIDE, *[settings.net.width] * settings.net.depth, 10]
    layers = [torch.nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True)]
    kept = [masks[f"weight_{i}"][run].T for i in range(len(layers))]
    with torch.no_grad():
        for i, layer in enumerate(layers):
            layer.weight.copy_(start[f"weight_{i}"][run].T)
            layer.bias.copy_(start[f"bias_{i}"][run, 0])
    parts = [part for layer in layers for part in (layer, torch.nn.ReLU())][:-1]
    model = torch.nn.Sequential(torch.nn.Flatten(), *parts)
    optimiser = torch.optim.SGD(
        model.parameters(), RATE, settings.momentum, weight_decay=settings.weight_decay, fused=True
    )
    for order in orders:
        for batch in order.split(settings.batch):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(x[batch]), label[batch]).backward()
            for layer, mask in zip(layers, kept, strict=True):
                layer.weight.grad.mul_(mask)
            optimiser.step()
    return [layer.weight.detach().T for layer in layers]


def check(together, apart, modules) -> None:
    for i in range(len(modules[0])):
        one = together[f"weight_{i}"].detach()
        for other in (
            torch.cat([net[f"weight_{i}"].detach() for net in apart]),
            torch.stack([net[i] for net in modules]),
        ):
            worst = float((one - other).abs().max())
            if not worst < 1e-2:
                sys.exit(f"The ways differ by {worst:.2g} in a weight: they didn't train the same networks.")


if __name__ == "__main__":
    main()
