"""Parameters of the comparison of claimed and true coverage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, model_validator

from pesin.params import Model, Rising


class Forecast(Model):
    levels: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=2), Rising]
    """Claimed shares."""
    judged: Annotated[float, Field(gt=0, lt=1)]
    """Claimed share at which one factor is learned and intervals are scored."""
    most_cases: Annotated[int, Field(ge=10)]
    """Of a unit; where a source has more, they are taken at even distances."""
    law: Literal["own", "climatology"]
    """climatology: mean and deviation of the other units' truths, for all cases alike. Null."""
    deviations: Literal["own", "dealt"]
    """dealt: each case has the deviation of another one of its unit. Control."""
    widths: PositiveFloat
    """Deviations are so many times as large. Control and null: smaller."""
    claimed: Literal["plain", "mended"]
    """mended: the factor learned on other units is in the claim already. Control."""
    factor: Literal["own", "another", "none"]
    """Where the factor was learned: on other units of the source, or on the next source (control); none: it is 1."""
    cheaper: Literal["own", "same"]
    """same: what more data or more models say stands for what fewer say. Control."""


class Params(Model):
    forecast: Forecast

    @model_validator(mode="after")
    def judged_is_claimed(self) -> Params:
        if self.forecast.judged not in self.forecast.levels:
            raise ValueError(f"forecast.judged is {self.forecast.judged}, which is none of forecast.levels")
        return self
