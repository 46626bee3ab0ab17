"""Parameters of the metrics and of the information along the lead."""

from __future__ import annotations

from pydantic import PositiveInt

from pesin.params import Model


class Entropy(Model):
    lead: PositiveInt
    """Points of the forecast that the metrics are taken over."""
    information_models: list[str]
    """Models whose mutual information with the truth is followed along the lead, period by period."""


class Params(Model):
    entropy: Entropy
