"""How much memory autograd holds: exact, and the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar("Result")


class _Held:
    """A tensor that a backward pass waits for."""

    def __init__(self, tensor: torch.Tensor, meter: dict[str, int]) -> None:
        self.tensor, self.meter, self.bytes = tensor, meter, tensor.numel() * tensor.element_size()
        meter["now"] += self.bytes
        meter["peak"] = max(meter["peak"], meter["now"])

    def __del__(self) -> None:
        self.meter["now"] -= self.bytes


def peak_bytes(run: Callable[[], Result]) -> tuple[Result, int]:
    """The result of a function, and the most bytes that tensors saved for backward passes held at once while it ran."""
    meter = {"now": 0, "peak": 0}
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: _Held(tensor, meter), lambda held: held.tensor):
        result = run()
    return result, meter["peak"]
