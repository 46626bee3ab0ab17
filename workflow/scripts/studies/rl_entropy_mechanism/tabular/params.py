"""Types of the parameters of the identity dH = -Cov(log pi, dz) on tables of logits."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from pesin.params import Model


class Simulate(Model):
    """Seen by all steps."""

    policies: PositiveInt
    actions: Annotated[int, Field(ge=2)]


class Entropy(Model):
    """Seen by the entropy step."""

    rates: Annotated[list[PositiveFloat], Field(min_length=3)]
    """Learning rates eta."""
    shuffle_actions: bool
    """Control: the logit change is assigned to the wrong actions in the covariance."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    entropy: Entropy
