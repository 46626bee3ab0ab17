"""A verifiable reasoning task: read digits one by one and write their running sum modulo m after each of them.

A prompt is a row of L digits, an answer a row of L digits, and the reward looks at the last digit of the answer alone.
A Markov policy sees position, digit and its own previous token, so its exact law needs no sampling.
"""

from __future__ import annotations

import numpy as np


def draw_prompts(count: int, digits: int, modulus: int, rng: np.random.Generator) -> np.ndarray:
    """Draw different prompts.

    Parameters
    ----------
    count, digits, modulus
        Number of prompts, digits in each, and number of digit symbols.
    rng
        Source of randomness.

    Returns
    -------
    ndarray of int, shape (count, digits)

    Raises
    ------
    ValueError
        If there are fewer than `count` different prompts.
    """
    if count > modulus**digits:
        raise ValueError(f"there are only {modulus**digits} different prompts, {count} are asked for")
    codes = rng.choice(modulus**digits, size=count, replace=False)
    return codes[:, None] // modulus ** np.arange(digits)[::-1] % modulus


def running_sums(prompts: np.ndarray, modulus: int) -> np.ndarray:
    """Return the right answer, shape (..., digits): the sums of the digits so far, modulo `modulus`."""
    return np.cumsum(prompts, axis=-1) % modulus


def noisy_sums(prompts: np.ndarray, modulus: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Write answers as a careless reasoner does: errors are made at random and carried on.

    Parameters
    ----------
    prompts : ndarray of int, shape (..., digits)
    noise
        Probability that a step's token is replaced by a uniformly drawn digit (which may be right by chance).

    Returns
    -------
    ndarray of int, shape (..., digits)
    """
    error = np.where(rng.random(prompts.shape) < noise, rng.integers(modulus, size=prompts.shape), 0)
    return running_sums(prompts + error, modulus)


def noisy_success(noise: float, digits: int, modulus: int) -> float:
    """Return the exact share of right last tokens of `noisy_sums`: (1-noise)^L + (1 - (1-noise)^L)/m."""
    clean = (1 - noise) ** digits
    return clean + (1 - clean) / modulus


def noisy_entropy(noise: float, modulus: int) -> float:
    """Return the exact entropy of one step of `noisy_sums`, nats."""
    right, wrong = 1 - noise + noise / modulus, noise / modulus
    return float(-right * np.log(right) - (modulus - 1) * wrong * np.log(wrong)) if noise else 0.0


def is_right(prompts: np.ndarray, answers: np.ndarray, modulus: int) -> np.ndarray:
    """Verify: True where the last token is the sum of the digits. Shapes (..., digits) -> (...)."""
    return answers[..., -1] == prompts.sum(-1) % modulus


def markov_law(probabilities: np.ndarray, prompts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where a Markov policy goes on given prompts, exactly.

    Parameters
    ----------
    probabilities : ndarray, shape (runs, digits, modulus, modulus, modulus)
        pi(token | position, digit, previous token); the previous token of position 0 counts as 0.
    prompts : ndarray of int, shape (prompts, digits)

    Returns
    -------
    occupation : ndarray, shape (runs, prompts, digits, modulus)
        Probability of each previous token before each position.
    last : ndarray, shape (runs, prompts, modulus)
        Probability of each last token.
    """
    runs, digits, modulus = probabilities.shape[:3]
    occupation = np.zeros((runs, len(prompts), digits, modulus), probabilities.dtype)
    state = np.zeros((runs, len(prompts), modulus), probabilities.dtype)
    state[..., 0] = 1
    for position in range(digits):
        occupation[:, :, position] = state
        state = np.empty_like(state)
        for digit in range(modulus):  # prompts that read the same digit share one transition matrix
            rows = np.flatnonzero(prompts[:, position] == digit)
            state[:, rows] = occupation[:, rows, position] @ probabilities[:, position, digit]
    return occupation, state


def per_prompt(values: np.ndarray, occupation: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    """Average a function of (position, digit, previous token) over a policy's own tokens, prompt by prompt.

    Parameters
    ----------
    values : ndarray, shape (runs, digits, modulus, modulus)
        For instance the entropy of the policy in each state.
    occupation : ndarray, shape (runs, prompts, digits, modulus)
        From `markov_law`.
    prompts : ndarray of int, shape (prompts, digits)

    Returns
    -------
    ndarray, shape (runs, prompts)
        Mean over the positions.
    """
    digits = prompts.shape[1]
    total = np.zeros(occupation.shape[:2], values.dtype)
    for position in range(digits):
        total += np.einsum("rps,rps->rp", occupation[:, :, position], values[:, position, prompts[:, position]])
    return total / digits


def markov_greedy(probabilities: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    """Return the answers of the most probable tokens, shape (runs, prompts, digits). Arguments as in `markov_law`."""
    best = probabilities.argmax(-1)
    runs = np.arange(len(best))[:, None]
    token, answers = np.zeros((len(best), len(prompts)), int), []
    for position in range(prompts.shape[1]):
        token = best[runs, position, prompts[:, position], token]
        answers.append(token)
    return np.stack(answers, -1)
