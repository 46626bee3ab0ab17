"""The unit of the study's entropies."""

from math import log

BIT = log(2)
"""A bit in nats: the library gives nats, this study bits."""
