"""Taylor coefficients of tanh networks along curves of their inputs, to any order, and Jacobians of residuals.

The coefficients go through the layers by the recurrence of tanh' = 1 - tanh^2 (Griewank and Walther, Evaluating
Derivatives, 2nd ed. 2008, chapter 13), so that a fourth derivative costs five passes of plain matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from pesin.models.mlp import Parameters

Watch = list[tuple[int, torch.Tensor, torch.Tensor]]
"""For each layer of each pass: its number, its inputs and what it makes of them before the activation."""
Residual = Callable[[Parameters, Watch | None], torch.Tensor]
"""(parameters, watch) -> (runs, samples, out); `watch` is handed on to `mlp_taylor`."""


def mlp_taylor(
    parameters: Parameters, coefficients: Sequence[torch.Tensor], watch: Watch | None = None
) -> list[torch.Tensor]:
    """Push x(s) = sum_k c_k s^k through networks made by `pesin.models.mlp.init_mlp`, tanh between their layers.

    Parameters
    ----------
    parameters
        weight_i of shape (runs, in, out), bias_i of shape (runs, 1, out).
    coefficients : sequence of Tensors, each (runs, samples, in)
        c_0, c_1, ...: as many as are wanted of the result; x, 1, 0, 0, 0 for four derivatives along a straight line.
    watch
        If given, layers are appended to it: for `residual_jacobian`.

    Returns
    -------
    list of Tensors, each (runs, samples, out)
        f(x(s)) = sum_k f_k s^k; the k-th derivative along the curve is k! f_k.
    """
    x = torch.stack([part.expand(coefficients[0].shape) for part in coefficients], 1)
    layers = sum(name.startswith("weight_") for name in parameters)
    for layer in range(layers):
        z = torch.bmm(x.flatten(1, 2), parameters[f"weight_{layer}"]).unflatten(1, x.shape[1:3])
        if watch is not None:
            watch.append((layer, x.detach(), z))
        parts = [z[:, 0] + parameters[f"bias_{layer}"], *z.unbind(1)[1:]]
        if layer == layers - 1:
            return parts
        x = torch.stack(_tanh(parts), 1)
    raise ValueError("networks without a layer")


def _tanh(z: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Coefficients of tanh(z(s)): k y_k = sum_j j z_j q_{k-j}, with q = 1 - y^2."""
    y = [torch.tanh(z[0])]
    q = [1 - y[0] * y[0]]
    for k in range(1, len(z)):
        y.append(sum((j * z[j] * q[k - j] for j in range(1, k)), start=k * z[k] * q[0]) / k)
        q.append(-sum((y[i] * y[k - i] for i in range(1, k + 1)), start=y[0] * y[k]))
    return y


def flat(parameters: Parameters) -> torch.Tensor:
    """All parameters of each run in one row, in the order of their names in the dict: (runs, parameters)."""
    return torch.cat([value.flatten(1) for value in parameters.values()], 1)


def unflat(rows: torch.Tensor, like: Parameters) -> Parameters:
    """The inverse of `flat`."""
    parts = rows.split([value[0].numel() for value in like.values()], 1)
    return {name: part.reshape(like[name].shape) for name, part in zip(like, parts, strict=True)}


def residual_jacobian(residual_of: Residual, parameters: Parameters) -> tuple[torch.Tensor, torch.Tensor]:
    """Residuals, and their derivatives by each parameter: one reverse pass for each output, for all runs and samples.

    Parameters
    ----------
    residual_of
        What it gives at a sample may depend on the networks at this sample alone, and on them by `mlp_taylor` alone.
    parameters
        All of them are the networks'.

    Returns
    -------
    (residual, jacobian)
        Shapes (runs, samples, out) and (runs, samples, out, parameters), in the order of `flat`.
    """
    leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    watch: Watch = []
    with torch.enable_grad():
        residual = residual_of(leaves, watch)
        sums = [residual[..., out].sum() for out in range(residual.shape[-1])]
    found = residual.new_zeros((*residual.shape, sum(value[0].numel() for value in leaves.values())))
    ends, last = {}, 0
    for name, value in leaves.items():
        ends[name] = (last, last + value[0].numel())
        last = ends[name][1]
    before = [z for _, _, z in watch]
    for out, total in enumerate(sums):
        slopes = torch.autograd.grad(total, before, retain_graph=True, allow_unused=True)
        for (layer, x, _), slope in zip(watch, slopes, strict=True):
            if slope is not None:
                low, high = ends[f"weight_{layer}"]
                found[:, :, out, low:high] += torch.einsum("rksi,rkso->rsio", x, slope).flatten(2)
                low, high = ends[f"bias_{layer}"]
                found[:, :, out, low:high] += slope[:, 0]
    return residual.detach(), found
