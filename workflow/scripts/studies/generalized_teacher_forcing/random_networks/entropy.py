"""Products of the Jacobians of random networks under forcing, beside their Lyapunov exponents."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.integrate.lyapunov import lyapunov_spectrum, map_orbit_jacobians
from pesin.models import shplrnn
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.generalized_teacher_forcing.random_networks.params import Params


@torch.no_grad()
def entropy(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Norm of the product of forced Jacobians over T steps (Hess et al. 2023, sect. 3.2), and lambda_1.

    Forcing multiplies each Jacobian by 1 - alpha, so the norm is (1 - alpha)^T times that of the free product.
    """
    p = case.params.entropy
    weights = _random_weights(data)
    start = torch.as_tensor(data.z0.values)[:, None]
    state = shplrnn.free_run(weights, start, p.transient + 1)[:, :, -1]
    longest = max(p.lengths)
    orbit = shplrnn.free_run(weights, state, longest + p.exponent_steps)[:, 0]
    jacobians = shplrnn.jacobian(weights, orbit[:, :longest])
    sigma_max = torch.linalg.matrix_norm(jacobians, ord=2).amax(1)
    critical = (1 - 1 / sigma_max).clamp_min(0).numpy()
    lengths = np.array(p.lengths)
    free = _log_product_norms(jacobians, lengths)
    alpha = p.strength * np.asarray(p.fractions) * critical[:, None]
    log_norm = free[:, None] + lengths * np.log1p(-alpha)[..., None]

    def jacobian(states):
        return shplrnn.jacobian(weights, torch.as_tensor(states)).numpy()

    # On a later stretch of the orbit: not the Jacobians whose product is judged.
    exponents = lyapunov_spectrum(map_orbit_jacobians(jacobian, orbit[:, longest:].numpy()))
    slope = np.polyfit(lengths, free.T, 1)[0]
    return xr.Dataset(
        {
            "log_norm": labelled(
                ("network", "fraction", "steps"), log_norm, "log norm of the product of Jacobians", "nat"
            ),
            "alpha": labelled(("network", "fraction"), alpha, "forcing"),
            "critical_alpha": labelled("network", critical, "critical forcing, 1 - 1/sigma_max"),
            "sigma_max": labelled("network", sigma_max.numpy(), "largest singular value of the visited Jacobians"),
            "lyapunov_exponent": labelled("network", exponents[:, 0], "largest Lyapunov exponent", "nat/step"),
            "growth_over_exponent": labelled(
                "network", slope / exponents[:, 0], "fitted growth of the free log norm over the Lyapunov exponent"
            ),
        },
        {"network": data.network, "fraction": list(p.fractions), "steps": lengths},
    )


def _random_weights(data) -> shplrnn.Weights:
    w = {name: torch.as_tensor(data[name].values) for name in shplrnn.Weights._fields}
    return shplrnn.Weights(**{name: v if v.dim() == 3 else v[:, None] for name, v in w.items()})


def _log_product_norms(jacobians, lengths) -> np.ndarray:
    """ln ||J_T ... J_1|| for each T, shape (networks, lengths); rescaled at each step, so that nothing overflows."""
    product, log_scale, result = torch.eye(jacobians.shape[-1], dtype=jacobians.dtype), 0.0, {}
    for t in range(max(lengths)):
        product = jacobians[:, t] @ product
        size = torch.linalg.matrix_norm(product, ord="fro")
        product, log_scale = product / size[:, None, None], log_scale + size.log()
        if t + 1 in lengths:
            result[t + 1] = log_scale + torch.linalg.matrix_norm(product, ord=2).log()
    return torch.stack([result[length] for length in lengths], 1).numpy()
