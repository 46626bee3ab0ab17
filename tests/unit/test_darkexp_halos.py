"""DARKexp's quantities against known answers: energies, a Hernquist and a Plummer sphere, curves, fits, star counts."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import least_squares
from scipy.special import logit

from pesin.errors import UserError
from project import case_of
from studies.darkexp_halos import halo
from studies.darkexp_halos.fits import curves, dwarfs, rotation, simulate, sparc
from studies.darkexp_halos.fits.forecast import parts
from studies.darkexp_halos.fits.least_squares import minimise
from studies.darkexp_halos.fits.params import Params as FitsParams
from studies.darkexp_halos.theory import entropy
from studies.darkexp_halos.theory import simulate as theory

GRID = halo.grid_of(34, 260)


def hernquist():
    """Unknowns of a Hernquist sphere of half-mass radius 1, a = 1 / (1 + sqrt 2): ln rho, and a slope of 1 inside."""
    a, r = 1 / (1 + np.sqrt(2)), np.exp(GRID.node)
    return np.append(np.log(a / (2 * np.pi * r * (r + a) ** 3)), logit(1 / halo.STEEPEST)), a


def test_mass_and_potential_of_a_hernquist_sphere():
    log_rho, a = hernquist()
    sphere, r = halo.sphere_of(log_rho, GRID), np.exp(GRID.fine)
    assert sphere.log_mass == pytest.approx(0, abs=2e-3)
    np.testing.assert_allclose(sphere.mass, (r / (r + a)) ** 2, rtol=5e-3)
    np.testing.assert_allclose(sphere.potential, 1 / (r + a), rtol=2e-3)
    assert sphere.centre == pytest.approx(1 / a, rel=2e-3)


def test_states_of_a_hernquist_sphere():
    """g(e) of Hernquist (1990), eq. 23, with q = sqrt(a e)."""
    log_rho, a = hernquist()
    orbits = halo.orbits_of(halo.sphere_of(log_rho, GRID), GRID, 4.0)
    e = orbits.energy * a
    middle = (e > 0.05) & (e < 0.95)
    q2 = e[middle]
    q = np.sqrt(q2)
    closed = 3 * (8 * q2**2 - 4 * q2 + 1) * np.arccos(q) - q * np.sqrt(1 - q2) * (4 * q2 - 1) * (2 * q2 + 3)
    closed *= 2 * np.sqrt(2) * np.pi**2 * a**2.5 / (3 * q2**2.5)
    np.testing.assert_allclose(orbits.states[middle], closed, rtol=0.01)


def test_the_orbits_of_a_potential_hold_all_the_mass():
    """int 4 pi r^2 rho_new dr is int N de = 1, whatever the potential."""
    log_rho, _ = hernquist()
    sphere = halo.sphere_of(log_rho, GRID)
    new = halo.sphere_of(np.append(halo.density_of(sphere, GRID, 4.0), log_rho[-1]), GRID)
    assert new.log_mass == pytest.approx(0, abs=0.01)


def test_density_of_known_orbits(monkeypatch):
    """With the N(e) = f g of a Hernquist sphere's own f the density comes back; f from Eddington's formula."""
    log_rho, a = hernquist()
    sphere = halo.sphere_of(log_rho, GRID)

    def own(phi0, centre, depth):
        s = np.maximum(depth / centre, 0.003)  # 1 - q^2; below, N goes as the depth
        q = np.sqrt(1 - s)
        f = (3 * np.arcsin(q) + q * np.sqrt(s) * (1 - 2 * q**2) * (8 * q**4 - 8 * q**2 - 3)) / (
            8 * np.sqrt(2) * np.pi**3 * a**1.5 * s**2.5
        )
        states = 3 * (8 * q**4 - 4 * q**2 + 1) * np.arccos(q) - q * np.sqrt(s) * (4 * q**2 - 1) * (2 * q**2 + 3)
        return depth / centre / s * f * states * 2 * np.sqrt(2) * np.pi**2 * a**2.5 / (3 * q**5)

    monkeypatch.setattr(halo, "energies", own)
    inner = (GRID.node > np.log(0.01)) & (GRID.node < np.log(10))
    np.testing.assert_allclose(halo.density_of(sphere, GRID, 4.0)[inner], log_rho[:-1][inner], atol=0.03)


@pytest.mark.parametrize("phi0", [0.5, 3.0])
def test_energies_are_normed_and_have_their_mean(phi0):
    depth = np.linspace(0, 2.0, 4001)
    n = halo.energies(phi0, 2.0, depth)
    assert np.trapezoid(n, depth) == pytest.approx(1, rel=1e-6)
    assert np.trapezoid(n * (2 - depth), depth) / 2 == pytest.approx(halo.mean_energy(phi0), rel=1e-6)
    assert n[0] == 0
    assert entropy.below(phi0, 1.0) == pytest.approx(1)


def test_halos_solve_their_equations_from_two_on():
    """Slopes at 0.03 r_-2 do not hang on the grid; below phi0 = 2 the best compromise is no solution."""
    slopes = []
    for grid in (halo.grid_of(12, 60), halo.grid_of(16, 90, 0.0014)):
        found = halo.family([2.0, 4.0], grid)
        kept = [theory.halo(one, phi0, grid) for one, phi0 in zip(found, (2.0, 4.0), strict=True)]
        assert max(one["virial_error"] for one in kept) < 0.003
        assert kept[1]["misfit"] < 0.001
        slopes.append([one["slope_at"] for one in kept])
    grid = halo.grid_of(12, 60)
    below = theory.halo(halo.solved(halo.family([2.0], grid)[0], grid, 1.5), 1.5, grid)
    assert below["virial_error"] > 0.01
    assert below["misfit"] > 0.03
    np.testing.assert_allclose(slopes[0], slopes[1], atol=0.015)
    np.testing.assert_allclose([one[:, 3] for one in np.array(slopes)], 2, atol=1e-6)  # at r_-2 itself


def test_a_stretched_halo_is_no_solution():
    grid = halo.grid_of(12, 60)
    (found,) = halo.family([4.0], grid)
    stretched = found.copy()
    stretched[:-1] = np.interp(grid.node + np.log(1.35), grid.node, found[:-1]) + 3 * np.log(1.35)
    assert np.abs(halo.misfit(found, grid, 4.0)).max() < 0.002
    assert np.abs(halo.misfit(stretched, grid, 4.0)).max() > 0.05
    assert (halo.misfit(found * 50, grid, 4.0) == halo.WILD).all()


def test_darkexp_alone_maximises_its_entropy():
    e, n = entropy.occupation(3.0)
    other = np.exp(2.0 - e)  # Boltzmann's
    rng = np.random.default_rng(5)
    assert (entropy.entropy_of(entropy.changed(rng, e, n, 50), e) < entropy.entropy_of(n, e)).all()
    changes = entropy.changed(rng, e, other, 50)
    np.testing.assert_allclose(np.trapezoid(changes, e), np.trapezoid(other, e))
    np.testing.assert_allclose(np.trapezoid(changes * e, e), np.trapezoid(other * e, e))
    assert (entropy.entropy_of(other + 0.01 * (changes - other), e) > entropy.entropy_of(other, e)).any()


def test_gamma_occupation_nears_a_half_less():
    e = np.linspace(0, 5, 11)
    n = entropy.gamma_occupation(8.0, e)
    np.testing.assert_allclose(n, np.exp(8 - e) - 0.5, rtol=1e-3)


def test_curves_peak_where_they_should():
    x = np.geomspace(0.05, 40, 20001)
    for curve, peak in ((curves.nfw, 2.163), (curves.burkert, 3.245), (curves.freeman, 2.15)):
        assert x[curve(x).argmax()] == pytest.approx(peak, rel=0.01)
        assert curve(x).max() == pytest.approx(1, abs=1e-3)
    assert np.sqrt(curves.nfw(np.float64(0.2 * 2.163))) == pytest.approx(0.784, abs=1e-3)
    assert curves.pseudo_isothermal(1e6) == pytest.approx(1, abs=1e-5)
    assert curves.core_nfw(np.array([1e-3]))[0] / curves.core_nfw(np.array([5e-4]))[0] == pytest.approx(4, rel=0.01)


def test_mass_of_a_soliton():
    """11.6 rho_s r_c^3 in all (Schive 2014)."""
    v2 = curves.soliton(np.array([200.0]), np.array([1.0]), 1.0)[0]
    assert v2 * 200 / curves.G / 1.9e7 == pytest.approx(11.6, rel=0.01)


def test_many_fits_agree_with_scipy():
    x, rng = np.linspace(0, 2, 15), np.random.default_rng(3)
    y = np.exp(-np.array([[0.7], [1.9], [3.5]]) * x) * 2 + 0.05 * rng.standard_normal((3, 15))

    def residual(theta):
        return theta[:, :1] * np.exp(-theta[:, 1:] * x) - y

    low, high = np.array([0.0, 0.0]), np.array([5.0, 3.0])  # the last ends on its bound
    theta, cost = minimise(residual, np.ones((3, 2)), low, high, 40)
    for i in range(3):
        peer = least_squares(lambda t, i=i: t[0] * np.exp(-t[1] * x) - y[i], [1, 1], bounds=(low, high))
        np.testing.assert_allclose(theta[i], peer.x, atol=2e-4)
        assert cost[i] == pytest.approx(2 * peer.cost, rel=1e-5)


def test_an_nfw_galaxy_gives_its_halo_back():
    r = np.linspace(0.5, 20, 30)[None]
    zero = np.zeros_like(r)
    data = {"rad": r, "v_obs": 90 * np.sqrt(curves.nfw(r / 6)), "v_err": zero + 2, "v_gas": zero, "v_disk": zero}
    used = np.ones(r.shape, bool)
    found = rotation.fit(rotation.scaled(curves.nfw), data, used, 20, 2)
    np.testing.assert_allclose(np.exp(found.theta[0, :2]), [90, 6], rtol=1e-3)
    assert found.chi2[0] < 1e-4
    cored = rotation.fit(rotation.scaled(curves.burkert), data, used, 20, 2)
    assert cored.chi2[0] > 10


def test_shares_of_a_plummer_sphere_in_projection():
    radius = np.geomspace(1e-3, 1e3, 2000)
    seen = np.array([0.3, 1.0, 4.0])
    mass = (radius**2 / (1 + radius**2)) ** 1.5
    np.testing.assert_allclose(dwarfs.inside(mass, radius, seen), curves.plummer_inside(seen), atol=2e-3)


def test_deviance_counts_and_a_perfect_fit():
    edge = dwarfs.edges(3.0)
    assert edge[-1] == pytest.approx(3)
    np.testing.assert_allclose(np.diff(curves.plummer_inside(edge)), 0.09)
    counts = dwarfs.rings(np.linspace(0.01, 2.99, 200)[None], edge)
    assert counts.sum() == 200
    assert dwarfs.deviance(counts, counts[:, None] / 200)[0, 0, 0] == pytest.approx(0, abs=1e-9)


def test_shares_of_plummer_fit_plummer_alone():
    """A table with a Plummer sphere (half-mass radius 1.305) among its shapes gives equal shares at that scale."""
    radius = np.geomspace(1e-3, 1e3, 400)
    spheres = [
        (radius**2 / (radius**2 + (1 / 1.305) ** 2)) ** 1.5,
        *((radius / (radius + a)) ** 2 for a in (0.2, 0.4, 0.8)),
    ]
    halos = xr.Dataset({"mass": (("phi0", "radius"), spheres)}, {"phi0": [1.0, 2, 3, 4], "radius": radius})
    found = dwarfs.shares(dwarfs.table(halos, False), np.array([1.0, 3.0]), dwarfs.edges(3.0))
    far = np.abs(found - 0.1).max(-1).min(1)
    assert far[0] < 0.004
    assert far[1] > 0.03


def test_starts_differ_in_the_first_parameter():
    many = np.array([[5.0], [1], [2], [3], [9], [0]])  # two values of the first, three places each
    assert rotation.starting(many, 2, 2).ravel().tolist() == [5, 1]


def test_stars_are_plummer_and_no_truth_is_darkexp():
    data = simulate.simulate(case_of("darkexp_halos", "fits", "simulate"))
    stars = data["dwarfs/projected"].values
    assert np.median(stars) == pytest.approx(np.sqrt(0.45 / 0.55), abs=0.1)
    assert stars.max() < 3
    assert set(data["galaxies"].truth.values) == {"core_nfw", "burkert", "pseudo_isothermal", "nfw"}


ROW = "{name} 3.2 {r} {v} 2.0 -5.0 20.0 10.0 1.0 0.0\n"


def test_sparc_is_read_or_refused(tmp_path):
    path = tmp_path / "table.mrt"
    path.write_text("Title: x\n" + "".join(ROW.format(name=n, r=r, v=60 + r) for n in "ABC" for r in range(1, 9)))
    found = sparc.read(path, 8)
    assert len(found) == 3
    assert found[0]["v_gas"][0] == -5
    assert found[0]["v_disk"][0] == pytest.approx(np.sqrt(400 + 140))
    with pytest.raises(UserError, match="fewer than 3"):
        sparc.read(path, 9)
    path.write_text("nothing\n")
    with pytest.raises(UserError, match="MassModels_Lelli2016c"):
        sparc.read(path, 8)


def test_real_data_need_a_path():
    good = case_of("darkexp_halos", "fits", "forecast").params.model_dump()
    FitsParams.model_validate(good)
    with pytest.raises(ValueError, match="MassModels_Lelli2016c"):
        FitsParams.model_validate(good | {"simulate": good["simulate"] | {"data": "sparc"}})


def test_darkexp_curve_goes_through_its_table():
    radius = np.geomspace(1e-3, 60, 300)
    speed = np.array([np.sqrt(radius**2 / (radius + a) ** 2 / radius) for a in (0.3, 0.4, 0.5, 0.6, 0.7)])
    peaks = radius[speed.argmax(1)]
    halos = xr.Dataset(
        {"speed": (("phi0", "radius"), speed), "r_max": ("phi0", peaks)},
        {"phi0": [1.0, 2, 3, 4, 5], "radius": radius},
    )
    theta = np.array([[2.0, np.log(50), np.log(3 * peaks[1])]])
    found = np.sqrt(rotation.darkexp(halos)(theta, 3 * radius[None, 40:250]))
    np.testing.assert_allclose(found[0], 50 * speed[1, 40:250] / speed[1].max(), rtol=2e-3)


def test_parts_split_what_was_measured():
    measured = np.array([[1, 1, 1, 1, 1, 0], [1] * 6], bool)
    inner, outer = parts(measured, 0.6)
    assert inner.sum(1).tolist() == [3, 4]
    assert outer.sum(1).tolist() == [2, 2]
    assert not (inner & outer).any()
