"""Networks with a runs axis, their pruning, and what is measured on them.

Parameters are dicts of tensors, runs first. Names that begin with `weight` are pruned, and the rest is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch.nn import functional

from pesin.models.mlp import Parameters, apply_mlp, init_mlp
from pesin.systems.images import CLASSES
from studies.three_regime_pruning.params import Net

IMAGES = 1000  # in one pass, where nothing is learnt
STAGES = 3


def init(net: Net, runs: int, shape: tuple[int, ...], generator: torch.Generator, device: str) -> Parameters:
    """Draw networks for images of `shape` (channel, row, column)."""
    if net.kind == "mlp":
        inputs = shape[0] * shape[1] * shape[2]
        return init_mlp(runs, [inputs, *[net.width] * net.depth, CLASSES], generator, device)
    sizes: dict[str, tuple[int, ...]] = {"weight_in": (net.width, shape[0], 3, 3)}
    norms: dict[str, int] = {}
    before = net.width
    for stage, block, width in blocks(net):
        name = f"{stage}_{block}"
        norms |= {f"{name}_a": before, f"{name}_b": width}
        sizes |= {f"weight_{name}_a": (width, before, 3, 3), f"weight_{name}_b": (width, width, 3, 3)}
        if before != width:
            sizes[f"weight_{name}_side"] = (width, before, 1, 1)
        before = width
    parameters = {}
    for name, size in sizes.items():  # He et al. 2015: by the outputs that an input reaches
        deviation = (2 / (size[0] * size[2] * size[3])) ** 0.5
        parameters[name] = torch.randn(runs, *size, generator=generator) * deviation
    for name, width in (norms | {"end": before}).items():
        parameters |= {f"gain_{name}": torch.ones(runs, width), f"shift_{name}": torch.zeros(runs, width)}
    head = init_mlp(runs, [before, CLASSES], generator)
    parameters |= {"weight_head": head["weight_0"].detach(), "bias_head": head["bias_0"].detach()}
    return {name: value.to(device).requires_grad_() for name, value in parameters.items()}


def blocks(net: Net) -> Iterator[tuple[int, int, int]]:
    """Stage, block and width of each residual block."""
    for stage in range(STAGES):
        for block in range(net.depth):
            yield stage, block, net.width * 2**stage


def outputs(net: Net, parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
    """Logits, shape (runs, batch, classes), of images (runs, batch, channel, row, column)."""
    if net.kind == "mlp":
        return apply_mlp(parameters, x.flatten(2), torch.relu)
    return _preresnet(net, parameters, x)


def _preresnet(net: Net, parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
    """He et al. 2016 (arXiv 1603.05027): normalise, rectify, convolve. Statistics are always those of the batch."""
    runs, batch = x.shape[:2]

    def convolved(name: str, x: torch.Tensor, stride: int = 1) -> torch.Tensor:
        kernel = parameters[f"weight_{name}"].flatten(0, 1)
        return functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2, groups=runs)

    def normed(name: str, x: torch.Tensor) -> torch.Tensor:
        gain, shift = (parameters[f"{part}_{name}"].flatten() for part in ("gain", "shift"))
        return functional.batch_norm(x, None, None, gain, shift, training=True).relu()

    h = convolved("in", x.transpose(0, 1).flatten(1, 2))
    for stage, block, _ in blocks(net):
        name, stride = f"{stage}_{block}", 2 if stage and not block else 1
        a = normed(f"{name}_a", h)
        side = convolved(f"{name}_side", a, stride) if f"weight_{name}_side" in parameters else h
        h = side + convolved(f"{name}_b", normed(f"{name}_b", convolved(f"{name}_a", a, stride)))
    pooled = normed("end", h).mean((-2, -1)).view(batch, runs, -1).transpose(0, 1)
    return torch.baddbmm(parameters["bias_head"], pooled, parameters["weight_head"])


@torch.no_grad()
def prune(parameters: Parameters, density: float, scope: str) -> dict[str, torch.Tensor]:
    """Masks of the weights of largest size, of which ceil(density x number) are kept in each layer, or in the whole."""
    names = [name for name in parameters if name.startswith("weight")]
    sizes = [parameters[name].flatten(1).abs() for name in names]
    if scope == "whole":
        whole = _largest(torch.cat(sizes, 1), density)
        parts = whole.split([size.shape[1] for size in sizes], 1)
    else:
        parts = [_largest(size, density) for size in sizes]
    return {name: part.view_as(parameters[name]) for name, part in zip(names, parts, strict=True)}


def _largest(size: torch.Tensor, density: float) -> torch.Tensor:
    kept = math.ceil(density * size.shape[1] - 1e-9)  # 0.1 x 480 isn't 48 in floats
    return torch.zeros_like(size).scatter_(1, size.topk(kept, 1).indices, 1.0)


@torch.no_grad()
def logits(net: Net, parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
    """Outputs for the same images (batch, channel, row, column) in all networks, shape (runs, batch, classes)."""
    runs = len(next(iter(parameters.values())))
    return torch.cat([outputs(net, parameters, part.expand(runs, *part.shape)) for part in x.split(IMAGES)], 1)


def error(net: Net, parameters: Parameters, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Share of images not given their label, shape (runs,); label (batch,) or each run's own (runs, batch)."""
    return (logits(net, parameters, x).argmax(-1) != label).float().mean(-1)


def line(net: Net, one: Parameters, other: Parameters, x, label, points: int) -> torch.Tensor:
    """Error along the straight line between networks, shape (runs, points), both ends included."""
    found = []
    for t in torch.linspace(0, 1, points).tolist():
        between = {name: torch.lerp(value, other[name], t) for name, value in one.items()}
        found.append(error(net, between, x, label))
    return torch.stack(found, 1)
