"""Known answers: the lattice, its waves and energy; scores of movies; what is built into networks; bad parameters."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from pesin.errors import UserError
from pesin.forecast.classify import area_under_curve
from pesin.params import check
from project import case_of
from studies.dynamic_fracture_forecasting import lattice
from studies.dynamic_fracture_forecasting.entropy import attention, focused, scored, shuffled
from studies.dynamic_fracture_forecasting.forecast import baselines, between, gain, quadratic
from studies.dynamic_fracture_forecasting.lattice import NEVER
from studies.dynamic_fracture_forecasting.networks import CLOSED, Shown, init, movie, planes, tips
from studies.dynamic_fracture_forecasting.params import Params
from studies.dynamic_fracture_forecasting.scores import best_threshold, overlap, reach, roughness, speeds
from studies.dynamic_fracture_forecasting.simulate import deviation, griffith_strain, images, steady, waves
from studies.dynamic_fracture_forecasting.train import frames_given, losses

STUDY = "dynamic_fracture_forecasting"
FRAMES, GRID = 8, 16


def case(step="forecast", name="slabs", **change):
    return case_of(STUDY, name, step, "smoke", **change)


def test_the_lattice_has_the_cards_numbers():
    world = lattice.slab(36, 38)
    assert world.place.shape == (1368, 2) and world.bonds.shape == (3957, 2)
    assert world.height == pytest.approx(32.04, abs=0.01)
    assert_allclose(np.linalg.norm(np.diff(world.place[world.bonds], axis=1)[:, 0], axis=-1), 1)
    inside = np.bincount(world.bonds.ravel())
    assert inside.max() == 6
    ring = lattice.slab(4, 6, ring=True)
    assert len(ring.bonds) == 4 * 6 + 2 * 4 * 5
    apart = ring.place[ring.bonds[:, 1]] - ring.place[ring.bonds[:, 0]]
    apart[:, 0] += ring.shift
    assert_allclose(np.linalg.norm(apart, axis=-1), 1)
    assert (lattice.P_SPEED, lattice.S_SPEED) == (pytest.approx(1.0607, abs=1e-4), pytest.approx(0.6124, abs=1e-4))
    assert pytest.approx(0.563, abs=1e-4) == lattice.RAYLEIGH
    assert griffith_strain(32.04, 1.1) == pytest.approx(0.0219, abs=1e-4)


def test_stretched_energy_is_that_of_the_solid():
    """(lambda + 2 mu) / 2 strain^2 for each area, in a ring without side faces; rows that are held count by half."""
    world = lattice.slab(6, 40, ring=True)
    strain = np.array([1e-4])
    x = lattice.stretched(world, strain)
    _, elastic = lattice.energies(world, x, np.zeros_like(x), np.full((1, len(world.bonds)), NEVER))
    assert_allclose(elastic, 1.5 * lattice.LAME * strain**2 * world.height * 6, rtol=1e-3)


def test_waves_have_the_speeds_of_the_solid():
    params = case("simulate").params.simulate
    found = waves(params)
    assert_allclose(found["wave_speed"], found["wave_theory"], rtol=5e-3)


def follow(strain, length, steps, columns=24, rows=20, moved=0.0):
    world = lattice.slab(columns, rows)
    x = lattice.stretched(world, np.array([strain]))
    x[0, world.free] += moved * np.random.default_rng(0).standard_normal((world.free.sum(), 2))
    v, lost = np.zeros_like(x), np.zeros(1)
    snapped = lattice.notched(world, np.array([length]), np.array([world.height / 2]))
    before = sum(lattice.energies(world, x, v, snapped))
    lattice.follow(world, x, v, snapped, lost, 0.05, 0, steps, 1.1)
    after = sum(lattice.energies(world, x, v, snapped))
    return world, x, v, snapped, lost, before, after


def test_energy_is_conserved_with_what_snapping_takes():
    *_, lost, before, after = follow(0.02, 0.0, 200, moved=0.005)
    assert lost == 0 and after == pytest.approx(before, rel=1e-3)
    *_, snapped, lost, before, after = follow(0.06, 8.0, 300)
    new = ((snapped > 0) & (snapped < NEVER)).sum()
    assert new > 5 and lost > 0.005 * new  # each at least k 0.1^2 / 2
    assert after + lost == pytest.approx(before, rel=0.02)


def test_no_notch_no_damage_and_held_rows_stay():
    world, x, v, snapped, *_ = follow(0.05, 0.0, 60)
    assert (snapped == NEVER).all()
    assert not v[0, ~world.free].any()
    assert_allclose(x[0, ~world.free], world.place[~world.free] * [1, 1.05])


def test_a_crack_needs_griffiths_strain():
    world, *_, still, _, _, _ = follow(0.015, 10.0, 400)
    assert set(np.unique(still)) == {0, NEVER}
    assert_allclose(np.diff(lattice.front(world, still, np.array([0, 400]))), 0)
    world, *_, moved, _, _, _ = follow(0.06, 10.0, 400)
    assert np.diff(lattice.front(world, moved, np.array([0, 400]))) > 4


def test_steps_go_on_where_the_last_call_ended():
    world = lattice.slab(24, 20)
    whole = follow(0.06, 8.0, 100)
    x, v = lattice.stretched(world, np.array([0.06])), np.zeros((1, len(world.place), 2))
    snapped, lost = lattice.notched(world, np.array([8.0]), np.array([world.height / 2])), np.zeros(1)
    for first in (0, 40):
        lattice.follow(world, x, v, snapped, lost, 0.05, first, 60 if first else 40, 1.1)
    assert_array_equal(snapped, whole[3])
    assert_allclose(x, whole[1], atol=1e-12)


def test_images_show_the_atoms_of_snapped_bonds():
    world = lattice.slab(16, 16)
    snapped = np.full((1, len(world.bonds)), NEVER, np.int32)
    assert not images(world, snapped, np.array([0, 5]), 16).any()
    snapped[0, 3] = 4
    found = images(world, snapped, np.array([0, 5]), 16)
    assert not found[0, 0].any()
    assert_array_equal(np.argwhere(found[0, 1]), [[0, 3], [0, 4]])


def test_fronts_and_deviations():
    time = np.arange(50.0)
    front = np.stack([np.minimum(5 + 0.4 * time, 20), np.full(50, 5.0)])
    assert_allclose(steady(time, front, 20), [0.4, 0], atol=1e-12)
    assert deviation(np.array([1.0, 3.0, 9.0]), np.array([1, 1, 0])) == pytest.approx(1)
    assert deviation(np.array([1.0, 3.0]), np.zeros(2)) == 0


def growing(samples=2, start=4):
    """A straight crack that moves a column a frame; the notch has `start` cells in row 7 + sample."""
    mask = np.zeros((samples, FRAMES, GRID, GRID), bool)
    for sample in range(samples):
        for frame in range(FRAMES):
            mask[sample, frame, 7 + sample, : start + frame] = True
    return mask


def test_overlap_leaves_the_notch_out():
    truth = growing()
    notch = truth[:, :1]
    assert_allclose(overlap(truth, truth, notch), 1)
    held = np.broadcast_to(notch, truth.shape)
    assert_allclose(overlap(held, truth, notch)[:, 0], 1)  # nothing new in either
    assert_allclose(overlap(held, truth, notch)[:, 1:], 0)
    late = np.roll(truth, 1, 1)
    assert_allclose(overlap(late, truth, notch)[0, 2:], np.arange(1, FRAMES - 1) / np.arange(2, FRAMES))


def test_a_tip_hangs_together_with_the_notch_and_has_a_speed():
    truth = growing()
    notch = np.broadcast_to(growing()[:, :1], truth.shape)
    truth[:, :, 0, -1] = True  # far from the crack
    column = reach(truth, notch)
    assert_array_equal(column, np.tile(np.arange(3, 3 + FRAMES), (2, 1)))
    assert_allclose(speeds(column, GRID), 1)
    waits = np.array([[3, 3, 3, 5, 7, 9, 15, 15]])
    assert_allclose(speeds(waits, GRID), np.polyfit(range(5), [3, 5, 7, 9, 15], 1)[0])
    assert speeds(np.full((1, 8), 3), GRID) == 0
    assert reach(np.zeros((1, GRID, GRID), bool), notch[0, :1]) == -1


def test_roughness_of_a_straight_and_of_a_forked_crack():
    straight = growing()[0, -1]
    forked = straight.copy()
    forked[7], forked[[5, 9], 4:10] = growing()[0, 0, 7], True
    assert roughness(straight, growing()[0, 0]) == 0
    assert roughness(forked, growing()[0, 0]) == pytest.approx(2)


def seen_of(mask):
    return Shown(mask.astype(np.float32), tips(mask), np.linspace(-1, 1, len(mask)).astype(np.float32))


def test_rivals_see_what_they_should():
    past, new = seen_of(growing(3)), seen_of(growing(2))
    held, mean, near = baselines(past, new._replace(strain=past.strain[:2]), 0)
    assert_array_equal(held, np.broadcast_to(growing(2)[:, :1], held.shape))
    assert_array_equal(near, growing(2))
    assert mean.shape == held.shape
    assert_array_equal(baselines(past, new, FRAMES - 1)[2], growing(2))
    same = np.repeat(growing(1), 4, 0)
    assert best_threshold(same.mean(0), same, same[:, :1]) in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)


def test_frames_between_are_told_by_rivals():
    past, new = seen_of(growing(3)), seen_of(growing(2))
    truth, notch = growing(2), growing(2)[:, :1]
    perfect = np.broadcast_to(truth.astype(float), (3, *truth.shape))
    found = between({4: perfect}, {4: baselines(past, new, 4)}, truth, notch, 2)
    held = np.arange(2, 4) / 4, 4 / np.arange(5, FRAMES)
    for side, expected in zip(("before", "after"), held, strict=True):
        assert_allclose(found[side][0][[0, 1, 3]], np.array([[1], [expected.mean()], [1]]) * [[1, 1]])


def test_a_quadratic_is_found():
    x = np.random.default_rng(0).standard_normal((40, 3))
    y = 2 + x[:, 0] - x[:, 1] * x[:, 2] + 3 * x[:, 2] ** 2
    assert_allclose(quadratic(x[:30], y[:30], x[30:]), y[30:])


def test_what_networks_tell_beyond_the_strain():
    rng = np.random.default_rng(0)
    unstable = np.arange(60) % 2 > 0
    told, noise = unstable + 0.1 * rng.standard_normal((3, 60)), rng.standard_normal(60)
    value, low, high = gain(np.random.default_rng(1), told, noise, unstable)
    assert value == pytest.approx(1 - area_under_curve(noise[unstable], noise[~unstable])) and 0 < low < value < high
    assert gain(rng, np.tile(noise, (3, 1)), noise, unstable) == pytest.approx((0, 0, 0))
    assert gain(rng, noise[None], told[0], unstable)[2] < 0
    assert np.isnan(gain(rng, told, noise, np.zeros(60, bool))[0])


def test_tips_are_the_rightmost_cells():
    assert_array_equal(tips(growing())[:, :, 1], np.tile(np.arange(3, 3 + FRAMES), (2, 1)))
    assert_array_equal(tips(growing())[:, :, 0], [[7] * FRAMES, [8] * FRAMES])
    assert_array_equal(tips(np.zeros((GRID, GRID))), [GRID / 2, 0])


@pytest.fixture(scope="module")
def made():
    params = case("train").params.train
    parameters = init(params, 3, FRAMES, torch.Generator().manual_seed(0), "cpu")
    mask = np.repeat(growing()[None], 3, 0).astype(np.float32)
    tip = tips(mask)
    return parameters, Shown(mask, tip, np.zeros((3, 2), np.float32))


def test_damage_never_heals_by_construction(made):
    parameters, seen = made
    given = np.tile([0, 5], (3, 1))
    x = planes(seen, given, "cpu")
    assert_allclose(x[:, 0, 0], seen.mask[:, 0, 0])
    assert_allclose(x[:, 1, 0], seen.mask[:, 1, 5])
    assert float(x[0, 0, 5, 7, 3]) == 0 == float(x[0, 0, 6, 7, 3])  # the tip is the origin
    logits, first = movie(parameters, x, torch.as_tensor(given), FRAMES)
    assert logits.shape == (3, 2, FRAMES, GRID, GRID) and first.shape[-1] == GRID // 2
    image = x[:, 1, 0] > 0
    before, after = logits[:, 1, :6], logits[:, 1, 6:]
    assert (before.movedim(1, -1)[~image] == CLOSED).all()
    assert after.movedim(1, -1)[image].min() > after.movedim(1, -1)[~image].max()


def test_the_loss_of_a_run_is_its_own_and_falls(made):
    parameters, seen = made
    given = np.zeros((3, 2), int)
    weight = torch.tensor(1.0)
    loss = losses(parameters, seen, given, weight, "cpu")
    gradient = torch.autograd.grad(loss[1], list(parameters.values()))
    assert all(not g[[0, 2]].any() for g in gradient)
    assert any(g[1].any() for g in gradient)
    less = {n: p - 0.05 * g for (n, p), g in zip(parameters.items(), gradient, strict=True)}
    assert losses(less, seen, given, weight, "cpu")[1] < loss[1]


def test_tasks_are_shown_their_frames():
    found = frames_given(np.random.default_rng(0), 6, 50, FRAMES)
    assert (found[:2] == 0).all() and (found[2:4] == FRAMES - 1).all()
    assert set(found[4:].ravel()) == set(range(FRAMES))


def test_attention_at_the_tip_and_everywhere():
    tip = np.array([[8.0, 4.0]])
    flat = np.ones((1, 1, GRID, GRID))
    assert_allclose(focused(flat, tip, 3), 1)
    point = np.zeros_like(flat)
    point[..., 8, 4] = 1
    cells = sum(r * r + c * c <= 9 for r in range(-3, 4) for c in range(-3, 4))
    assert_allclose(focused(point, tip, 3), GRID**2 / cells)
    assert np.isnan(focused(np.zeros_like(flat), tip, 3)).all()  # nothing was looked at, so nothing has left


def test_attention_of_a_sample_is_its_own(made):
    seen = seen_of(growing(3))
    whole, parts = (attention(case("entropy"), made[0], seen, (1, 3), chunk) for chunk in (24, 1))
    assert whole.shape == (3, 3, GRID, GRID) and whole.min() >= 0 and whole.any()
    assert_allclose(parts, whole, rtol=1e-4, atol=1e-7)


def test_uncertainty_of_coins_and_of_certainty():
    truth = growing().astype(float)
    unsure, error = scored(np.full((3, *truth.shape), 0.5), truth)
    assert_allclose(unsure, np.log(2))
    assert_allclose(error, 0.25)
    unsure, error = scored(np.repeat(truth[None], 3, 0), truth)
    assert_allclose([unsure, error], 0)


def test_shuffled_weights_are_the_same_numbers_elsewhere(made):
    found = shuffled(made[0], np.random.default_rng(1))
    for name, value in made[0].items():
        one, other = (v.detach().flatten(1).sort(1).values for v in (value, found[name]))
        assert torch.equal(one, other)
    assert not torch.equal(found["weight_in"], made[0]["weight_in"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"simulate": {"frames": 10}}, "multiple of 4"),
        ({"train": {"tested": 15}}, "three samples or more"),
        ({"simulate": {"strain": [0.05, 0.04]}}, "two rising numbers"),
        ({"simulate": {"notch": [6, 20]}}, "half the slab"),
        ({"forecast": {"given": [2]}}, "judged frames before and after"),
        ({"entropy": {"late": [7, 9]}}, "up to the last"),
    ],
)
def test_bad_parameters_are_told(change, said):
    good = case().params.model_dump()
    merged = {section: values | change.get(section, {}) for section, values in good.items()}
    with pytest.raises(UserError, match=said):
        check(Params, merged, f"config/studies/{STUDY}.yaml")
