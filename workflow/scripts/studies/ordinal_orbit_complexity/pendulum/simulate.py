"""The double pendulum, with the Lyapunov exponents of its motions."""

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import natural_period
from pesin.integrate.ode import solve_together
from pesin.integrate.variational import follow_tangents
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.pendulum import bob_positions, double_pendulum, energy, linear_double_pendulum, linear_energy
from studies.ordinal_orbit_complexity.classes import LOST
from studies.ordinal_orbit_complexity.pendulum.params import Params
from studies.ordinal_orbit_complexity.tangents import energy_error, tangent_variables


def simulate(case: Case[Params]) -> xr.Dataset:
    """Three kinds of start, all at rest: pure normal modes, mixed small angles, large angles."""
    p, rng = case.params.simulate, case.rng("starts")
    pure = rng.uniform(0.1, 0.9, p.starts) * p.small_angle
    low, high = p.large_theta1
    sign = np.resize([1, -1], p.starts)
    angles = {
        "pure_mode": np.stack([pure, sign * np.sqrt(2) * pure], -1),
        "mixed_mode": rng.uniform(-p.small_angle, p.small_angle, (p.starts, 2)),
        "large": np.stack([rng.uniform(low, high, p.starts), np.full(p.starts, p.large_theta2)], -1),
    }
    flow, conserved = {
        "full": (double_pendulum, energy),
        "linear": (linear_double_pendulum, linear_energy),
        "still": (lambda t, z: 0 * z, energy),
    }[p.dynamics]
    dt, per_second = 1 / p.samples_per_second, p.samples_per_second
    results = []
    for start in case.progress(angles.values(), what="pendulum"):
        start = np.concatenate([np.deg2rad(start), np.zeros_like(start)], -1)
        # One interval is one second, about half a natural period.
        results.append(
            follow_tangents(
                lambda z, _: solve_together(flow, z, np.arange(per_second + 1) * dt),
                start,
                rng.normal(size=(p.starts, 2, 4)),
                p.duration,
            )
        )
    states = np.stack([result.path for result in results])
    dims = ("start_kind", "start")
    fixed = conserved(states)
    kinetic = fixed - conserved(states * [1, 1, 0, 0])
    x2 = bob_positions(states)[..., 2]
    return xr.Dataset(
        {
            "theta": labelled((*dims, "angle", "time"), np.moveaxis(states[..., :2], -1, 2), "angles", "rad", nan=LOST),
            "x2": labelled((*dims, "time"), x2, "horizontal position of the lower bob", "m", nan=LOST),
            "dt": labelled((), dt, "time between samples", "s"),
            "natural_period": labelled(
                dims, natural_period(x2, dt), "natural period of x2", "s", nan=LOST, may_be_constant=1
            ),
            "energy_error": labelled(
                dims, energy_error(fixed, kinetic), "largest error of the energy / mean kinetic energy", nan=LOST
            ),
            **tangent_variables(dims, results, 1.0, p.chaos_growth, "s"),
        },
        {"start_kind": list(angles), "start": np.arange(p.starts), "angle": ["theta1", "theta2"]},
    )
