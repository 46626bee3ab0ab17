"""A small causal transformer with a leading runs axis: pre-norm blocks, learned positions, GELU, no dropout."""

from __future__ import annotations

import torch
from torch.nn.functional import gelu, layer_norm, scaled_dot_product_attention

from pesin.models.mlp import Parameters, init_mlp


def init_transformer(
    runs: int,
    vocabulary: int,
    context: int,
    width: int,
    layers: int,
    generator: torch.Generator,
    device: str = "cpu",
) -> Parameters:
    """Draw the weights of `runs` transformers, each its own.

    Parameters
    ----------
    runs, vocabulary, context
        Number of networks, of symbols, and the longest row of tokens.
    width, layers
        Width of the residual stream, number of blocks. A block's hidden layer has 4 x width units.

    Returns
    -------
    dict
        Tensors with the runs axis first, with gradients asked for.
    """
    parameters = {
        name: (0.02 * torch.randn(runs, rows, width, generator=generator)).to(device).requires_grad_()
        for name, rows in (("token", vocabulary), ("place", context))
    }
    parts = {f"block_{i}_{part}": sizes for i in range(layers) for part, sizes in _block_sizes(width).items()}
    for part, sizes in (parts | {"head": (width, vocabulary)}).items():
        weights = init_mlp(runs, sizes, generator, device)
        parameters |= {f"{part}_weight": weights["weight_0"], f"{part}_bias": weights["bias_0"]}
    return parameters


def _block_sizes(width: int) -> dict[str, tuple[int, int]]:
    return {"qkv": (width, 3 * width), "out": (width, width), "up": (width, 4 * width), "down": (4 * width, width)}


def apply_transformer(parameters: Parameters, tokens: torch.Tensor, heads: int) -> torch.Tensor:
    """Return the logits of each next token.

    Parameters
    ----------
    tokens : integer Tensor, shape (runs, batch, length)
    heads
        Attention heads; must divide the width.

    Returns
    -------
    Tensor, shape (runs, batch, length, vocabulary)
        Position t sees the tokens up to t.
    """
    runs, batch, length = tokens.shape
    width = parameters["token"].shape[-1]
    picked = parameters["token"].gather(1, tokens.flatten(1)[..., None].expand(-1, -1, width))
    x = picked.view(runs, batch, length, width) + parameters["place"][:, None, :length]
    x = x.flatten(1, 2)
    layers = sum(name.endswith("qkv_weight") for name in parameters)
    for layer in range(layers):
        linear = _linear(parameters, f"block_{layer}_")
        split = linear("qkv", layer_norm(x, (width,))).view(runs, batch, length, 3, heads, width // heads)
        query, key, value = split.movedim(3, 0).transpose(-3, -2)
        mixed = scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + linear("out", mixed.transpose(-3, -2).reshape(runs, batch * length, width))
        x = x + linear("down", gelu(linear("up", layer_norm(x, (width,)))))
    return _linear(parameters, "")("head", layer_norm(x, (width,))).view(runs, batch, length, -1)


def _linear(parameters: Parameters, prefix: str):
    return lambda part, x: torch.baddbmm(parameters[f"{prefix}{part}_bias"], x, parameters[f"{prefix}{part}_weight"])
