"""Parameters of the check of annotations."""

from __future__ import annotations

from typing import Literal

from pesin.params import Model


class Entropy(Model):
    source: Literal["recomputed", "stored"]
    """Whose spectra are held against the divergence of the equations: ours, or those stored in dysts."""


class Params(Model):
    entropy: Entropy
