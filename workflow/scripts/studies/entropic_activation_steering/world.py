"""The bandit, its demonstrators, and how an episode is written in tokens: (thought, action, reward) after a start."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import entr, ndtr, softmax

from studies.entropic_activation_steering.params import World

THOUGHTS, ARMS, BINS = ("sure", "leaning", "unsure"), 2, 8
START, THOUGHT, ACTION, REWARD = 0, 1, 4, 6
"""First token of each kind."""
VOCABULARY = REWARD + BINS
EDGES = np.linspace(-2.5, 2.5, BINS + 1)[1:-1]
LEANING, UNSURE = 0.45, 0.85
"""Action entropies in bits above which the demonstrator writes so."""


class Episodes(NamedTuple):
    """Episodes in tokens (episodes, 1 + 3 steps), and what made them."""

    tokens: np.ndarray
    means: np.ndarray
    """(episodes, arms)."""
    own: np.ndarray
    """Action entropy of the demonstrator, bits, (episodes, steps)."""
    thompson: np.ndarray
    """Action entropy of Thompson sampling with the true prior on the same history, bits."""
    log_prob: np.ndarray
    """Of thoughts and actions under the demonstrator, nat, (episodes, steps, 2)."""


def binned(reward: np.ndarray) -> np.ndarray:
    """Token of a reward."""
    return REWARD + np.digitize(reward, EDGES)


def entropy_bits(p: np.ndarray) -> np.ndarray:
    """Entropy of (..., outcomes), bits, after they are normalised; 0 where no outcome has any probability."""
    return entr(shares(p)).sum(-1) / np.log(2)


def shares(p: np.ndarray) -> np.ndarray:
    """Probabilities (..., outcomes) normalised; 0 where all are."""
    whole = p.sum(-1, keepdims=True)
    return p / np.where(whole > 0, whole, 1)


def thompson(counts: np.ndarray, sums: np.ndarray, prior_sd: float, noise_sd: float) -> np.ndarray:
    """Action probabilities of Thompson sampling for two arms in closed form.

    Phi((m_1 - m_2) / sqrt(s_1^2 + s_2^2)) with the posteriors N(m, s^2), s^2 = 1 / (1 / prior^2 + n / noise^2).

    Parameters
    ----------
    counts, sums : ndarray, shape (..., 2)
        Pulls of each arm, and sums of its rewards.

    Returns
    -------
    ndarray, shape (..., 2)
    """
    variance = 1 / (prior_sd**-2 + counts / noise_sd**2)
    mean = variance * sums / noise_sd**2
    first = ndtr((mean[..., 0] - mean[..., 1]) / np.sqrt(variance.sum(-1)))
    return np.stack([first, 1 - first], -1)


def demonstrated(world: World, counts: np.ndarray, sums: np.ndarray, noise_sd: float) -> np.ndarray:
    """Action probabilities of the demonstrator; an arm that wasn't tried has mean 0. Shapes as in `thompson`."""
    if world.demonstrator == "thompson":
        return thompson(counts, sums, world.prior_sd, noise_sd)
    means = sums / np.maximum(counts, 1)
    if world.demonstrator == "softmax":
        return softmax(world.sharpness * means, axis=-1)
    best = (means == means.max(-1, keepdims=True)).astype(float)
    return world.epsilon / ARMS + (1 - world.epsilon) * best / best.sum(-1, keepdims=True)


def play(world: World, episodes: int, noise_sd: float, rng: np.random.Generator) -> Episodes:
    """Let the demonstrator play."""
    means = rng.normal(0, world.prior_sd, (episodes, ARMS))
    shape = (episodes, world.horizon)
    noise, uniform = rng.normal(0, noise_sd, shape), rng.random((3, *shape))
    random_thought = rng.integers(len(THOUGHTS), size=shape)
    counts, sums, row = np.zeros((episodes, ARMS)), np.zeros((episodes, ARMS)), np.arange(episodes)
    tokens = np.full((episodes, 1 + 3 * world.horizon), START, np.int8)
    own, calibrated, log_prob = np.empty(shape), np.empty(shape), np.empty((*shape, 2))
    for t in range(world.horizon):
        p = demonstrated(world, counts, sums, noise_sd)
        own[:, t] = entropy_bits(p)
        calibrated[:, t] = entropy_bits(thompson(counts, sums, world.prior_sd, noise_sd))
        fitting = (own[:, t] > LEANING).astype(int) + (own[:, t] > UNSURE)
        thought = np.where(uniform[0, :, t] < world.thought_flip, random_thought[:, t], fitting)
        action = (uniform[1, :, t] >= p[:, 0]).astype(int)
        reward = means[row, action] + noise[:, t]
        chance = world.thought_flip / len(THOUGHTS) + (1 - world.thought_flip) * (thought == fitting)
        log_prob[:, t] = np.log(np.stack([chance, p[row, action]], -1))
        tokens[:, 1 + 3 * t : 4 + 3 * t] = np.stack([THOUGHT + thought, ACTION + action, binned(reward)], -1)
        counts[row, action] += 1
        sums[row, action] += reward
    return Episodes(tokens, means, own, calibrated, log_prob)
