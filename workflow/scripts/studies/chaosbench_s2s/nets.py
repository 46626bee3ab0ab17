"""Networks that say how the next day differs from this one, with a leading runs axis: a U-Net and an FNO.

Fields have shape (runs, batch, channel, y, x), each channel of variance 1; `shear` has (runs, batch). All padding is
periodic.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from pesin.models.convolution import conv, conv_transposed, init_conv
from pesin.models.mlp import Parameters

CHANNELS = 8
Nets = dict[str, Parameters]
LIMIT = 100.0
"""Standard deviations at which a state that blows up is held."""


def init_unet(runs: int, width: int, generator: torch.Generator) -> Parameters:
    """Three levels of `width`, 2 and 4 times as many channels, halved by strides; no batch norm."""
    w = width
    parameters: Parameters = {}
    three, two = (3, 3), (2, 2)
    layers = (
        ("fine_in", (CHANNELS, w), three),
        ("fine", (w, w), three),
        ("to_middle", (w, 2 * w), three),
        ("middle", (2 * w, 2 * w), three),
        ("to_coarse", (2 * w, 4 * w), three),
        ("coarse", (4 * w, 4 * w), three),
        ("up_middle", (4 * w, 2 * w), two),
        ("join_middle", (4 * w, 2 * w), three),
        ("up_fine", (2 * w, w), two),
        ("join_fine", (2 * w, w), three),
        ("out", (w, CHANNELS), (1, 1)),
    )
    for name, between, kernel in layers:
        parameters |= init_conv(runs, name, between, kernel, generator, transposed=name.startswith("up_"))
    return parameters | {"shear": torch.zeros(runs, 1, w, 1, 1).requires_grad_()}


def unet(parameters: Parameters, x: torch.Tensor, shear: torch.Tensor) -> torch.Tensor:
    """The change of x; the shear enters as a channel without space would, through a bias."""

    def layer(name, z, stride=1):
        return conv(parameters, name, z, stride, padding="periodic")

    def bent(z):
        return functional.leaky_relu(z, 0.15)

    fine = bent(layer("fine_in", x) + parameters["shear"] * shear[..., None, None, None])
    fine = bent(layer("fine", fine))
    middle = bent(layer("middle", bent(layer("to_middle", fine, 2))))
    coarse = bent(layer("coarse", bent(layer("to_coarse", middle, 2))))
    up = conv_transposed(parameters, "up_middle", coarse, 2)
    middle = bent(layer("join_middle", torch.cat([middle, up], 2)))
    up = conv_transposed(parameters, "up_fine", middle, 2)
    return layer("out", bent(layer("join_fine", torch.cat([fine, up], 2))))


def init_fno(runs: int, width: int, modes: int, layers: int, generator: torch.Generator) -> Parameters:
    """Fourier layers with `modes` wave numbers of each sign (Li et al. 2021, arXiv 2010.08895)."""

    def drawn(*shape, bound):
        return ((torch.rand(runs, *shape, generator=generator) * 2 - 1) * bound).requires_grad_()

    found = {
        "lift": drawn(1, width, CHANNELS, bound=CHANNELS**-0.5),
        "shear": torch.zeros(runs, 1, width, 1).requires_grad_(),
    }
    for i in range(layers):
        found[f"point_{i}"] = drawn(1, width, width, bound=width**-0.5)
        found[f"modes_{i}"] = drawn(2 * modes * modes, width, width, 2, bound=0.5 / width)
    found["wide"] = drawn(1, 2 * width, width, bound=width**-0.5)
    return found | {"out": drawn(1, CHANNELS, 2 * width, bound=(2 * width) ** -0.5)}


def fno(parameters: Parameters, x: torch.Tensor, shear: torch.Tensor) -> torch.Tensor:
    """The change of x."""
    grid = x.shape[-2:]
    h = parameters["lift"] @ x.flatten(3) + parameters["shear"] * shear[..., None, None]
    for i in range(sum(name.startswith("modes_") for name in parameters)):
        far = spectral(parameters[f"modes_{i}"], h.unflatten(3, grid)).flatten(3)
        h = functional.gelu(far + parameters[f"point_{i}"] @ h)
    return (parameters["out"] @ functional.gelu(parameters["wide"] @ h)).unflatten(3, grid)


def spectral(weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Each kept mode's channels times a complex matrix of its own, (runs, modes, in, out, 2); other modes become 0."""
    m = round((weight.shape[1] / 2) ** 0.5)
    hat = torch.fft.rfft2(x)
    kept = torch.cat([hat[..., :m, :m], hat[..., -m:, :m]], -2).flatten(3).permute(0, 3, 1, 2)
    mixed = (kept @ torch.view_as_complex(weight)).permute(0, 2, 3, 1).unflatten(3, (2 * m, m))
    between = mixed.new_zeros(*mixed.shape[:3], x.shape[-2] - 2 * m, m)
    whole = torch.cat([mixed[..., :m, :], between, mixed[..., m:, :]], -2)
    return torch.fft.irfft2(functional.pad(whole, (0, hat.shape[-1] - m)), s=x.shape[-2:])


def a_day(
    name: str, parameters: Parameters, x: torch.Tensor, shear: torch.Tensor, change: torch.Tensor
) -> torch.Tensor:
    """The next day's fields by the net of an arm, `change` (runs, 1, channel, 1, 1) being the size of a day's change.

    Held at `LIMIT` standard deviations, so that a rollout that blows up has a large error and no missing one.
    """
    net = fno if name == "fno" else unet
    return (x + change * net(parameters, x, shear)).clamp(-LIMIT, LIMIT)
