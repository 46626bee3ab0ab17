"""Known answers: Plummer's sphere, Kroupa's masses, shells, divergences, trees, escapes; and bad parameters."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pesin.errors import UserError
from pesin.integrate.symplectic import leapfrog
from pesin.params import check
from pesin.systems.gravity import gravity
from project import case_of
from studies.massless_particles_clusters import clusters
from studies.massless_particles_clusters.clusters import PLUMMER, core, kroupa, left, plummer
from studies.massless_particles_clusters.entropy import apart, costs, escapes, exits, jensen_shannon, segregation
from studies.massless_particles_clusters.forecast import against_chance, enclosed, sphere
from studies.massless_particles_clusters.params import Params
from studies.massless_particles_clusters.simulate import drawn, simulate

STUDY = "massless_particles_clusters"


def case(step="entropy", name="known", **change):
    return case_of(STUDY, name, step, "smoke", **change)


@pytest.fixture(scope="module")
def world():
    return simulate(case("simulate"))


def test_plummers_sphere_has_its_radius_energy_and_speeds():
    x, v = plummer(np.random.default_rng(0), 4000)
    r = np.linalg.norm(x, axis=-1)
    assert np.median(r) == pytest.approx(1.305 * PLUMMER, rel=0.05)
    assert (v**2).sum(-1).mean() == pytest.approx(0.5, rel=0.05)
    phi = -((r**2 + PLUMMER**2) ** -0.5)
    assert ((v**2).sum(-1) / 2 + phi < 0).all()
    assert ((v**2).sum(-1) / 2 + phi / 2).mean() == pytest.approx(-0.25, rel=0.05)
    mass = np.full((1, 4000), 1 / 4000)
    assert gravity(np.zeros((1, 1, 3)), x[None], mass, 1e-3)[1][0, 0] == pytest.approx(-1 / PLUMMER, rel=0.05)


def test_kroupas_masses_have_his_slopes_and_no_step_between():
    mass = kroupa(np.random.default_rng(1), 10.0, 200_000)
    assert mass.min() >= 0.08 and mass.max() <= 10
    numbers, edges = np.histogram(mass, np.geomspace(0.08, 10, 25))
    density, middle = numbers / np.diff(edges), np.sqrt(edges[1:] * edges[:-1])
    for part, slope in ((middle < 0.4, -1.3), ((middle > 0.6) & (middle < 5), -2.3)):
        assert np.polyfit(np.log(middle[part]), np.log(density[part]), 1)[0] == pytest.approx(slope, abs=0.05)
    below, above = (np.mean((mass > low) & (mass < high)) for low, high in ((0.49, 0.5), (0.5, 0.51)))
    assert above / below == pytest.approx(1, abs=0.1)


def test_stars_die_in_the_order_of_their_masses():
    solar = np.array([10.0, 8.5, 6.0, 0.5])
    assert_allclose(clusters.lifetime(solar[:1]), 31.6, rtol=1e-3)
    assert_allclose(left(solar, 30), 1)
    assert_allclose(left(solar, 50), [0.1, 0.1, 1, 1])
    assert_allclose(left(solar, 200), [0.1, 0.1, 0.7, 1])


def test_the_core_is_where_the_density_is():
    rng = np.random.default_rng(2)
    x = np.concatenate([5 + 0.1 * rng.standard_normal((60, 3)), 3 * rng.standard_normal((100, 3))])
    centre, radius, density = core(x, np.full(160, 1 / 160))
    assert_allclose(centre, 5, atol=0.1)
    assert 0.05 < radius < 0.4 and density > 10
    further, wider, thinner = core(10 * x, np.full(160, 1 / 160))
    assert_allclose([*further, wider, thinner], [*(10 * centre), 10 * radius, density / 1000])


def test_the_world_conserves_what_it_should(world):
    assert abs(world["energy_error"]).max() < 0.1
    x, mass = world["x"].values.astype(float), world["mass"].values.astype(float)
    assert_allclose((mass[:, :, 0, :, None] * x[:, :, 0, : mass.shape[-1]]).sum(2), 0, atol=1e-6)
    assert_allclose(mass[:, :, 0].sum(-1), 1, rtol=1e-6)
    assert_allclose(x[1, :, 0], x[0, :, 0] / 2, rtol=1e-6)  # dense: the same draws
    assert abs(x[:, :, -1] - x[:, :, 0]).max() > 1


def test_stars_do_not_feel_mlps_and_stand_still_where_they_are_held(world):
    """The stars' paths, bit by bit, are those of a leapfrog that knows of no MLPs."""
    params = case("simulate").params.simulate
    x, v, solar = drawn(case("simulate"))
    mass, stars, steps = solar / solar.sum(-1, keepdims=True), params.stars, params.densities["normal"].steps

    def pull(x):
        return gravity(x, x, mass, params.softening)[0]

    for at in range(1, 4):  # no star dies so early
        x, v = (path[-1] for path in leapfrog(pull, x[:, :stars], v[:, :stars], params.stored / steps, steps))
        assert (world["x"].values[0, :, at, :stars] == x.astype(np.float32)).all()
    still = simulate(case("simulate", "static_potential"))
    assert (still["x"].values[..., :80, :] == still["x"].values[:, :, :1, :80]).all()
    assert abs(np.diff(still["x"].values[..., 80:, :], axis=2)).max() > 0.1


def test_a_shell_pulls_as_its_mass_within():
    rng = np.random.default_rng(3)
    stars = rng.standard_normal((2000, 3))
    stars *= 2 / np.linalg.norm(stars, axis=-1, keepdims=True)
    pull = enclosed(stars, np.full(2000, 1 / 2000), np.zeros(3), 1e-9)
    assert_allclose(pull(np.array([[1.0, 0, 0], [0, 3.0, 0]])), [[0, 0, 0], [0, -1 / 9, 0]], atol=1e-12)
    assert_allclose(sphere(np.zeros(3), 1.0)(np.array([[1.0, 0, 0]])), [[-(2**-1.5), 0, 0]])


def test_chance_is_the_mean_difference_of_two():
    truth = np.random.default_rng(4).standard_normal((2, 50))
    apart = abs(truth[:, :, None] - truth[:, None]).sum((1, 2)) / (50 * 49)
    assert_allclose(against_chance(np.zeros((2, 50)), truth), abs(truth).mean(-1) / apart)
    assert_allclose(against_chance(truth, truth), 0)


def test_divergence_of_the_same_and_of_strangers():
    p, q = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.25, 0.75])
    assert_allclose([jensen_shannon(p, p), jensen_shannon(p, q)], [0, 1], atol=1e-12)


def test_segregated_stars_have_the_shorter_tree():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((1, 1, 1, 80, 3))
    x[..., :8, :] *= 0.1
    mass = np.ones((1, 1, 1, 80))
    inner, outer = (segregation(case(), x, np.arange(8)[None, None] + start, mass)[0, 0, 0] for start in (0, 30))
    assert inner > 4 and outer < 2


def test_escapes_are_counted_from_the_last_bound_state_on():
    """Of 80 MLPs one is free at the start, others from 2, 9 and 19 (too late) on, one for a while; core least at 5."""
    bound = np.ones((2, 6, 21, 160), bool)
    for body, since in ((80, 2), (81, 9), (82, 19), (84, 0)):
        bound[:, :, since:, body] = False
    bound[:, :, 3:6, 83] = False
    core_radius = np.broadcast_to(1 + abs(np.arange(21) - 5.0), (2, 6, 21))
    few = case(entropy={"smoothed": 0.5})
    found = escapes(few, np.ones(bound.shape), bound, np.ones(bound.shape), core_radius)
    assert_allclose(found["rate_before"][1], 1 / 80 / 4)
    assert_allclose(found["rate_after"][1], 1 / 80 / 11)
    assert_allclose(found["trend"][1], (0 - 1 / 5) / (1 / 11))  # one in the 5 states from 5 to 10, none in the 6 after


def test_speeds_are_those_at_the_exit_of_two_clusters_together():
    bound, radius = np.ones((2, 6, 21, 160), bool), np.ones((2, 6, 21, 160))
    speed = np.full(bound.shape, 9.0)
    for bodies, fast in ((slice(0, 4), 3.0), (slice(80, 84), 2.0)):
        bound[0, ::2, 2:, bodies], radius[0, ::2, 8:, bodies], speed[0, ::2, 8, bodies] = False, 4.0, fast
    found = exits(case(), speed, bound, radius)
    assert_allclose(found["speed_difference"][1], [0.5] * 3)
    assert np.isnan(exits(case(), speed, np.ones(bound.shape, bool), radius)["speed_difference"][1]).all()


def test_scaled_curves_of_a_scaled_cluster_are_one():
    times = np.arange(21.0)
    normal = 1 + times
    dense = 0.5 * (1 + times / 0.5**1.5)
    half = np.stack([[normal] * 3, [dense] * 3])
    assert_allclose(apart(case(), half), 0, atol=1e-12)
    assert_allclose(apart(case(), half * [[[1]], [[2]]]), 0, atol=1e-12)
    assert (apart(case(), np.stack([[normal] * 3, [normal] * 3])) < -0.5).all()


def test_the_cost_is_linear_without_mass_and_not_with():
    assert_allclose(costs(case())["cost_slope"][1], 1)
    assert costs(case(name="kicks_and_mass"))["cost_slope"][1].max() > 1.15


@pytest.mark.parametrize(
    "change, said",
    [
        ({"simulate": {"densities": {"dense": {"radius": 1.5}}}}, "densities"),
        ({"simulate": {"duration": 20.5, "stored": 1.0}}, "duration"),
        ({"forecast": {"starts": [18]}}, "forecast.starts"),
        ({"forecast": {"horizons": [0.3]}}, "forecast.horizons"),
        ({"entropy": {"linger": 15}}, "entropy.linger"),
        ({"simulate": {"masses": "salpeter"}}, "masses"),
    ],
)
def test_bad_parameters_are_named(change, said):
    with pytest.raises(UserError, match=said):
        check(Params, merged(change), "x.yaml")


def merged(change, into=None):
    """The smoke scale's parameters as plain data, with a change laid over."""
    data = case().params.model_dump() if into is None else dict(into)
    for key, value in change.items():
        data[key] = merged(value, data[key]) if isinstance(value, dict) else value
    return data
