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
    train: Train
    entropy: Entropy
    forecast: Forecast
