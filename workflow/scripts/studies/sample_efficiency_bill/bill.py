"""What an arm costs, counted: multiplications of its networks and polynomials, from their sizes.

A network's pass takes as many as it has weights, its backward pass twice that; biases, activations and optimisers are
left out, as are fits of polynomials but for their normal equations.
"""

from __future__ import annotations

from itertools import pairwise
from math import comb

from studies.sample_efficiency_bill.params import Params

OBSERVATIONS, ACTIONS = 3, 1
GIVEN = OBSERVATIONS + ACTIONS
TRAINED = 3
"""Passes that an update takes: forward, and backward by weights and by inputs."""


def weights(sizes: list[int]) -> int:
    """Weights of a perceptron of these widths, without biases."""
    return sum(a * b for a, b in pairwise(sizes))


def numbers(sizes: list[int]) -> int:
    """All its parameters."""
    return weights(sizes) + sum(sizes[1:])


class Sizes:
    """Multiplications and parameters of all parts; one model and one agent of each."""

    def __init__(self, p: Params) -> None:
        how = p.train
        self.p = p
        self.actor = [OBSERVATIONS, *how.learning.hidden, 2 * ACTIONS]
        self.critic = [GIVEN, *how.learning.hidden, 1]
        self.member = [GIVEN, *how.ensemble.hidden, 2 * OBSERVATIONS]
        self.discriminator = [GIVEN + OBSERVATIONS, *how.filter.hidden, 1]
        self.maker = [GIVEN, *how.filter.hidden, 2 * OBSERVATIONS]
        self.made = [GIVEN, *how.hyper.hidden, OBSERVATIONS]
        self.hyper = [how.hyper.embedding, *how.hyper.generator, numbers(self.made)]
        self.terms = comb(GIVEN + how.sparse.degree, how.sparse.degree)

    def update(self) -> int:
        """Of one update of soft actor-critic: targets, two critics, and the actor through both of them."""
        a, c = weights(self.actor), weights(self.critic)
        target, critics, actor = a + 2 * c, 2 * TRAINED * c, TRAINED * a + 2 * 2 * c
        return self.p.train.learning.batch * (target + critics + actor)

    def agent(self, step: int, move: int = 0) -> int:
        """Of an agent after so many steps in a world whose step takes `move`."""
        return step * (weights(self.actor) + move) + max(step - self.p.train.learning.warmup, 0) * self.update()

    def move(self, arm: str) -> int:
        """Of one step in a learned world."""
        how = self.p.train
        offered = how.ensemble.members * how.ensemble.samples
        return {
            "sac": 0,
            "sparse": self.terms * (1 + OBSERVATIONS),
            "filtered": how.ensemble.members * weights(self.member)
            + offered * len(how.filter.moments) * weights(self.discriminator),
            "hyper": weights(self.made),
        }[arm]

    def fit(self, arm: str, budget: int) -> int:
        """Of the model's own training."""
        how = self.p.train
        passes = how.filter.batch * TRAINED
        return {
            "sac": 0,
            "sparse": how.sparse.members * budget * self.terms**2,
            "filtered": how.ensemble.updates
            * how.ensemble.members
            * how.ensemble.batch
            * TRAINED
            * weights(self.member)
            + how.filter.updates * passes * (2 * weights(self.discriminator) + weights(self.maker)),
            "hyper": how.hyper.iterations * TRAINED * (how.hyper.batch * weights(self.made) + weights(self.hyper)),
        }[arm]

    def foreseen(self) -> int:
        """Steps that a planner foresees in an episode."""
        p = self.p.simulate
        return p.horizon * p.planner.particles * p.planner.iterations * p.planner.horizon

    def parameters(self, arm: str) -> int:
        """Of the model alone; sac has none."""
        how = self.p.train
        return {
            "sac": 0,
            "sparse": self.terms * OBSERVATIONS,
            "filtered": how.ensemble.members * numbers(self.member)
            + len(how.filter.moments) * numbers(self.discriminator),
            "hyper": numbers(self.hyper) + how.hyper.embedding,
        }[arm]

    def policy(self) -> int:
        """Of the actor."""
        return numbers(self.actor)
