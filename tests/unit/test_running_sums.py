"""The verifiable task: its exact success and entropy, and the exact law of a Markov policy against simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pesin.entropy.policy import categorical_entropy
from pesin.systems.running_sums import (
    draw_prompts,
    is_right,
    markov_greedy,
    markov_law,
    noisy_entropy,
    noisy_success,
    noisy_sums,
    per_prompt,
    running_sums,
)


def careless(digits, modulus, noise):
    """Exact transition table of `noisy_sums`."""
    table = np.full((1, digits, modulus, modulus, modulus), noise / modulus)
    for digit in range(modulus):
        for previous in range(modulus):
            table[:, :, digit, previous, (previous + digit) % modulus] += 1 - noise
    return table


def test_running_sums_of_a_known_prompt():
    assert running_sums(np.array([3, 9, 0, 8]), 10).tolist() == [3, 2, 2, 0]


@settings(max_examples=25, deadline=None)
@given(digits=st.integers(1, 5), modulus=st.integers(2, 10), seed=st.integers(0, 1000))
def test_prompts_differ_and_noiseless_answers_are_right(digits, modulus, seed):
    rng = np.random.default_rng(seed)
    count = min(50, modulus**digits)
    prompts = draw_prompts(count, digits, modulus, rng)
    assert prompts.shape == (count, digits) and prompts.min() >= 0 and prompts.max() < modulus
    assert len(np.unique(prompts, axis=0)) == count
    assert is_right(prompts, noisy_sums(prompts, modulus, 0.0, rng), modulus).all()


def test_too_many_prompts_are_refused():
    with pytest.raises(ValueError, match="only 8 different"):
        draw_prompts(9, 3, 2, np.random.default_rng(0))


def test_success_of_the_careless_reasoner():
    assert noisy_success(0.3, 4, 10) == pytest.approx(0.7**4 + (1 - 0.7**4) / 10)
    rng = np.random.default_rng(1)
    prompts = rng.integers(10, size=(100_000, 4))
    share = is_right(prompts, noisy_sums(prompts, 10, 0.3, rng), 10).mean()
    assert share == pytest.approx(noisy_success(0.3, 4, 10), abs=4 * np.sqrt(0.22 / 1e5))


def test_exact_law_of_the_careless_policy():
    table = careless(4, 10, 0.3)
    prompts = draw_prompts(60, 4, 10, np.random.default_rng(2))
    occupation, last = markov_law(table, prompts)
    assert np.allclose(occupation.sum(-1), 1) and np.allclose(last.sum(-1), 1)
    assert np.allclose(last[0, np.arange(60), prompts.sum(1) % 10], noisy_success(0.3, 4, 10))
    entropy = per_prompt(categorical_entropy(np.log(table)), occupation, prompts)
    assert np.allclose(entropy, noisy_entropy(0.3, 10))
    assert noisy_entropy(0.3, 10) == pytest.approx(-0.73 * np.log(0.73) - 0.27 * np.log(0.03))
    assert is_right(prompts, markov_greedy(table, prompts), 10).all()


def test_exact_law_agrees_with_sampling():
    rng = np.random.default_rng(3)
    table = rng.dirichlet(np.full(5, 0.4), size=(2, 3, 5, 5))
    prompts = draw_prompts(7, 3, 5, rng)
    occupation, last = markov_law(table, prompts)
    logs = np.log(np.maximum(table, 1e-300))
    entropy = per_prompt(categorical_entropy(logs), occupation, prompts)
    for run in range(2):
        for i, prompt in enumerate(prompts):
            token, total = np.zeros(20_000, int), 0.0
            for place, digit in enumerate(prompt):
                rows = table[run, place, digit, token]
                total += categorical_entropy(logs[run, place, digit])[token].mean() / 3
                token = (rng.random((20_000, 1)) > rows.cumsum(1)[:, :-1]).sum(1)
            assert np.allclose(np.bincount(token, minlength=5) / 20_000, last[run, i], atol=0.02)
            assert total == pytest.approx(entropy[run, i], abs=0.02)
