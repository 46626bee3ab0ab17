"""Parameters of the comparison of all measures with each other and with the truth."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from pesin.params import Model


class Compared(Model):
    kinds: list[Literal["flow", "delay", "map"]]
    """Systems that are judged: those on one clock."""
    long: Literal["long", "shuffled"]
    """The condition that stands for the clean series."""
    noisy: Literal["noisy", "long"]
    """The condition that stands for the noisy one."""
    dealt: bool
    """Whether each measure's values are dealt to other systems."""
    sections: Literal["catalogue", "dealt"]
    """Whether measures keep their section of the catalogue."""
    neighbours: PositiveInt
    """Systems nearest in a measure, whose valid times are averaged to foretell another's."""
    groups: Annotated[int, Field(ge=3)]
    """Disjoint groups of systems, in each of which the agreement within and between sections is taken."""
    clusters: PositiveInt
    """Clusters that the dendrogram is cut into."""


class Params(Model):
    entropy: Compared
