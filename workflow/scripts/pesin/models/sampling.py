"""Draws tokens from an autoregressive model with a runs axis, and says how likely sequences are."""

from __future__ import annotations

from collections.abc import Callable

import torch

Logits = Callable[[torch.Tensor], torch.Tensor]
"""Tokens (runs, batch, length) -> logits of the next token at each position (runs, batch, length, symbols)."""


def adjusted(
    logits: torch.Tensor, temperature: float = 1.0, top_p: float = 1.0, allowed: torch.Tensor | None = None
) -> torch.Tensor:
    """Log-probabilities of the next token under temperature and nucleus sampling.

    Parameters
    ----------
    logits : Tensor, shape (..., symbols)
    temperature
        Divides the logits; above 0.
    top_p
        Keep the fewest most likely tokens whose probability reaches this share, at least one, and normalise them
        (Holtzman et al. 2020, arXiv 1904.09751).
    allowed : bool Tensor, shape (symbols,)
        Tokens that may come; before `top_p`.

    Returns
    -------
    Tensor, shape (..., symbols)
        -inf for what can't come.

    Raises
    ------
    ValueError
        If the temperature is not above 0, top_p not in (0, 1], or nothing is allowed.
    """
    if temperature <= 0 or not 0 < top_p <= 1:
        raise ValueError(f"temperature must be above 0 and top_p in (0, 1], they are {temperature} and {top_p}")
    if allowed is not None:
        if not allowed.any():
            raise ValueError("allowed: at least one token must be")
        logits = logits.masked_fill(~allowed, -torch.inf)
    found = (logits / temperature).log_softmax(-1)
    if top_p == 1:
        return found
    ordered, places = found.sort(-1, descending=True)
    before = ordered.exp().cumsum(-1) - ordered.exp()
    outside = torch.zeros_like(before, dtype=torch.bool).scatter(-1, places, before >= top_p)
    return found.masked_fill(outside, -torch.inf).log_softmax(-1)


def draw(log_probs: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Tokens by the inverse of the cumulative distribution: models that get the same numbers are paired.

    Parameters
    ----------
    log_probs : Tensor, shape (..., symbols)
    uniform : Tensor, shape (...)
        In [0, 1).

    Returns
    -------
    int64 Tensor, shape (...)
        Never a token of probability 0.
    """
    cumulative = log_probs.double().exp().cumsum(-1)
    passed = cumulative <= uniform.double()[..., None] * cumulative[..., -1:]
    return passed.sum(-1).clamp(max=log_probs.shape[-1] - 1)


@torch.no_grad()
def ancestral(
    model: Logits,
    prompt: torch.Tensor,
    uniform: torch.Tensor,
    temperature: float = 1.0,
    top_p: float = 1.0,
    allowed: torch.Tensor | None = None,
) -> torch.Tensor:
    """Continue prompts token by token.

    Parameters
    ----------
    model
        Weights, and a steering vector if there is one, bound in.
    prompt : int64 Tensor, shape (runs, batch, length)
        Length 1 or more.
    uniform : Tensor, shape (runs, batch, steps)
        In [0, 1), one for each new token.
    temperature, top_p, allowed
        As in `adjusted`, for each token alike.

    Returns
    -------
    int64 Tensor, shape (runs, batch, length + steps)
    """
    for one in uniform.unbind(-1):
        token = draw(adjusted(model(prompt)[..., -1, :], temperature, top_p, allowed), one)
        prompt = torch.cat([prompt, token[..., None]], -1)
    return prompt


def sequence_log_prob(model: Logits, tokens: torch.Tensor, start: int = 1) -> torch.Tensor:
    """Log-probability of tokens[start:] given those before, nat: (runs, batch, length) -> (runs, batch)."""
    if not 0 < start < tokens.shape[-1]:
        raise ValueError(f"start must lie between 1 and the length {tokens.shape[-1]} - 1, it is {start}")
    found = model(tokens[..., :-1]).log_softmax(-1).gather(-1, tokens[..., 1:, None])[..., 0]
    return found[..., start - 1 :].sum(-1)
