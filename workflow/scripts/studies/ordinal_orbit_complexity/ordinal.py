"""Types of the parameters that every case shares: how a series is turned into (H, C)."""

from typing import Annotated

from pydantic import Field, PositiveFloat

from pesin.params import Model

Rising = Annotated[list[PositiveFloat], Field(min_length=1)]


class Ordinal(Model):
    """How the rule was trained, and so how all series are measured. Seen by the train step and those after it."""

    order: Annotated[int, Field(ge=3, le=6)]
    """Samples in an ordinal pattern, n."""
    ratio: PositiveFloat
    """Pattern time over natural period, t_pat / t_nat, the same for every continuous system."""
