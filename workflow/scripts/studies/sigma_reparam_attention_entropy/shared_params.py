"""Types of the parameters that the transformers of both trainings share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat

from pesin.params import Model, MultiHead, Name


class Variant(Model):
    """One way to keep a transformer stable, or none."""

    norm: Literal["pre", "post", "none"] = "none"
    reparametrisation: Literal["none", "sigma_reparam", "spectral_norm", "weight_norm"] = "none"
    """Of all matrices: attention, mlp, patch embedding and head."""
    gamma_init: Literal["spectral", "one"] = "spectral"
    """sigmaReparam's gamma starts at the spectral norm (the released code) or at 1 (the paper's text)."""
    qk_norm: bool = False
    score_scale: NonNegativeFloat = 1.0
    """Factor of the attention scores: an inverse temperature. 0: attention is off, every row uniform."""


class Network(MultiHead):
    """What all variants of a transformer have in common."""

    init: PositiveFloat | None
    """Standard deviation of the initial matrices."""
    embedding_std: PositiveFloat
    """Of symbols or patches, and positions."""
    variants: dict[Name, Variant]


def check_known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise ValueError for the first name that isn't known."""
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: '{name}' is none of {', '.join(known)}")
