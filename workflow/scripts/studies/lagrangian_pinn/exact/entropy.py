"""Widths of the exact fields: singular values of snapshots on the fixed grid and along characteristics."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.kernel import effective_rank
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lagrangian_pinn.exact.params import Params
from studies.lagrangian_pinn.problems import modes_needed, snapshots


def entropy(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Modes needed, effective rank and singular values (problem, speed, frame), and modes of windows of the pulse."""
    problems = case.params.problems
    names = [str(name) for name in data["problem"].values]
    speeds = sorted({speed for row in problems.speeds.values() for speed in row})
    matrices = np.stack(
        [
            [[snapshots(problems, data["u_ref"].sel(problem=n).values, c), data["u_along"].sel(problem=n).values]
             for c in speeds]
            for n in names
        ]
    )  # fmt: skip
    needed = [[[modes_needed(m) for m in pair] for pair in row] for row in matrices]
    values = np.linalg.svd(matrices, compute_uv=False)
    pulse = matrices[names.index("pulse"), speeds.index(problems.window_speed), 0]
    in_window = [modes_needed(part) for part in np.array_split(pulse, problems.windows)]
    grid, shown = ("problem", "speed", "frame"), min(40, values.shape[-1])
    return xr.Dataset(
        {
            "n_modes": labelled(grid, needed, "modes that leave out 1e-4 of the energy"),
            "log_modes": labelled(grid, np.log(needed), "ln of the modes that leave out 1e-4 of the energy"),
            "effective_rank": labelled(grid, effective_rank(matrices).value, "effective rank, exp of the SVD entropy"),
            "singular_values": labelled(
                (*grid, "mode"), values[..., :shown] / values[..., :1], "singular value over the largest"
            ),
            "constant_error": labelled(
                "problem",
                [constant(data["u_ref"].sel(problem=n).values) for n in names],
                "relative L2 error of the best constant",
            ),
            "window_modes": labelled("window", in_window, "modes of the pulse in a window"),
            "whole_modes": labelled(
                "window", np.full(problems.windows, modes_needed(pulse)), "modes of the whole", may_be_constant=1
            ),
        },
        {
            "problem": names,
            "speed": speeds,
            "frame": ["eulerian", "lagrangian"],
            "mode": np.arange(1, shown + 1),
            "window": np.arange(problems.windows),
        },
    )


def constant(field: np.ndarray) -> float:
    """Relative L2 error of the constant that fits a field best: what a network that learnt nothing can reach."""
    return float(field.std() / np.sqrt((field**2).mean()))
