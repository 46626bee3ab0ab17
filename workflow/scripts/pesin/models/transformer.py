"""A small transformer with a leading runs axis and switches for what studies take away: norms, activation, mask.

The learned temperatures and the scaled and fused mlp are those of Jha and Reagen, arXiv 2501.03489.

Parameters are a plain dict of tensors, runs first, layers stacked second, matrices as (in, out). `reparametrisation`
turns them into effective weights (spectral and weight normalisation, sigmaReparam) before they come here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn.functional import gelu, layer_norm, relu, rms_norm

from pesin.models.mlp import Parameters

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"gelu": gelu, "relu": relu, "identity": lambda x: x}
Watch = Callable[[str, int, torch.Tensor], None]
Steer = Callable[[int, torch.Tensor], torch.Tensor]
LEAST = 0.01  # of a learned temperature or divisor: neither passes zero


@dataclass(frozen=True)
class Transformer:
    """Architecture: blocks x + attention(x), x + mlp(x) over learned positions, and a linear head. No dropout.

    Attributes
    ----------
    inputs
        Symbols of the vocabulary, or features of each vector (`embedding` "vectors": a linear map, as of patches).
    outputs
        Logits of each position, or of the whole if `pooled`.
    context, width, layers, heads
        Longest input, width of the residual stream, blocks, heads. The hidden layer of a block has `expansion` x width.
    causal
        Position t sees the positions up to t.
    norm
        "pre" (before attention, mlp and head), "post" (after each sum), or "none".
    qk_norm
        Queries and keys of each head have root mean square 1, times a learned gain each.
    score_scale
        Factor of the scores before the softmax, beside 1 / sqrt(width / heads): an inverse temperature.
    temperature
        What the scores are divided by besides, learned from 1 on: "none", "scalar" (one for each layer) or
        "head_position" (one for each layer, head and query position).
    mlp
        "full": x + down(activation(up(x))). "scaled": beta x + down(activation(up(x))) / alpha, two scalars for each
        layer, learned from 1 on. "fused": scaled, with one (width, width) matrix in place of `up`, activation and
        `down`; it starts as their product, so that it is the full one with activation "identity".
    init
        Standard deviation of the matrices (normal, cut at two); None: uniform in +-1/sqrt(in), as torch.nn.Linear.
        Embeddings have `embedding_std`. Biases start at 0.
    """

    inputs: int
    outputs: int
    context: int
    width: int
    layers: int
    heads: int
    embedding: Literal["tokens", "vectors"] = "tokens"
    causal: bool = True
    pooled: bool = False
    norm: Literal["pre", "post", "none"] = "pre"
    qk_norm: bool = False
    activation: str = "gelu"
    score_scale: float = 1.0
    expansion: int = 4
    init: float | None = None
    embedding_std: float = 0.02
    temperature: Literal["none", "scalar", "head_position"] = "none"
    mlp: Literal["full", "scaled", "fused"] = "full"

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of the {self.heads} heads")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, it is {self.activation!r}")
        if self.mlp == "fused" and self.activation != "identity":
            raise ValueError(f"a fused mlp has no activation: it must be 'identity', it is {self.activation!r}")

    @property
    def matrices(self) -> dict[str, tuple[int, ...]]:
        """Shape of each weight matrix but embeddings of symbols: (in, out), led by layers and by query, key, value."""
        shapes = self._drawn
        if self.mlp == "fused":
            del shapes["up"], shapes["down"]
            shapes["fused"] = (self.layers, self.width, self.width)
        return shapes

    @property
    def _drawn(self) -> dict[str, tuple[int, ...]]:
        """Shape of each matrix that is drawn, in this order, whatever the variant."""
        d, blocks = self.width, self.layers
        shapes: dict[str, tuple[int, ...]] = {
            "qkv": (blocks, 3, d, d),
            "out": (blocks, d, d),
            "up": (blocks, d, self.expansion * d),
            "down": (blocks, self.expansion * d, d),
            "head": (d, self.outputs),
        }
        return shapes | ({"embed": (self.inputs, d)} if self.embedding == "vectors" else {})

    def init_parameters(self, runs: int, generator: torch.Generator, device: str = "cpu") -> Parameters:
        """Draw the weights of `runs` networks, each its own.

        The draws depend on widths and depth alone: variants that differ in norms, activation, mask, temperature or mlp
        start alike.

        Returns
        -------
        dict
            Tensors with the runs axis first, with gradients asked for.
        """

        def normal(std: float, *shape: int) -> torch.Tensor:
            return torch.randn(runs, *shape, generator=generator).mul_(std)

        parameters = {"place": normal(self.embedding_std, self.context, self.width)}
        if self.embedding == "tokens":
            parameters["embed"] = normal(self.embedding_std, self.inputs, self.width)
        for name, shape in self._drawn.items():
            if self.init is None:
                parameters[name] = (torch.rand(runs, *shape, generator=generator) * 2 - 1) * shape[-2] ** -0.5
            else:
                values = torch.empty(runs, *shape)
                parameters[name] = torch.nn.init.trunc_normal_(
                    values, 0, self.init, -2 * self.init, 2 * self.init, generator
                )
            parameters[f"{name}_bias"] = torch.zeros(runs, *shape[:-2], 1, shape[-1])
        if self.norm != "none":
            norms: dict[str, tuple[int, ...]] = {"attention": (self.layers,), "mlp": (self.layers,)}
            norms |= {"final": ()} if self.norm == "pre" else {}
            for name, lead in norms.items():
                parameters[f"{name}_norm_gain"] = torch.ones(runs, *lead, 1, self.width)
                parameters[f"{name}_norm_bias"] = torch.zeros(runs, *lead, 1, self.width)
        if self.qk_norm:
            parameters["qk_gain"] = torch.ones(runs, self.layers, 2, 1, 1, 1, self.width // self.heads)
        if self.temperature != "none":
            each = (self.heads, self.context) if self.temperature == "head_position" else (1, 1)
            parameters["temperature"] = torch.ones(runs, self.layers, 1, *each, 1)
        if self.mlp != "full":
            parameters |= {f"mlp_{name}": torch.ones(runs, self.layers, 1, 1) for name in ("alpha", "beta")}
        if self.mlp == "fused":
            parameters["fused"] = parameters.pop("up") @ parameters.pop("down")
            parameters["fused_bias"] = parameters.pop("down_bias")
            del parameters["up_bias"]
        return {name: value.to(device).requires_grad_() for name, value in parameters.items()}

    def __call__(
        self,
        weights: Parameters,
        x: torch.Tensor,
        watch: Watch | None = None,
        steer: Steer | None = None,
        alternatives: int = 1,
    ) -> torch.Tensor:
        """Return the logits.

        Parameters
        ----------
        weights
            As from `init_parameters`, or effective weights made of them; all float32 or all float64.
        x : Tensor
            Integer symbols, shape (runs, batch, length), or vectors, shape (runs, batch, length, inputs).
        watch
            Called as watch(name, layer, tensor) on the way: `attention_input`, `hidden` (the activations of the mlp,
            unless it is fused) and `residual` (the stream after a block), shape (runs, batch, length, ...); `scores`
            (before the softmax, masked ones -inf) and `attention` (after it), shape (runs, batch, heads, length,
            length). The tensors are those that the network goes on with, gradients included.
        steer
            Called as steer(layer, residual) after each block; the network goes on with what it returns, of the same
            shape (runs, batch, length, width), and `watch` is shown that. Adding a vector steers activations.
        alternatives
            So many of the last symbols each follow the ones before them, all at one place, and don't see each other:
            one pass in place of as many.

        Returns
        -------
        Tensor, shape (runs, batch, length, outputs), or (runs, batch, outputs) if pooled
        """
        runs, batch, length = x.shape[:3]
        look = watch or (lambda name, layer, tensor: None)
        layers = _unstacked(weights, self.layers)
        mask = torch.zeros(1, length, length, device=x.device, dtype=weights["place"].dtype)
        if self.causal:
            mask = torch.full_like(mask, -torch.inf).triu(1)
        places = weights["place"][:, :length]
        if alternatives > 1:
            mask = mask + self._apart(alternatives, length, x.device)
            places = places[:, torch.arange(length, device=x.device).clamp(max=length - alternatives)]
        x = (self._embedded(weights, x) + places[:, None]).flatten(1, 2)
        for i, layer in enumerate(layers):
            inner = self._normed(layer, "attention", x) if self.norm == "pre" else x
            look("attention_input", i, inner.view(runs, batch, length, -1))
            x = x + self._attention(layer, inner, batch, mask, lambda name, t, i=i: look(name, i, t))
            x = self._normed(layer, "attention", x) if self.norm == "post" else x
            inner = self._normed(layer, "mlp", x) if self.norm == "pre" else x
            x = self._with_mlp(layer, x, inner, lambda name, t, i=i: look(name, i, t.view(runs, batch, length, -1)))
            x = self._normed(layer, "mlp", x) if self.norm == "post" else x
            if steer:
                x = steer(i, x.view(runs, batch, length, -1)).flatten(1, 2)
            look("residual", i, x.view(runs, batch, length, -1))
        x = self._normed(weights, "final", x) if self.norm == "pre" else x
        if self.pooled:
            return _linear(weights, "head", x.view(runs, batch, length, -1).mean(2))
        return _linear(weights, "head", x).view(runs, batch, length, -1)

    def _apart(self, alternatives: int, length: int, device: str | torch.device) -> torch.Tensor:
        """Mask that hides the last symbols from each other."""
        if not self.causal or self.pooled or self.temperature == "head_position":
            raise ValueError("alternatives: the transformer must be causal, not pooled, and of one temperature")
        last = torch.arange(length, device=device) >= length - alternatives
        among = (last[:, None] & last).fill_diagonal_(False)
        return torch.zeros(length, length, device=device).masked_fill(among, -torch.inf)

    def _embedded(self, weights: Parameters, x: torch.Tensor) -> torch.Tensor:
        if self.embedding == "vectors":
            return _linear(weights, "embed", x.flatten(1, 2)).view(*x.shape[:3], self.width)
        picked = weights["embed"].gather(1, x.flatten(1)[..., None].expand(-1, -1, self.width))
        return picked.view(*x.shape, self.width)

    def _attention(self, layer: Parameters, x: torch.Tensor, batch: int, mask: torch.Tensor, look) -> torch.Tensor:
        runs, length, size = x.shape[0], mask.shape[-1], self.width // self.heads
        weight = layer["qkv"].transpose(1, 2).flatten(2)  # (runs, width, 3 width)
        split = torch.baddbmm(layer["qkv_bias"].transpose(1, 2).flatten(2), x, weight)
        parts = split.view(runs, batch, length, 3, self.heads, size).movedim(3, 0).transpose(-3, -2)
        query, key, value = (part.reshape(-1, length, size) for part in parts)
        if self.qk_norm:
            shape = (runs, batch, self.heads, length, size)
            query, key = (
                (rms_norm(part.view(shape), (size,)) * gain).view(-1, length, size)
                for part, gain in zip((query, key), layer["qk_gain"].unbind(1), strict=True)
            )
        if self.temperature != "none":  # of the queries: of masked scores it would have no gradient
            heat = layer["temperature"].clamp(min=LEAST)[..., :length, :]
            query = (query.view(runs, batch, self.heads, length, size) / heat).view(-1, length, size)
        scores = torch.baddbmm(mask, query, key.mT, alpha=self.score_scale * size**-0.5)
        attention = scores.softmax(-1)
        for name, tensor in (("scores", scores), ("attention", attention)):
            look(name, tensor.view(runs, batch, self.heads, length, length))
        mixed = torch.bmm(attention, value).view(runs, batch, self.heads, length, size)
        return _linear(layer, "out", mixed.transpose(2, 3).reshape(runs, batch * length, self.width))

    def _with_mlp(self, layer: Parameters, x: torch.Tensor, inner: torch.Tensor, look) -> torch.Tensor:
        """The stream x after the mlp, whose input is `inner`."""
        if self.mlp == "fused":
            change = _linear(layer, "fused", inner)
        else:
            hidden = ACTIVATIONS[self.activation](_linear(layer, "up", inner))
            look("hidden", hidden)
            change = _linear(layer, "down", hidden)
        if self.mlp == "full":
            return x + change
        return layer["mlp_beta"] * x + change / layer["mlp_alpha"].clamp(min=LEAST)

    def _normed(self, weights: Parameters, name: str, x: torch.Tensor) -> torch.Tensor:
        return layer_norm(x, (self.width,)) * weights[f"{name}_norm_gain"] + weights[f"{name}_norm_bias"]


STACKED = ("qkv", "out", "up", "down", "fused", "attention_norm", "mlp_", "qk_gain", "temperature")


def _unstacked(weights: Parameters, layers: int) -> list[Parameters]:
    stacked = {name: value.unbind(1) for name, value in weights.items() if name.startswith(STACKED)}
    return [{name: values[i] for name, values in stacked.items()} for i in range(layers)]


def _linear(weights: Parameters, name: str, x: torch.Tensor) -> torch.Tensor:
    return torch.baddbmm(weights[f"{name}_bias"], x, weights[name])
