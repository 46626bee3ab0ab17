"""Small networks with a leading runs axis: many of them (seeds, variants) train in one loop as one tensor program.

Parameters are plain dicts of tensors whose first axis is the run. Optimisers that work element by element (Adam, SGD)
treat the runs apart by themselves; the norm of a gradient has to be taken run by run: `optimisers.clip_gradients`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import xarray as xr
from torch.nn.functional import gelu

from pesin.steps.labels import DIVERGED, labelled

Parameters = dict[str, torch.Tensor]


def init_mlp(runs: int, sizes: Iterable[int], generator: torch.Generator, device: str = "cpu") -> Parameters:
    """Draw the weights of `runs` multilayer perceptrons, each its own, as `torch.nn.Linear` does.

    Parameters
    ----------
    runs
        Number of networks.
    sizes
        Widths: input, hidden ones, output.
    generator
        CPU generator; the draws don't depend on the device.

    Returns
    -------
    dict
        weight_i of shape (runs, in, out) and bias_i of shape (runs, 1, out), with gradients asked for.
    """
    sizes, parameters = list(sizes), {}
    for layer, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        bound = fan_in**-0.5
        for name, shape in ((f"weight_{layer}", (runs, fan_in, fan_out)), (f"bias_{layer}", (runs, 1, fan_out))):
            values = (torch.rand(shape, generator=generator) * 2 - 1) * bound
            parameters[name] = values.to(device).requires_grad_()
    return parameters


def apply_mlp(
    parameters: Parameters, x: torch.Tensor, activation: Callable[[torch.Tensor], torch.Tensor] = gelu
) -> torch.Tensor:
    """Run all networks: shape (runs, batch, in) -> (runs, batch, out). The last layer is linear."""
    layers = sum(name.startswith("weight_") for name in parameters)
    for layer in range(layers):
        x = torch.baddbmm(parameters[f"bias_{layer}"], x, parameters[f"weight_{layer}"])
        if layer < layers - 1:
            x = activation(x)
    return x


def init_embedding(
    runs: int, symbols: int, width: int, generator: torch.Generator, device: str = "cpu"
) -> torch.Tensor:
    """Draw standard normal embeddings, shape (runs, symbols, width), with gradients asked for."""
    return torch.randn(runs, symbols, width, generator=generator).to(device).requires_grad_()


def repeat_runs(parameters: Parameters, times: int) -> Parameters:
    """Copy the whole set of runs `times` times, one set after another: (runs, ...) -> (times * runs, ...)."""
    return {
        name: value.detach().repeat(times, *[1] * (value.dim() - 1)).requires_grad_()
        for name, value in parameters.items()
    }


def weights_dataset(parameters: Parameters, run: Iterable) -> xr.Dataset:
    """Return the weights as a Dataset with the dimension `run` first (NaN allowed: a diverged run is a result)."""
    variables = {
        name: labelled(
            ("run", *[f"{name}_axis_{axis}" for axis in range(1, value.dim())]),
            value.detach().cpu().numpy(),
            f"parameters {name}",
            nan=DIVERGED,
        )
        for name, value in parameters.items()
    }
    return xr.Dataset(variables, coords={"run": list(run)})
