"""Types of the parameters: what CHGNet is asked to compute, the student's training, and what is read from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model
from studies.chgnet_charge_informed.crystals import COMPARED, CRYSTALS

Version = Literal["0.2.0", "0.3.0", "r2scan"]
Versions = Annotated[list[Version], Field(min_length=1)]
CrystalName = Literal[tuple(CRYSTALS)]  # type: ignore[valid-type]


class Relax(Model):
    """When a relaxation stops."""

    fmax: PositiveFloat
    """eV/Å."""
    steps: PositiveInt


class Surface(Model):
    """Whether forces and stress are derivatives of the energy, and the energy keeps its symmetries."""

    crystals: list[CrystalName]
    rattle: PositiveFloat
    """Standard deviation of the displacements from the crystal, Å."""
    step: PositiveFloat
    """Half width of the central difference, Å."""
    strain: PositiveFloat
    """The same for the strain."""


class EquationOfState(Model):
    crystal: Literal["mgo"]
    strain: PositiveFloat
    """Largest linear strain about the lattice constant of the table."""
    points: Annotated[int, Field(ge=5)]


class Manganate(Model):
    """LixMnO2, relaxed at each lithium content; the cell has two lithium atoms."""

    lithium: list[Literal[0, 1, 2]]
    relax: Relax


class Run(Model):
    """Trajectories of one kind."""

    lithium: Literal[0, 1, 2]
    temperature: PositiveFloat
    """K."""
    replicas: PositiveInt


class Dynamics(Model):
    """Langevin dynamics of LixMnO2 from the relaxed cells, with the first of the versions."""

    runs: list[Run]
    steps: PositiveInt
    every: PositiveInt
    """Steps between frames."""
    dt: PositiveFloat
    """fs."""
    friction: PositiveFloat
    """1/fs."""


class Hop(Model):
    """A Li ion moved into the neighbouring site of Li2O, the others relaxing: the site empty, or (control) occupied."""

    fractions: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=3)]
    """Places along the path; 0 first."""
    relax: Relax


class Garnet(Model):
    """Li3La3Te2O12 with extra lithium: mean square displacement of Li in dynamics at constant temperature."""

    extra_lithium: NonNegativeInt
    """Li atoms put on empty octahedral sites of the primitive cell of 80 atoms."""
    relax: Relax
    temperatures: Annotated[list[PositiveFloat], Field(min_length=3)]
    replicas: PositiveInt
    steps: Annotated[int, Field(ge=20)]
    every: PositiveInt
    dt: PositiveFloat
    friction: PositiveFloat


class HeldOut(Model):
    """Real frames of the paper's data set."""

    path: str
    """A JSON file in MPtrj's format; see `mptrj.py`."""
    frames: PositiveInt
    """At most so many, one for each compound first."""


class Olivine(Model):
    """LixFePO4 at all symmetry classes of one cell."""

    relax: Relax
    rattle: NonNegativeFloat
    """Standard deviation of random displacements where lithium is taken out, Å: a cell that keeps a mirror plane can't
    tell the valences of two Fe apart that it maps on each other."""


class Simulate(Model):
    """What CHGNet computes in this case; parts that are null are left out."""

    versions: Versions
    oxides: list[CrystalName] | None = None
    surface: Surface | None = None
    equation_of_state: EquationOfState | None = None
    manganate: Manganate | None = None
    dynamics: Dynamics | None = None
    hop: Hop | None = None
    olivine: Olivine | None = None
    garnet: Garnet | None = None
    held_out: HeldOut | None = None

    @model_validator(mode="after")
    def _fits(self):
        for where, names in (("oxides", self.oxides), ("manganate.lithium", self.manganate and self.manganate.lithium)):
            if names and len(set(names)) < len(names):
                raise ValueError(f"{where}: each once")
        if self.oxides and not set(COMPARED) <= set(self.oxides):
            raise ValueError(f"oxides: {', '.join(COMPARED)} are compared with each other, so all three are needed")
        if self.dynamics:
            relaxed = self.manganate.lithium if self.manganate else []
            if not {run.lithium for run in self.dynamics.runs} <= set(relaxed):
                raise ValueError("dynamics.runs: begin from the cells that manganate.lithium relaxes, and no others")
        return self


class Train(Model):
    """The student: a small message-passing net that learns CHGNet's energies, forces and moments of LixMnO2."""

    seeds: PositiveInt
    lithium: list[Literal[0, 1, 2]]
    """Lithium atoms in the cells it is trained on; all others are held out."""
    width: PositiveInt
    basis: PositiveInt
    layers: PositiveInt
    cutoff: PositiveFloat
    """Å."""
    steps: PositiveInt
    batch: PositiveInt
    lr: PositiveFloat
    weights: dict[Literal["energy", "force", "moment"], NonNegativeFloat]
    """Of the parts of the loss (eV per atom, eV/Å, mu_B); moment counts for the nets with a moment head alone."""
    moments: Literal["true", "shuffled"]
    """shuffled (control): the moments are dealt out anew among all sites of an element, over all frames."""


class Entropy(Model):
    moments: Literal["true", "shuffled"]
    """shuffled (control): oxides, and compositions of LixMnO2, exchange their moments."""
    electrons: bool
    """Whether the electrons' disorder counts in the free energy (false: control)."""
    literature_interaction: PositiveFloat
    """W of LiFePO4 in eV per formula unit that gives the measured temperature of mixing, for the figure."""
    bindings: list[NonNegativeFloat]
    """Binding energies of lithium and electron, eV, for the quasi-chemical entropy."""


class Forecast(Model):
    net: Literal["trained", "permuted"]
    """permuted (control): energies, or the forces beside true energies, come from nets with shuffled weights."""
    path: Literal["vacancy", "occupied"]
    """occupied (control): the hop's goal isn't empty."""
    ridge: PositiveFloat
    """Of the linear probe."""


class Params(Model):
    simulate: Simulate | None = None
    train: Train | None = None
    entropy: Entropy | None = None
    forecast: Forecast | None = None
