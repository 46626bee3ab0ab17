"""Parameters of the check of annotations."""

from __future__ import annotations

from typing import Literal

from pesin.params import Model


class Entropy(Model):
    source: Literal["recomputed", "stored", "zero"]
    """Whose spectra are held against the divergence of the equations: ours, those stored in dysts, or zeros."""


class Params(Model):
    entropy: Entropy
