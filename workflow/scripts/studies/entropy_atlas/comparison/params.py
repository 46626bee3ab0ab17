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
    values: Literal["measured", "dealt", "constant"]
    """dealt (control): values of each measure go to other systems. constant (null): each measure has one value for
    all systems."""
    sections: Literal["catalogue", "dealt"]
    """Whether measures keep their section of the catalogue."""
    neighbours: PositiveInt
    """Systems nearest in a measure, whose valid times are averaged to foretell another's."""
    folds: Annotated[int, Field(ge=2)]
    """Parts that the systems are split into; those of one are foretold from the others, by the measure chosen there."""
    splits: PositiveInt
    """Random splits, over which each system's errors are averaged."""
    groups: Annotated[int, Field(ge=3)]
    """Disjoint groups of systems, in each of which the agreement within and between sections is taken."""
    clusters: PositiveInt
    """Clusters that the dendrogram is cut into."""


class Params(Model):
    entropy: Compared
