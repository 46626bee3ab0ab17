"""Force-free dynamics: symmetries of the network, thermostats, spectra, entropies, a harmonic bond, bad parameters."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from numpy.testing import assert_allclose
from pydantic import ValidationError

from pesin.models.neighbourhoods import nearest
from pesin.models.optimisers import RunsOptimiser
from pesin.systems.lennard_jones import fcc
from studies.trajcast_force_free_md.entropy import configurational, two_body
from studies.trajcast_force_free_md.forecast import linear_map
from studies.trajcast_force_free_md.network import Units, World, big_step, init_network, output, without_mean
from studies.trajcast_force_free_md.params import Params
from studies.trajcast_force_free_md.rollout import (
    autocorrelation,
    density_of_states,
    first_above,
    median_frequency,
    roll_out,
)
from studies.trajcast_force_free_md.thermostat import berendsen, csvr, temperature

DOUBLE = torch.float64
BOX = 2 * 1.5557


def crystal(box: float = BOX) -> World:
    index = torch.as_tensor(nearest(fcc(2, 1.5557), 12 if box else 3, box))
    return World(torch.zeros(32, dtype=torch.int64), torch.ones(32, dtype=DOUBLE), index, box, 0.8, 2.0)


def network(runs: int = 2) -> dict:
    drawn = init_network(runs, 1, 4, 6, 2, torch.Generator().manual_seed(0))
    return {name: value.detach().double() for name, value in drawn.items()}


def units(runs: int = 2, dt: float = 0.03) -> Units:
    return Units(*(torch.full((runs, 1, 1, 1), value, dtype=DOUBLE) for value in (dt, 0.005, 0.3)), 0.55)


def states(seed: int = 1, runs: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    x = torch.as_tensor(fcc(2, 1.5557) + 0.05 * rng.standard_normal((runs, 1, 32, 3)))
    v = torch.as_tensor(0.5 * rng.standard_normal((runs, 1, 32, 3)))
    return x, v - v.mean(-2, keepdim=True)


def test_rotations_turn_the_outputs():
    (x, v), made, open_space = states(), network(), crystal(0.0)
    turn = torch.linalg.qr(torch.as_tensor(np.random.default_rng(2).standard_normal((3, 3)))).Q
    straight = output(made, open_space, x, v, 0.55)
    assert_allclose(output(made, open_space, x @ turn, v @ turn, 0.55), straight @ turn, atol=1e-10)
    assert straight.std() > 1e-3
    quarter = torch.tensor([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]], dtype=DOUBLE)  # one that the periodic box has too
    turned = output(made, crystal(), x @ quarter, v @ quarter, 0.55)
    assert_allclose(turned, output(made, crystal(), x, v, 0.55) @ quarter, atol=1e-10)


def test_only_differences_count():
    (x, v), made = states(), network()
    still = output(made, crystal(), x, v, 0.55)
    shift = torch.tensor([0.3, -1.0, 2.0], dtype=DOUBLE)
    assert_allclose(output(made, crystal(), x + shift, v - shift, 0.55), still, atol=1e-10)
    wrapped = x - BOX * torch.floor(x / BOX)
    assert_allclose(output(made, crystal(), wrapped, v, 0.55), still, atol=1e-10)


def test_momentum_is_kept_and_the_runs_apart():
    (x, v), made = states(), network()
    _, after = big_step(made, crystal(), units(), x, v)
    assert_allclose(after.mean(-2), 0, atol=1e-12)
    _, loose = big_step(made, crystal(), units(), x, v, conserve=False)
    assert abs(loose.mean(-2)).max() > 1e-6
    alone = big_step({k: p[1:] for k, p in made.items()}, crystal(), units(1), x[1:], v[1:])[1]
    assert_allclose(after[1:], alone, atol=1e-12)
    mass = torch.tensor([1.0, 12.0, 16.0], dtype=DOUBLE)
    left = without_mean(torch.randn(5, 3, 3, dtype=DOUBLE), mass)
    assert_allclose((mass[:, None] * left).sum(-2), 0, atol=1e-12)


def test_without_networks_lines_are_straight():
    x, v = (a[0].numpy() for a in states())
    path, pace = roll_out((None, units(dt=0.1)), crystal(), x, v, 3)
    assert path.shape == (2, 1, 4, 32, 3)
    assert_allclose(path[1, :, 3], x + 0.3 * v, atol=1e-5)
    assert_allclose(pace[0, :, 3], v, atol=1e-6)


def test_csvr_gives_the_canonical_law_and_berendsen_does_not():
    rng, target, degrees = np.random.default_rng(3), 0.3, 93
    now = np.full(4000, 0.5)
    fixed = now.copy()
    for _ in range(40):
        now = now * csvr(rng, now, target, degrees, 3.0) ** 2
        fixed = fixed * berendsen(fixed, target, 3.0) ** 2
    assert_allclose(now.mean(), target, rtol=0.01)
    assert_allclose(now.std(), target * (2 / degrees) ** 0.5, rtol=0.06)
    assert_allclose(target * (2 / degrees) ** 0.5, 0.0440, atol=1e-4)
    assert_allclose(fixed, target, rtol=1e-4)
    assert np.isnan(csvr(rng, np.array([np.nan]), target, degrees, 3.0)).all()


def test_temperature_counts_93_degrees():
    v = np.random.default_rng(4).standard_normal((3000, 32, 3)) * 0.3**0.5
    v -= v.mean(1, keepdims=True)
    assert_allclose(temperature(v, np.ones(32)).mean(), 0.3, rtol=0.01)


def test_spectrum_of_one_oscillator():
    dt, omega = 0.03, 20.0
    t = dt * np.arange(200)
    phase = np.linspace(0, 2 * np.pi, 24, endpoint=False).reshape(2, 1, 4, 3)
    v = np.cos(omega * t[:, None, None] + phase)
    found = autocorrelation(v, 67)
    assert_allclose(found, np.cos(omega * t[:67]), atol=0.05)
    assert_allclose(median_frequency(density_of_states(found, dt), dt), omega, rtol=0.02)
    assert np.isnan(median_frequency(np.array([1.0, np.nan]), dt))


def test_a_linear_map_is_all_that_oscillators_need():
    rng, t = np.random.default_rng(7), 0.01 * np.arange(200)
    params = SimpleNamespace(simulate=SimpleNamespace(every=5, dt=0.002))

    def paths(bend: float) -> xr.Dataset:
        size, phase = rng.uniform(0.1, 0.2, (40, 1, 3, 3)), rng.uniform(0, 6, (40, 1, 3, 3))
        turn = 20 * t[:, None, None] + phase + bend * np.sin(7 * t[:, None, None] + phase)
        dims, site = ("replica", "frame", "atom", "xyz"), np.ones((3, 3))
        place, pace = (dims, site + size * np.cos(turn)), (dims, -20 * size * np.sin(turn))
        return xr.Dataset({"position": place, "velocity": pace, "site": (dims[2:], site)})

    assert_allclose(linear_map(params, paths(0), paths(0), 15), 1, atol=1e-6)
    assert max(linear_map(params, paths(1), paths(1), 15)) < 0.98


def test_lost_copies_stay_lost_and_the_others_go_on():
    (x, v), runs = (a[0].numpy().repeat(2, 0) for a in states()), (None, units(dt=0.1))
    x[0] = np.nan
    path, _ = roll_out(runs, crystal(), x, v, 3)
    assert np.isnan(path[:, 0]).all()
    assert np.isfinite(path[:, 1]).all()
    v[1] = np.inf
    assert np.isnan(roll_out(runs, crystal(), x, v, 3)[0][:, 1, 1:]).all()


def test_the_first_frame_above():
    assert list(first_above(np.array([[0, 0.2, 0], [0, np.nan, 0], [0, 0, 0.1]]), 0.1)) == [1, 1, 3]


def test_entropies():
    rng = np.random.default_rng(5)
    site = fcc(2, 1.0)[:4]
    moved = rng.standard_normal((4, 5000, 4, 3))
    one, wide = configurational(site + 0.1 * moved, site), configurational(site + 0.2 * moved, site)
    assert_allclose(one, 4.5 * np.log(2 * np.pi * np.e * 0.01), rtol=0.01)  # nine modes: three are of the whole
    assert_allclose(wide - one, 9 * np.log(2), rtol=1e-9)
    assert np.isnan(configurational(np.full((1, 20, 4, 3), np.nan), site))
    assert two_body(np.ones(50), np.linspace(0.5, 1.5, 50), 0.8) == 0
    hole = two_body(np.where(np.linspace(0.005, 0.995, 100) < 0.5, 0.0, 1.0), np.linspace(0.005, 0.995, 100), 1.0)
    assert_allclose(hole, -2 * np.pi * 0.5**3 / 3, rtol=1e-3)


def test_a_harmonic_bond_is_learnt():
    """Two atoms on a bond of frequency w: the exact step turns the phase plane by w dt."""
    omega, dt, rest = 10.0, 0.05, 1.1
    rng = np.random.default_rng(6)
    along = torch.as_tensor(rng.standard_normal((1, 80, 2)) * [0.03, 0.3], dtype=torch.float32)
    axis = torch.as_tensor(rng.standard_normal((80, 3)), dtype=torch.float32)
    axis = axis / axis.norm(dim=1, keepdim=True)

    def atoms(amount, place):
        half = 0.5 * (amount + place)[..., None, None] * axis[:, None]
        return torch.cat([half, -half], 2)

    cosine, sine = np.cos(omega * dt), np.sin(omega * dt)
    stretch, speed = along.unbind(-1)
    later = atoms(stretch * cosine + speed / omega * sine, rest), atoms(-stretch * omega * sine + speed * cosine, 0)
    before = atoms(stretch, rest), atoms(speed, 0)
    world = World(torch.zeros(2, dtype=torch.int64), torch.ones(2), torch.tensor([[1], [0]]), 0.0, 0.8, 1.4)
    left = later[0] - before[0] - dt * before[1], later[1] - before[1]
    scale = Units(*(torch.full((1, 1, 1, 1), float(s)) for s in (dt, left[0].std(), left[1].std())), 0.3)
    parameters = init_network(1, 1, 8, 8, 1, torch.Generator().manual_seed(1))
    optimiser = RunsOptimiser(parameters, "adam")
    for i in range(250):
        after = big_step(parameters, world, scale, *before)
        errors = [(a - t) / s for a, t, s in zip(after, later, (scale.displacement, scale.kick), strict=True)]
        loss = sum(error.square().mean((1, 2, 3)) for error in errors)
        optimiser.descend(loss, torch.full((1,), 1e-2 * (1 - i / 250)))
    assert float(loss.detach()) < 0.04  # of 2: a fiftieth of the variances is left


@pytest.mark.parametrize(
    ("section", "changes", "said"),
    [
        ("simulate", {"cutoff": 1.7}, "half the box"),
        ("simulate", {"every": 7}, "doesn't divide"),
        ("simulate", {"stride": 10}, "none of train.strides"),
        ("train", {"pairs": [4, 40, 10**6]}, "pairs to train on"),
        ("train", {"inner": 3.0}, "below train.cutoff"),
        ("forecast", {"rolled": [5, 30]}, "some of train.strides"),
        ("train", {"neighbours": 32}, "too few atoms"),
        ("forecast", {"lags": 400}, "below simulate.frames"),
    ],
)
def test_bad_parameters_are_named(section, changes, said):
    text = (Path(__file__).parents[2] / "config/studies/trajcast_force_free_md.yaml").read_text(encoding="utf-8")
    params = yaml.safe_load(text)["params"]
    for key, value in params["train"].items():
        params["train"][key] = float(value) if isinstance(value, str) else value  # 4e-3 is a string to YAML 1.1
    params["entropy"]["nudge"] = 1e-5
    Params.model_validate(params)
    params[section] |= changes
    with pytest.raises(ValidationError, match=said):
        Params.model_validate(params)
