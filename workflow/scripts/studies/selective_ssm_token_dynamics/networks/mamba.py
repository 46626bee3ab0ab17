"""A small Mamba with a leading runs axis: its scan in chunks, weights of chosen signs, and a soft sort of the tokens.

Source: Gu and Dao (2023, arXiv 2312.00752) for the block; SoftSort: Prillo and Eisenschlos (2020, arXiv 2006.16038).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch.nn.functional import pad, rms_norm, silu, softplus

from pesin.models.mlp import Parameters

KERNEL = 4
LEAST = 0.7
"""Added to the diagonal of Lambda, which keeps it away from 0."""


def scan(decay: torch.Tensor, inputs: torch.Tensor, chunk: int) -> torch.Tensor:
    """h_l = decay_l h_(l-1) + inputs_l with h_(-1) = 0, in chunks: chunk + L / chunk steps in a row in place of L.

    Within a chunk all chunks move together from 0; then what each hands on is added, times the decay since it began.
    All factors are at most 1 if the decays are, so that nothing overflows.

    Parameters
    ----------
    decay, inputs : Tensor, shape (..., L, state, channels)
    chunk
        L: the plain recurrence. A length that it doesn't divide is filled up.

    Returns
    -------
    Tensor, shape as `inputs`
    """
    return _Scan.apply(decay, inputs, chunk)


class _Scan(torch.autograd.Function):
    """Whose gradient is a scan from the end: g_l = grad_l + decay_(l+1) g_(l+1), and d/d decay_l = g_l h_(l-1)."""

    @staticmethod
    def forward(ctx, decay, inputs, chunk):
        states = _scanned(decay, inputs, chunk)
        ctx.save_for_backward(decay, states)
        ctx.chunk = chunk
        return states

    @staticmethod
    def backward(ctx, grad):
        decay, states = ctx.saved_tensors
        back = pad(decay[..., 1:, :, :].flip(-3), (0, 0, 0, 0, 1, 0))
        found = _scanned(back, grad.flip(-3), ctx.chunk).flip(-3)
        return found * pad(states[..., :-1, :, :], (0, 0, 0, 0, 1, 0)), found, None


def _scanned(decay: torch.Tensor, inputs: torch.Tensor, chunk: int) -> torch.Tensor:
    length = inputs.shape[-3]
    chunk = min(chunk, length)
    more = -length % chunk
    if chunk == length:
        return _recurrence(decay, inputs)
    decay, inputs = (pad(part, (0, 0, 0, 0, 0, more)).unflatten(-3, (-1, chunk)) for part in (decay, inputs))
    inside, total = _recurrence(decay, inputs), decay.cumprod(-3)
    handed = _recurrence(total[..., -1, :, :], inside[..., -1, :, :])  # at the end of each chunk
    before = pad(handed[..., :-1, :, :], (0, 0, 0, 0, 1, 0))
    return torch.addcmul(inside, total, before.unsqueeze(-3)).flatten(-4, -3)[..., :length, :, :]


def _recurrence(decay: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    out = torch.empty_like(inputs)
    steps = [part.unbind(-3) for part in (decay, inputs, out)]
    steps[2][0].copy_(steps[1][0])
    for one, (keep, new, state) in enumerate(zip(*steps, strict=True)):
        if one:
            torch.addcmul(new, keep, steps[2][one - 1], out=state)
    return out


def soft_sort(score: torch.Tensor, tau: float = 1.0) -> torch.Tensor:
    """SoftSort's matrix, shape (..., L, L): row i is what stands at place i if tokens go by rising score (..., L)."""
    inverse = -score
    ordered = inverse.sort(-1, descending=True).values
    return torch.softmax(-(ordered[..., :, None] - inverse[..., None, :]).abs() / tau, -1)


@dataclass(frozen=True)
class Mamba:
    """Architecture: blocks x + out(scan(conv(in(norm x))) gate), after an embedding and before a linear head.

    Attributes
    ----------
    inputs
        Symbols, or features of each vector (`embedding` "vectors").
    outputs
        Logits of each token, or of the mean over tokens if `pooled`.
    sorts
        Whether tokens may be put in order, by a score of the features that give the step sizes.
    width, layers, state, rank
        Channels of the stream and of the scan, blocks, numbers of a channel's state, rank of the step sizes' map.
    chunk
        Of the scan.
    """

    inputs: int
    outputs: int
    width: int
    layers: int
    state: int
    rank: int
    chunk: int
    embedding: Literal["tokens", "vectors"] = "tokens"
    pooled: bool = False
    sorts: bool = False

    def init_parameters(self, runs: int, generator: torch.Generator, device: str = "cpu") -> Parameters:
        """Draw the weights of `runs` networks, runs first, layers second; A, dt and D as Mamba's, 0 skip biases.

        The draws know nothing of signs and orders: all variants of a run start alike.
        """
        d, n, r, blocks = self.width, self.state, self.rank, self.layers

        def uniform(*shape: int) -> torch.Tensor:
            return (torch.rand(runs, *shape, generator=generator) * 2 - 1) * shape[-2] ** -0.5

        lead = (self.inputs,) if self.embedding == "vectors" else None
        found = {
            "embed": uniform(*lead, d) if lead else torch.randn(runs, self.inputs, d, generator=generator),
            "in": uniform(blocks, d, 2 * d),
            "conv": (torch.rand(runs, blocks, KERNEL, 1, d, generator=generator) * 2 - 1) * KERNEL**-0.5,
            "q": uniform(blocks, d, n),
            "low": uniform(blocks, d, r),
            "high": uniform(blocks, r, d),
            "out": uniform(blocks, d, d),
            "head": uniform(d, self.outputs),
        }
        if self.sorts:
            found["order"] = torch.randn(runs, r, 1, generator=generator)
        step = torch.exp(torch.rand(runs, blocks, 1, d, generator=generator) * np.log(100) + np.log(1e-3))
        found |= {
            "step_bias": step + torch.log(-torch.expm1(-step)),  # softplus gives the step
            "log_a": torch.log(torch.arange(1.0, n + 1))[:, None].expand(runs, blocks, n, d).clone(),
            "skip": torch.ones(runs, blocks, 1, d),
            "diagonal": torch.zeros(runs, blocks, 1, n),
            "gain": torch.ones(runs, blocks + 1, 1, d),
            "head_bias": torch.zeros(runs, 1, self.outputs),
        }
        return {name: value.to(device).requires_grad_() for name, value in found.items()}

    def __call__(
        self, weights: Parameters, x: torch.Tensor, signs: torch.Tensor, order: list[str] | None = None
    ) -> torch.Tensor:
        """Return the logits.

        Parameters
        ----------
        weights
            As from `init_parameters`.
        x : Tensor
            Symbols (runs, batch, L), or vectors (runs, batch, L, inputs).
        signs : Tensor, shape (runs, state)
            Of the diagonal Lambda: S_C = Q and S_B = Lambda Q.
        order
            For each run: "plain", "reordered" (by a learnt score, in the first block) or "random" (one for all images).

        Returns
        -------
        Tensor, shape (runs, batch, L, outputs), or (runs, batch, outputs) if pooled
        """
        runs, batch, length = x.shape[:3]
        if self.embedding == "vectors":
            h = torch.bmm(x.flatten(1, 2), weights["embed"])
        else:
            h = weights["embed"].gather(1, x.flatten(1)[..., None].expand(-1, -1, self.width))
        layers = [{name: weights[name][:, i] for name in BLOCK} for i in range(self.layers)]
        for i, layer in enumerate(layers):
            inner = rms_norm(h, (self.width,)) * layer["gain"]
            u, gate = torch.bmm(inner, layer["in"]).view(runs, batch, length, -1).chunk(2, -1)
            u = silu(convolved(layer["conv"], u))
            if i == 0 and order is not None:  # and put back after the scan, so that nothing else is paired anew
                sort = orders(weights, layer, u, order)
                y = torch.matmul(sort.mT, self.core(layer, torch.matmul(sort, u), signs))
            else:
                y = self.core(layer, u, signs)
            y = y * silu(gate)
            h = torch.baddbmm(h, y.flatten(1, 2), layer["out"])
        h = rms_norm(h, (self.width,)) * weights["gain"][:, -1]
        h = h.view(runs, batch, length, -1)
        h = h.mean(2) if self.pooled else h.flatten(1, 2)
        logits = torch.baddbmm(weights["head_bias"], h, weights["head"])
        return logits if self.pooled else logits.view(runs, batch, length, -1)

    def core(self, layer: Parameters, u: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
        """The selective scan of u and its skip, shape (runs, batch, L, channels)."""
        runs, batch, length, d = u.shape
        flat = u.flatten(1, 2)
        c = torch.bmm(flat, layer["q"])
        b = c * (softplus(layer["diagonal"]) + LEAST) * signs[:, None]
        step = softplus(torch.baddbmm(layer["step_bias"], torch.bmm(flat, layer["low"]), layer["high"]))
        decay = torch.exp(step[:, :, None] * -layer["log_a"].exp()[:, None])
        inputs = (step * flat)[:, :, None] * b[..., None]
        shape = (runs, batch, length, self.state, d)
        states = scan(decay.view(shape), inputs.view(shape), self.chunk)
        y = (states * c.view(*shape[:-1], 1)).sum(-2)
        return y + layer["skip"][:, None] * u


BLOCK = ("in", "conv", "q", "low", "high", "out", "step_bias", "log_a", "skip", "diagonal", "gain")


def convolved(kernel: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Causal depthwise convolution: u (runs, batch, L, channels), kernel (runs, taps, 1, channels), last tap now."""
    length, taps = u.shape[2], kernel.shape[1]
    before = pad(u, (0, 0, taps - 1, 0))
    out = before[:, :, :length] * kernel[:, 0, None]
    for i in range(1, taps):
        out = torch.addcmul(out, before[:, :, i : i + length], kernel[:, i, None])
    return out


def orders(weights: Parameters, layer: Parameters, u: torch.Tensor, order: list[str]) -> torch.Tensor:
    """Matrices that put the tokens into each run's order, shape (runs, batch, L, L)."""
    runs, batch, length, _ = u.shape
    score = torch.bmm(torch.bmm(u.flatten(1, 2), layer["low"]), weights["order"]).view(runs, batch, length)
    sort, stay = soft_sort(score), torch.eye(length, device=u.device)
    mixed = stay[np.random.default_rng(0).permutation(length)]
    fixed = torch.stack([mixed if name == "random" else stay for name in order])[:, None]
    learnt = torch.tensor([name == "reordered" for name in order], device=u.device)
    return torch.where(learnt[:, None, None, None], sort, fixed)
