"""Convolutions with a runs axis against `torch.nn`, one run after the other; and known answers."""

import pytest
import torch
from torch.testing import assert_close

from pesin.models.convolution import conv, conv_transposed, init_conv

LAYERS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
TRANSPOSED = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)
SPACE = (8, 6, 4)


def drawn(space, transposed=False, kernel=3):
    generator = torch.Generator().manual_seed(space)
    parameters = init_conv(3, "a", (2, 5), [kernel] * space, generator, transposed=transposed)
    x = torch.randn(3, 4, 2, *SPACE[:space], generator=generator)
    return parameters, x


def loaded(layer, parameters, run):
    with torch.no_grad():
        layer.weight.copy_(parameters["weight_a"][run])
        layer.bias.copy_(parameters["bias_a"][run])
    return layer


@pytest.mark.parametrize("space", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("padding", "torchs"), [("zeros", "zeros"), ("periodic", "circular")])
def test_each_run_is_a_layer_of_torchs(space, stride, padding, torchs):
    parameters, x = drawn(space)
    found = conv(parameters, "a", x, stride, padding)
    for run in range(3):
        layer = LAYERS[space - 1](2, 5, 3, stride=stride, padding=1, padding_mode=torchs)
        assert_close(found[run], loaded(layer, parameters, run)(x[run]))
    assert found.shape[3:] == torch.Size([-(-n // stride) for n in SPACE[:space]])


@pytest.mark.parametrize("space", [1, 2, 3])
def test_each_run_is_a_transposed_layer_of_torchs(space):
    parameters, x = drawn(space, transposed=True, kernel=2)
    found = conv_transposed(parameters, "a", x, 2)
    for run in range(3):
        layer = TRANSPOSED[space - 1](2, 5, 2, stride=2)
        assert_close(found[run], loaded(layer, parameters, run)(x[run]))


def test_gradients_of_a_run_are_its_own():
    parameters, x = drawn(2)
    loss = conv(parameters, "a", x).square().mean((1, 2, 3, 4))
    gradient = torch.autograd.grad(loss[1], parameters["weight_a"])[0]
    assert gradient[1].abs().min() > 0
    assert not gradient[[0, 2]].any()


def test_a_plane_wave_is_an_eigenfunction_on_a_ring():
    """Symmetric kernel (1, -2, 1): eigenvalue 2 cos q - 2; and strides as a list."""
    q = 2 * torch.pi / 12
    wave = torch.cos(q * torch.arange(12.0)).view(1, 1, 1, 12)
    parameters = {"weight_a": torch.tensor([1.0, -2.0, 1.0]).view(1, 1, 1, 3), "bias_a": torch.zeros(1, 1)}
    eigenvalue = 2 * torch.cos(torch.tensor(q)) - 2
    assert_close(conv(parameters, "a", wave, padding="periodic"), eigenvalue * wave)
    assert_close(conv(parameters, "a", wave, [3], "periodic"), eigenvalue * wave[..., ::3])
    edge = conv(parameters, "a", wave)[0, 0, 0, 0]
    assert edge == pytest.approx(float(wave[0, 0, 0, 1] - 2))


def test_an_even_kernel_keeps_the_length_too():
    parameters, x = drawn(1, kernel=4)
    assert conv(parameters, "a", x).shape == (3, 4, 5, 8)
    assert conv(parameters, "a", x, padding="periodic").shape == (3, 4, 5, 8)


def test_draws_are_bounded_and_differ_between_runs():
    parameters, _ = drawn(3)
    weight = parameters["weight_a"]
    assert weight.shape == (3, 5, 2, 3, 3, 3)
    assert weight.requires_grad
    assert 0.9 * 54**-0.5 < weight.abs().max() <= 54**-0.5
    assert not torch.equal(weight[0], weight[1])


def test_bad_arguments_are_told():
    with pytest.raises(ValueError, match="one to three sizes"):
        init_conv(1, "a", (1, 1), [], torch.Generator())
    parameters, x = drawn(1)
    with pytest.raises(ValueError, match="'zeros' or 'periodic'"):
        conv(parameters, "a", x, padding="mirror")
