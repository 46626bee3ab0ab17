"""State of a PyTorch optimiser as plain arrays, for checkpoints."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch


def optimiser_arrays(optimiser: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    """`optimiser/<parameter>/<name>` for every tensor it keeps, and `optimiser/lr`, one rate for each group."""
    saved = optimiser.state_dict()
    arrays = {
        f"optimiser.{index}.{name}": torch.as_tensor(value).detach().cpu().numpy()
        for index, values in saved["state"].items()
        for name, value in values.items()
    }
    return arrays | {"optimiser.lr": np.array([group["lr"] for group in saved["param_groups"]])}


def restore_optimiser(optimiser: torch.optim.Optimizer, arrays: Mapping[str, np.ndarray]) -> None:
    """Set what `optimiser_arrays` gave, on a fresh optimiser of the same parameters; other arrays are passed over."""
    saved = optimiser.state_dict()
    for name, value in arrays.items():
        if name == "optimiser.lr":
            for group, rate in zip(saved["param_groups"], value, strict=True):
                group["lr"] = float(rate)
        elif name.startswith("optimiser."):
            _, index, key = name.split(".")
            saved["state"].setdefault(int(index), {})[key] = torch.as_tensor(value)
    optimiser.load_state_dict(saved)
