"""The students' training, and what is read from CHGNet's results."""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from pesin.params import Model


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
    lr: NonNegativeFloat
    """0 (null): nothing is learnt."""
    weights: dict[Literal["energy", "force", "moment"], NonNegativeFloat]
    """Of the parts of the loss (eV per atom, eV/Å, mu_B); moment counts for the nets with a moment head alone."""
    moments: Literal["true", "shuffled"]
    """shuffled (control): the moments are dealt out anew among all sites of an element, over all frames."""


class Entropy(Model):
    moments: Literal["true", "shuffled", "constant"]
    """shuffled (control): oxides, and compositions of LixMnO2, exchange their moments. constant (null): all metals have
    the same."""
    energies: Literal["true", "linear"]
    """linear (null): energies of LixFePO4 are linear in x, so that no cell forms or falls apart."""
    electrons: bool
    """Whether the electrons' disorder counts in the free energy (false: control)."""
    literature_interaction: PositiveFloat
    """W of LiFePO4 in eV per formula unit that gives the measured temperature of mixing, for the figure."""
    bindings: list[NonNegativeFloat]
    """Binding energies of lithium and electron, eV, for the quasi-chemical entropy."""


class Forecast(Model):
    net: Literal["trained", "permuted", "constant"]
    """permuted (control): energies, or the forces beside true energies, come from nets with shuffled weights. constant
    (null): an energy that doesn't depend on where the atoms are."""
    path: Literal["empty", "occupied", "resting"]
    """occupied (control): the hop's goal isn't empty. resting (null): the ion stays where it is."""
    ridge: PositiveFloat
    """Of the linear probe."""


class Params(Model):
    train: Train
    entropy: Entropy
    forecast: Forecast
