"""How a case says which systems it takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from pesin.params import Model


class Stratified(Model):
    """A fixed sample of the flows, from weakly to strongly chaotic (see `pesin.systems.zoo.stratified`)."""

    every: PositiveInt
    keep: list[str] = []
    leave_out: list[str] = []
    dims: list[PositiveInt] | None = None


Systems = Literal["all", "flows"] | Stratified | Annotated[list[str], Field(min_length=1)]
"""all: flows, delay systems and maps; flows; a sample; or names."""

Direction = Literal["forward", "backward", "still"]
"""backward: every flow with its sign turned, so that attractors repel; still: nothing moves."""
