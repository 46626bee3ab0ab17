"""Known answers: structure factors, forces, entropies of the electrolyte; spectra, times, counts of Burgers fields."""

import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov

from pesin.entropy.nonequilibrium import linear_entropy_production
from pesin.errors import UserError
from pesin.integrate.pseudospectral import complex_normals, half_plane, wavenumbers
from pesin.params import check
from project import case_of
from studies.driven_coulomb_fields import burgers, theory
from studies.driven_coulomb_fields.chemotaxis import entropy as scaling
from studies.driven_coulomb_fields.chemotaxis.params import Params as Chemotaxis
from studies.driven_coulomb_fields.chemotaxis.simulate import as_modes, in_units
from studies.driven_coulomb_fields.chemotaxis.simulate import simulate as chemotaxis
from studies.driven_coulomb_fields.chemotaxis.train import regression
from studies.driven_coulomb_fields.electrolyte import entropy as measures
from studies.driven_coulomb_fields.electrolyte.params import Params as Electrolyte
from studies.driven_coulomb_fields.electrolyte.simulate import simulate as electrolyte
from studies.driven_coulomb_fields.electrolyte.simulate import wave_vectors
from studies.driven_coulomb_fields.electrolyte.train import parameters, propagators, relaxation_of

STUDY = "driven_coulomb_fields"
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(20, 2))
FIELDS = np.array([0.0, 0.5, 2.0])


def case(step, name, **change):
    return case_of(STUDY, name, step, "smoke", **change)


# ----------------------------------------------------------------------------------------------------- structure factor


def test_structure_factors_are_those_of_the_card():
    found = theory.structure_factors(0.13, 0.13**2 + 0.21**2, 2.0)
    np.testing.assert_allclose(found, [0.1673422, 1.0893425, -0.2136543], atol=5e-8)


def test_structure_factors_solve_the_lyapunov_equation():
    """A mode is two real pairs: its second moments are twice the covariance of one."""
    rates, strength = theory.relaxation(VECTORS, FIELDS), theory.noise(VECTORS)
    expected = theory.structure_factors(VECTORS[:, 0], (VECTORS**2).sum(-1), FIELDS[:, None])
    for i, row in enumerate(rates):
        for j, k in enumerate(row):
            covariance = 2 * solve_continuous_lyapunov(k, strength[j])
            np.testing.assert_allclose(expected[:, i, j], [covariance[0, 0], covariance[1, 1], covariance[0, 1]])


def test_the_complex_equations_are_the_real_ones_turned():
    """d rho = -(k^2 + 1) rho - i E kx c, d c = -k^2 c - i E kx rho, with c = -i (i c)."""
    k, field = VECTORS[0], 2.0
    k2, drive = (k**2).sum(), field * k[0]
    complex_rates = np.array([[k2 + 1, 1j * drive], [1j * drive, k2]])
    turn = np.diag([1, -1j])
    np.testing.assert_allclose(np.linalg.inv(turn) @ complex_rates @ turn, theory.relaxation(k[None], field)[0])


def test_the_limits_of_structure_factors():
    kx, k2, field = 2e-4, 5e-8 + 4e-8, 1.5
    drive = field**2 * kx**2 / (k2 + field**2 * kx**2)
    rho, c, _ = theory.structure_factors(kx, k2, field)
    assert rho == pytest.approx(2 * k2 * (1 + drive), rel=1e-5) and c == pytest.approx(2 * (1 - drive), rel=1e-5)
    rho, c, cross = theory.structure_factors(0.3, 0.7, 0.0)
    assert rho == pytest.approx(1.4 / 1.7) and c == pytest.approx(2) and cross == 0


def test_simulated_moments_are_the_structure_factors():
    """Of all modes together, within what chance allows: each of the moments is a mean over runs and snapshots."""
    run = electrolyte(case("simulate", "electrolyte", simulate={"snapshots": 200}))
    vectors = run["vector"].values
    expected = theory.structure_factors(vectors[:, 0], (vectors**2).sum(-1), run["field"].values[:, None])
    fast = (vectors**2).sum(-1) > 0.3  # these forget their state between two snapshots
    ratio = (run["moments"].values[:2] / expected[:2, None])[..., fast]
    independent = ratio[0, :, 0].size * 200
    np.testing.assert_allclose(ratio.mean((1, 3)), 1, atol=5 / independent**0.5)


def test_runs_at_all_fields_share_their_noise():
    run = electrolyte(case("simulate", "electrolyte"))["moments"].sel(moment="cc").values
    still, driven = run[:, 0], run[:, 1]
    assert np.corrcoef(still.ravel(), driven.ravel())[0, 1] > 0.7
    assert abs(np.corrcoef(still[0], still[1])[0, 1]) < 0.5


def test_wave_vectors_lie_in_a_circle_each_once():
    found = wave_vectors(30.0, 1.2)
    every = half_plane(31, 30.0)
    assert len(found) == ((every**2).sum(-1) <= 1.44).sum() and (np.hypot(*found.T) <= 1.2).all()


# ---------------------------------------------------------------------------------------------------------------- force


def test_the_force_amplitude_is_that_of_the_card():
    found = theory.force_amplitude(np.array([0.1, 0.5, 1, 2, 5]))
    np.testing.assert_allclose(found, [0.00989, 0.19502, 0.46967, 0.73167, 0.89817], atol=5e-6)
    assert theory.PREFACTOR == pytest.approx(0.0478283, abs=5e-8)


def test_the_sum_over_modes_tends_to_the_closed_form_and_is_none_without_a_field():
    for field in (0.3, 1.0, 4.0):
        found = theory.excess_pressure(field, 150.0).sum() * 150.0**3 / theory.PREFACTOR
        assert found == pytest.approx(theory.force_amplitude(field), rel=1e-3)
    assert not theory.excess_pressure(0.0, 30.0).any()


def test_a_finer_quadrature_gives_the_same_force():
    """At one distance and field by brute force: the same stress summed and integrated by adaptive quadrature."""
    from scipy.integrate import quad

    field, distance = 1.0, 20.0

    def stress(kx, k2, kz):
        full = k2 + kz**2
        apart = theory.structure_factors(kx, full, field)[0] - theory.structure_factors(kx, full, 0.0)[0]
        return k2 / full**2 * apart

    def excess(k, angle):
        kx, k2 = k * np.cos(angle), k**2
        terms = np.pi / distance * np.arange(1, 4000)
        summed = stress(kx, k2, 0.0) + 2 * stress(kx, k2, terms).sum()
        whole = 2 * quad(lambda kz: stress(kx, k2, kz), 0, np.inf, limit=400)[0]
        return k / (2 * np.pi) * (summed / distance - whole / np.pi) / 4

    angles = (np.arange(8) + 0.5) * np.pi / 16
    total = np.mean([quad(lambda k, a=a: excess(k, a), 1e-6, 1.2, limit=100)[0] for a in angles])
    assert theory.excess_pressure(field, distance).sum() == pytest.approx(total, rel=1e-5)


# ------------------------------------------------------------------------------------------------------------ entropies


def test_the_entropy_production_of_a_mode_is_its_closed_form():
    expected = theory.entropy_production(VECTORS[:, 0], (VECTORS**2).sum(-1), FIELDS[:, None])
    rates, strength = theory.relaxation(VECTORS, FIELDS), theory.noise(VECTORS)
    for i, j in np.ndindex(expected.shape):
        found = linear_entropy_production(rates[i, j], strength[j] / 2).value
        assert found == pytest.approx(expected[i, j], abs=1e-12)
    exact = theory.structure_factors(VECTORS[:, 0], (VECTORS**2).sum(-1), FIELDS[:, None])
    np.testing.assert_allclose(measures.from_moments(VECTORS, FIELDS, exact), expected, atol=1e-12)


def test_a_pair_of_real_pairs_makes_the_entropy_of_the_card():
    """As 4 x 4 real: real and imaginary parts together make that of k and of -k."""
    rates = theory.relaxation(VECTORS[:1], 2.0)[0]
    both = np.kron(np.eye(2), rates)
    found = linear_entropy_production(both, (VECTORS[0] ** 2).sum()).value
    assert found == pytest.approx(2 * theory.entropy_production(VECTORS[0, 0], (VECTORS[0] ** 2).sum(), 2.0))


def test_the_total_on_the_grid_of_the_card():
    """24 x 24 modes of a square of 40: 0.268952 v^2 per area."""
    whole = 2 * np.pi / 40 * np.arange(-12, 12)
    kx, ky = np.meshgrid(whole, whole, indexing="ij")
    total = theory.entropy_production(kx, kx**2 + ky**2, 1.0).sum() / 40**2
    assert total == pytest.approx(0.268952, abs=1e-6)


# --------------------------------------------------------------------------------------------------- what is measured


def test_exponents_of_exact_powers_are_their_pseudo_values():
    places = np.geomspace(2, 9, 6)
    runs = np.array([1.0, 1.3, 0.8, 1.1])[:, None, None] * -(places**-2.0)
    np.testing.assert_allclose(measures.decay(runs, places), -2)
    assert np.isnan(measures.decay(0 * runs, places)).all()


def test_an_isotropic_field_has_no_anisotropy_and_a_driven_one_has():
    vectors = wave_vectors(60.0, 1.0)
    k2 = (vectors**2).sum(-1)
    power = theory.structure_factors(vectors[:, 0], k2, FIELDS[:, None])[1]
    assert measures.anisotropy(vectors, power)[0] == pytest.approx(1)
    assert measures.anisotropy(vectors, power)[2] < 0.4


def test_a_control_is_held_against_another_run_without_field():
    moments = RNG.random((3, 4, 3, 6))
    driven, alone = measures.measured("driven", moments)
    assert (driven == moments).all() and (alone == moments[:, :, :1]).all()
    undriven, other = measures.measured("undriven", moments)
    assert (undriven == moments[:, :, :1]).all() and (other[:, 1] == undriven[:, 0]).all()
    assert not np.any(measures.measured("still", moments))


# ------------------------------------------------------------------------------------------------------ learning drift


@pytest.mark.parametrize("k", [[[2.0, 0.7], [-0.7, 0.4]], [[1.0, 3.0], [-3.0, 0.9]], [[0.5, 0.0], [0.0, 0.5]]])
def test_a_relaxation_matrix_is_the_logarithm_of_its_propagator(k):
    np.testing.assert_allclose(relaxation_of(expm(-0.5 * np.array(k)), 0.5), k, atol=1e-10)


def test_a_propagator_that_mirrors_has_no_relaxation_matrix():
    assert np.isnan(relaxation_of(np.diag([0.5, -0.1]), 0.5)).all()


def test_drift_diffusion_and_screening_are_read_off_exact_rates():
    v, d, kappa2 = 1.7, 0.6, 2.2
    k2 = (VECTORS**2).sum(-1)
    off = v * VECTORS[:, 0]
    rates = np.stack([np.stack([d * (k2 + kappa2), off], -1), np.stack([-off, d * k2], -1)], -2)
    np.testing.assert_allclose(parameters(rates, VECTORS), [v, d, kappa2])
    rates[3] = np.nan
    np.testing.assert_allclose(parameters(rates, VECTORS), [v, d, kappa2])


def test_a_propagator_is_learnt_from_its_own_path():
    step = np.array([[0.9, 0.2], [-0.1, 0.7]])
    x = np.empty((2, 8, 1, 2))
    x[:, 0] = RNG.normal(size=(2, 1, 2))
    for t in range(7):
        x[:, t + 1] = x[:, t] @ step.T
    np.testing.assert_allclose(propagators(x, 0.0)[0], step, atol=1e-8)


# ------------------------------------------------------------------------------------------------------------- Burgers


def test_burgers_looks_the_same_from_a_moving_frame():
    assert burgers.frame_error(64, 64.0, 1.0, 1.5, np.random.default_rng(1)) < 1e-10


def test_the_linear_law_has_its_structure_factor():
    points, length, nu, strength = 32, 20.0, 0.8, 1.7
    rng, law = np.random.default_rng(2), dict(points=points, length=length, nu=nu, strength=strength)
    wave = wavenumbers(points, length)[1 : points // 3]
    rest, flat = burgers.linear_law(rng, 4000, **law), np.zeros((4000, points // 2 + 1), complex)
    *_, soon = burgers.noisy(rest, rng, coupling=0.0, step=1.0, steps=1, **law)
    *_, late = burgers.noisy(flat, rng, coupling=0.0, step=30.0, steps=4, every=4, **law)
    for modes in (rest, soon, late):
        power = (abs(burgers.unit(points, length) * modes) ** 2).mean(0)[1 : points // 3]
        np.testing.assert_allclose(power * nu * wave**2 / strength, 1, atol=5 / 4000**0.5)


def test_arms_share_their_noise():
    few = {"time": 16.0, "coupling": 1e-9}
    u = chemotaxis(case("simulate", "chemotaxis", simulate=few, forecast={"starts": 2}))["u"].values
    # What differs is how they began, and that decays.
    params = case("simulate", "chemotaxis").params.simulate
    wave = wavenumbers(params.points, params.length)[1 : 1 + u.shape[-2], None]
    apart = u[1] - u[0]
    assert abs(apart[:, 0]).max() > 0.1 and abs(u[0, 0] - u[0, 1]).max() > 0.1
    np.testing.assert_allclose(apart[:, 4], apart[:, 0] * np.exp(-4 * params.spacing * wave**2), atol=1e-5)


def test_stored_modes_come_back():
    params = case("simulate", "chemotaxis").params.simulate
    modes = np.zeros((3, params.points // 2 + 1), complex)
    modes[:, 1:11] = complex_normals(np.random.default_rng(3), (3, 10))  # those below a third of 32
    np.testing.assert_allclose(as_modes(params, in_units(params, modes)), modes, atol=1e-6)


def test_relaxation_times_of_exponential_memory():
    rng, rate, spacing = np.random.default_rng(4), np.array([0.5, 1.0]), 0.1
    u = np.zeros((60, 4000, 2), complex)
    u[:, 0] = complex_normals(rng, (60, 2))
    for t in range(1, 4000):
        decay = np.exp(-rate * spacing)
        u[:, t] = decay * u[:, t - 1] + np.sqrt(1 - decay**2) * complex_normals(rng, (60, 2))
    times, ended = scaling.relaxation_times(u, spacing)
    assert ended.all()
    np.testing.assert_allclose(times.mean(0), 1 / rate, rtol=0.05)


def test_a_relaxation_that_is_not_seen_is_a_bound():
    times, ended = scaling.relaxation_times(np.ones((1, 30, 1), complex), 0.5)
    assert times[0, 0] == 5.0 and not ended.any()
    times, _ = scaling.relaxation_times(np.zeros((1, 30, 1), complex), 0.5)
    assert np.isnan(times).all()


def test_cells_without_correlations_fluctuate_alike_in_all_windows():
    length = 128.0
    wave = wavenumbers(20_000, length)[1:]
    widths = np.array([4.0, 16.0, 64.0])
    found = scaling.number_variance(1 / wave**2, wave, widths, length)
    np.testing.assert_allclose(found, 1 - widths / length, atol=1e-3)


def test_the_equation_is_read_off_a_quiet_path():
    points, length, step = 64, 64.0, 1e-3
    start = np.zeros((1, points // 2 + 1), complex)
    start[0, 1:12] = points / 4 * complex_normals(np.random.default_rng(5), (11,))
    told = dict(points=points, length=length, nu=0.9, strength=0.0, coupling=1.3, step=step, steps=200)
    path = np.array([start[0], *(state[0] for state in burgers.noisy(start, np.random.default_rng(0), **told))])
    features, targets = regression(path, points, length, step, 15)
    found, *_ = np.linalg.lstsq(features, targets)
    np.testing.assert_allclose(found[:, 0], [0.9, -1.3, 0, 0], atol=0.01)


# ----------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("name", "kind", "change", "said"),
    [
        ("electrolyte", Electrolyte, {"simulate": {"fields": [0.5, 1, 2, 4]}}, "begin with 0"),
        ("electrolyte", Electrolyte, {"simulate": {"settle": 10}}, "slowest mode"),
        ("electrolyte", Electrolyte, {"entropy": {"near": 50}}, "an eighth"),
        ("electrolyte", Electrolyte, {"forecast": {"leads": [1, 500]}}, "lead reaches"),
        ("electrolyte", Electrolyte, {"entropy": {"plates": [20, 10, 30, 40]}}, "must rise"),
        ("chemotaxis", Chemotaxis, {"simulate": {"step": 0.3}}, "multiple"),
        ("chemotaxis", Chemotaxis, {"simulate": {"step": 0.25}}, "too long"),
        ("chemotaxis", Chemotaxis, {"entropy": {"widths": [4, 8, 20]}}, "half"),
        ("chemotaxis", Chemotaxis, {"entropy": {"modes": 30}}, "aliases"),
        ("chemotaxis", Chemotaxis, {"forecast": {"starts": 40}}, "don't fit"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(name, kind, change, said):
    given = case("simulate", name).params.model_dump()
    for section, values in change.items():
        given[section] |= values
    with pytest.raises(UserError, match=said):
        check(kind, given, "params")
