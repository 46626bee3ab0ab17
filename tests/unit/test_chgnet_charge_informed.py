"""CHGNet: crystals, the paper's numbers, MPtrj's schema, the analysis on made-up results, and the students."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from pydantic import ValidationError

from pesin.errors import UserError
from pesin.steps.files import publish, same
from project import case_of
from stopping import assert_goes_on
from studies.chgnet_charge_informed.chemistry.entropy import _dynamics, _olivine, _phases, derangement, two_groups
from studies.chgnet_charge_informed.chemistry.forecast import _accuracy, _hop, _surface, _valence, fit_lattice
from studies.chgnet_charge_informed.chemistry.student import frames
from studies.chgnet_charge_informed.chemistry.student_errors import pair_potential
from studies.chgnet_charge_informed.chemistry.train import train
from studies.chgnet_charge_informed.crystals import build, unpaired_electrons
from studies.chgnet_charge_informed.delithiated import padded
from studies.chgnet_charge_informed.garnet.cell import garnet, knock_on
from studies.chgnet_charge_informed.garnet.forecast import arrhenius
from studies.chgnet_charge_informed.olivine.simulate import delithiations
from studies.chgnet_charge_informed.potential import evaluate, load, without_atoms
from studies.chgnet_charge_informed.predictions.mptrj import read_frames
from studies.chgnet_charge_informed.predictions.simulate import _held_out

ROOT = Path(__file__).parents[2]
STUDY = "chgnet_charge_informed"


def case(step, name="chemistry", scale="smoke", **change):
    return case_of(STUDY, name, step, scale, **change)


def number(array):
    return np.asarray(array).item()


# ----------------------------------------------------------------------------------------------------------- crystals


def test_formal_unpaired_electrons():
    known = {"mno": 5, "fe2o3": 5, "limno2": 4, "feo": 4, "mno2": 3, "coo": 3, "cro2": 2, "nio": 2, "vo2": 1, "tio2": 0}
    assert {name: unpaired_electrons(name) for name in known} == known


def test_one_choice_of_each_symmetry_class():
    pytest.importorskip("pymatgen")
    from pymatgen.analysis.structure_matcher import StructureMatcher

    full = build("lifepo4")
    assert full.composition.reduced_formula == "LiFePO4" and len(full) == 28
    lithium = [i for i, site in enumerate(full) if site.specie.symbol == "Li"]
    cells = []
    for empty in delithiations().values():
        cell = full.copy()
        cell.remove_sites([lithium[i] for i in empty])
        cells.append(cell)
    assert [sum(s.specie.symbol == "Li" for s in c) for c in cells] == [4, 3, 2, 2, 2, 1, 0]
    matcher = StructureMatcher(primitive_cell=False, scale=False, ltol=0.01, stol=0.01, angle_tol=0.1)
    assert not any(matcher.fit(a, b) for a, b in ((cells[2], cells[3]), (cells[2], cells[4]), (cells[3], cells[4])))


def test_the_garnet_and_its_extra_lithium():
    pytest.importorskip("pymatgen")

    assert garnet(0).composition.reduced_formula == "Li3La3(TeO6)2" and len(garnet(0)) == 80
    more = garnet(2)
    lithium = [site for site in more if site.specie.symbol == "Li"]
    assert len(more) == 82 and len(lithium) == 14
    assert lithium[-1].distance(lithium[-2]) > 3 or lithium[0].distance(lithium[1]) > 3


def test_atoms_leave_the_hessian():
    full = np.arange(225.0).reshape(15, 15)
    left = without_atoms(full, [1])
    assert left.shape == (12, 12) and left[0, 3] == full[0, 6] and left[-1, -1] == full[-1, -1]
    assert without_atoms(full, []).shape == (15, 15)


def test_padding_keeps_what_is_there():
    out = padded([np.ones((2, 3)), np.ones((4, 3))])
    assert out.shape == (2, 4, 3) and np.isnan(out[0, 2:]).all() and (out[1] == 1).all()
    assert (padded([np.array([3, 4]), np.array([5])], fill=0) == [[3, 4], [5, 0]]).all()


# -------------------------------------------------------------------------------------------------------- CHGNet itself


def test_reading_the_study_imports_no_package_of_the_field():
    code = (
        "import sys\n"
        f"from studies.{STUDY} import figures\n"
        f"from studies.{STUDY}.chemistry import params, entropy, forecast\n"
        f"from studies.{STUDY}.garnet import forecast as diffusion, simulate as garnet\n"
        f"from studies.{STUDY}.manganate import simulate as manganate\n"
        f"from studies.{STUDY}.olivine import simulate as olivine\n"
        f"from studies.{STUDY}.predictions import simulate as predictions\n"
        "print([m for m in ('torch', 'chgnet', 'ase', 'pymatgen') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "workflow/scripts", capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr


def test_without_chgnet_a_sentence_names_it(monkeypatch):

    load.cache_clear()
    for name in [m for m in sys.modules if m == "chgnet" or m.startswith("chgnet.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "chgnet", None)
    with pytest.raises(UserError, match="^chgnet is missing"):
        load("0.3.0")


def test_known_answers_of_version_030():
    pytest.importorskip("chgnet")

    net = load("0.3.0")
    assert net.n_params == 412_525
    found = evaluate(net, build("limno2"))
    assert found["e"] == pytest.approx(-7.3677, abs=1e-4)
    assert found["m"][2:4] == pytest.approx(3.87, abs=0.01)
    assert evaluate(net, build("mno"))["m"].max() == pytest.approx(4.63, abs=0.01)
    small = build("mgo")
    small.apply_strain(4.20 / 4.21 - 1)
    found = evaluate(net, small)
    assert found["e"] == pytest.approx(-6.3083, abs=1e-4)
    assert np.diag(found["s"]) == pytest.approx([-5.29] * 3, abs=0.02)
    shuffled = evaluate(load("0.3.0", "permuted", 1), build("limno2"))
    assert abs(shuffled["e"] + 7.37) > 1 and load("0.3.0", "permuted", 1) is not net


# -------------------------------------------------------------------------------------------------------------- MPtrj


@pytest.mark.parametrize("version", ["0.2.0", "0.3.0"])
def test_forces_and_stress_are_those_of_chgnet_itself(version):
    from chgnet.model.model import CHGNet

    crystal = build("limno2")
    crystal.perturb(0.05)
    expected = CHGNet.load(model_name=version, use_device="cpu", verbose=False).predict_structure(crystal)
    found = evaluate(load(version), crystal)
    for name, tolerance in {"e": 1e-6, "f": 1e-4, "s": 1e-3, "m": 1e-6}.items():
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=tolerance)


def frame(atoms=2, **change):
    sites = [{"species": [{"element": "O", "occu": 1}], "abc": [0, 0, i / atoms]} for i in range(atoms)]
    made = {
        "structure": {"lattice": {"matrix": np.eye(3).tolist()}, "sites": sites},
        "corrected_total_energy": -12.0,
        "force": np.ones((atoms, 3)).tolist(),
        "stress": np.eye(3).tolist(),
        "magmom": [-1.5] * atoms,
    }
    return {k: v for k, v in (made | change).items() if v != "drop"}


def write(tmp_path, data):
    path = tmp_path / "frames.json"
    path.write_text(json.dumps(data))
    return str(path)


def test_frames_of_mptrj_are_read(tmp_path):
    path = write(tmp_path, {"mp-1": {"a": frame(), "b": frame(magmom=None)}, "mp-2": {"c": frame(3)}})
    found = read_frames(path, 2)
    assert [one["material"] for one in found] == ["mp-1", "mp-2"]
    assert found[0]["energy"] == -6 and found[0]["stress"][0, 0] == -0.1 and found[0]["moment"][0] == 1.5
    assert np.isnan(read_frames(path, 3)[2]["moment"]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"force": [[1, 2, 3]]}, "'force' should be finite numbers of shape"),
        ({"stress": "drop"}, "'stress' is missing"),
        ({"structure": 3}, "has no 'structure'"),
        ({"corrected_total_energy": "drop"}, "'energy_per_atom' is missing"),
        ({"magmom": ["x", 1]}, "'magmom' is missing or not numbers"),
    ],
)
def test_a_frame_of_another_form_is_named(tmp_path, change, said):
    with pytest.raises(UserError, match=said) as error:
        read_frames(write(tmp_path, {"mp-1": {"a": frame(**change)}}), 5)
    assert "mp-1/a" in str(error.value) and "figshare" in str(error.value)


def test_a_missing_file_says_where_to_get_the_data(tmp_path):
    with pytest.raises(UserError, match="there is no file.*MPtrj_2022.9_full.json"):
        read_frames(str(tmp_path / "nothing.json"), 5)
    with pytest.raises(UserError, match="is not a mapping of materials"):
        read_frames(write(tmp_path, [1, 2]), 5)


def test_errors_on_real_frames_need_only_the_switch(tmp_path):
    pytest.importorskip("chgnet")
    structure = build("mgo")
    truth = evaluate(load("0.3.0"), structure)
    made = frame(
        2,
        structure=structure.as_dict(),
        corrected_total_energy=float(truth["e"]) * 2 + 0.02,
        force=(truth["f"] + 0.1).tolist(),
        stress=(-10 * truth["s"]).tolist(),
        magmom=None,
    )
    settings = {"versions": ["0.3.0"], "held_out": {"path": write(tmp_path, {"mp-1": {"a": made}}), "frames": 5}}
    held = case("simulate", "atoms", simulate=settings)
    found = _held_out(held, held.params.simulate.held_out)
    assert number(found["energy_error"]) == pytest.approx(0.01, abs=1e-4)
    assert number(found["force_error"]) == pytest.approx(0.1, abs=1e-4)
    assert number(found["stress_error"]) < 1e-3 and np.isnan(number(found["moment_error"]))


# ----------------------------------------------------------------------------------------------------------- analysis


def test_lattice_constant_and_bulk_modulus_are_recovered():
    a0, bulk = 4.2533, 132.0
    constants = np.linspace(4.1, 4.4, 7)
    volume, v0 = constants**3 / 8, a0**3 / 8
    energy = -6 + bulk / 160.21766 * (volume - v0) ** 2 / (2 * v0)
    assert fit_lattice(constants, energy, 8) == pytest.approx((a0, bulk), rel=1e-4)
    assert np.isnan(fit_lattice(constants, constants, 8)).all()


def test_a_derangement_moves_everything():
    for n in (2, 3, 10):
        order = derangement(n, np.random.default_rng(n))
        assert (order != np.arange(n)).all() and set(order) == set(range(n))


def test_groups_of_moments():
    gap, spread, upper = two_groups(np.array([3.80, 4.33, 4.35, 3.79]))
    assert (
        gap == pytest.approx(0.545) and spread == pytest.approx(0.02) and upper.tolist() == [False, True, True, False]
    )


def olivine(formation=(0, 0.02, 0.025, 0.03, 0.02, 0.015, 0)):
    x = np.array([1, 0.75, 0.5, 0.5, 0.5, 0.25, 0])
    two, three = 3.75, 4.36
    sites = np.array([[three if i < round(4 * (1 - xi)) else two for i in range(4)] for xi in x])
    energy = -52.7 * x - 47.4 * (1 - x) + np.array(formation)
    dims = ("version", "config")
    return xr.Dataset(
        {
            "x_li": (dims, x[None]),
            "energy": (dims, energy[None]),
            "metal_moment": ((*dims, "site"), sites[None]),
            "volume": (dims, np.linspace(74, 71, 7)[None]),
            "force_left": (dims, np.full((1, 7), 0.05)),
        },
        {"version": ["0.2.0"], "config": list(delithiations())},
    )


def test_valences_and_critical_temperatures_of_a_made_up_olivine():
    asked = case("entropy").params.entropy
    found = _olivine(olivine(), asked)
    np.testing.assert_allclose(found["ferric_share"].values[0], 1 - found["x"].values)
    np.testing.assert_allclose(found["formation_energy"].values[0, [0, 2, -1]], [0, 0.025, 0], atol=1e-12)
    assert number(found["charge_entropy"].sel(config="without_01")) == pytest.approx(np.log(2))
    critical = found["critical_temperature"].sel(config="without_01").values[0]
    assert critical[0] == pytest.approx(2 * critical[1]) and critical[0] == pytest.approx(
        0.1 / 2 / 8.617333e-5, rel=1e-6
    )
    assert np.isnan(found["critical_temperature"].sel(config="full")).all()
    ordered = asked.model_copy(update={"electrons": False})
    same_twice = _olivine(olivine(), ordered)["critical_temperature"].sel(config="without_01").values[0]
    assert same_twice[0] == pytest.approx(same_twice[1])
    assert (_phases(found, asked)["lowering"].sel(source="literature") == 2).all()
    nothing = _olivine(olivine(), asked.model_copy(update={"energies": "linear", "moments": "constant"}))
    assert not nothing["formation_energy"].any() and not nothing["moment_gap"].any()


def test_no_gap_where_formation_energies_are_negative():
    asked = case("entropy").params.entropy
    iron = _olivine(olivine(formation=(0, -0.02, -0.02, -0.02, -0.02, -0.02, 0)), asked)
    assert np.isnan(iron["critical_temperature"]).all()
    phases = _phases(iron, asked)
    assert np.isnan(phases["poor_side"].sel(source="0.2.0")).all()
    assert np.isfinite(phases["poor_side"].sel(source="literature", carriers="lithium")).any()
    assert number(phases["bound_carriers"].sel(binding=0.0)) == pytest.approx(2)


def hop():
    energy = [[0, 0.1, 0.26, 0.1], [0, 0.3, 1.6, 6.7]]
    dims = ("path", "fraction")
    return xr.Dataset(
        {
            "energy": (dims, np.array(energy) - 60),
            "force_left": (dims, np.full((2, 4), 0.01)),
            "end_energy": ((), 0.02),
        },
        {"path": ["empty", "occupied"], "fraction": [0, 0.25, 0.5, 0.75]},
    )


def test_barriers():
    free, blocked, still = (_hop(hop(), path) for path in ("empty", "occupied", "resting"))
    assert number(free["barrier"]) == pytest.approx(0.26) and number(free["peak"]) == 0.5
    assert number(blocked["barrier"]) == pytest.approx(6.7) and number(blocked["peak"]) == 0.75
    assert number(still["barrier"]) == number(still["peak"]) == 0


def test_the_hop_of_the_garnet_is_a_knock_on():
    pytest.importorskip("pymatgen")
    extra, mover, goal = knock_on()
    cell = garnet(1)
    assert [cell[i].specie.symbol for i in (extra, mover)] == ["Li", "Li"]
    beside = [
        i for i, site in enumerate(cell) if site.specie.symbol == "Li" and 0.1 < cell.get_distance(i, extra) < 2.2
    ]
    assert len(beside) == 2 and mover in beside
    cell.append("Li", goal)
    assert cell.get_distance(mover, 81) < 2.2 and min(cell.get_distance(i, 81) for i in range(81)) > 1.5


def test_a_flat_energy_is_near_nothing():
    energy = xr.DataArray(np.ones((1, 2, 9)), dims=("version", "net", "lattice_constant"))
    eos = xr.Dataset({"energy": energy}, {"lattice_constant": np.linspace(4, 4.4, 9), "net": ["trained", "permuted"]})
    force = (("version", "net"), np.ones((1, 2)))
    oxides = xr.Dataset({"reference_force": force}, {"version": ["0.3.0"], "net": ["trained", "permuted"]})
    found = _accuracy(oxides, eos, "constant")
    assert np.isnan(number(found["mgo_lattice_constant"])) and number(found["limno2_force"]) == 0


def test_rounded_moments_are_counted():
    oxides = xr.Dataset(
        {"moment": (("version", "oxide"), [[4.6, 3.9, 0.02, 9.0]]), "unpaired": ("oxide", [5, 4, 0, 5])},
        {"version": ["0.3.0"], "oxide": list("abcd")},
    )
    counts = _valence(oxides)["confusion"].values[0]
    assert counts.sum() == 4 and counts[5, 5] == 2 and counts[4, 4] == counts[0, 0] == 1


def test_arrhenius_energy_is_recovered():
    temperature, time = np.array([1000.0, 1200, 1500, 1800]), np.arange(0, 2000, 20.0)
    slope = 0.01 * np.exp(-0.4 / (8.617333262e-5 * temperature))
    curve = (6 * slope[:, None, None] * time).repeat(2, 1)
    data = xr.Dataset(
        {"displacement": (("temperature", "replica", "time"), curve)},
        {"temperature": temperature, "replica": [0, 1], "time": time},
    )
    found = arrhenius(data)
    np.testing.assert_allclose(found["activation"], 0.4, rtol=1e-6)
    np.testing.assert_allclose(found["diffusion"][:, 0], slope, rtol=1e-6)


def test_relative_errors_of_derivatives():
    one = {"force_difference": ("crystal", [2.0]), "stress_difference": ("crystal", [4.0])}
    both = {name: (("crystal", "net"), [[v, 9.0]]) for name, v in (("force", 2.02), ("stress", 4.0))}
    data = xr.Dataset(one | both, {"crystal": ["mgo"], "net": ["trained", "permuted"], "operation": ["rotation"]})
    data["force"].attrs["units"] = data["stress"].attrs["units"] = "1"
    data["symmetry_error"] = (("crystal", "operation"), [[0.0]])
    assert number(_surface(data, "trained")["force_error"]) == pytest.approx(0.01)
    assert number(_surface(data, "permuted")["stress_error"]) == pytest.approx(1.25)


# ----------------------------------------------------------------------------------------------------------- students


def dynamics(seed=0):
    """Trajectories of a pair potential whose moments on Mn say how much lithium is near."""
    rng = np.random.default_rng(seed)
    cell = np.diag([2.87, 4.63, 5.83])
    sites = np.array([(0.5, 0.5, 0.38), (0, 0, 0.62), (0.5, 0.5, 0.86), (0, 0, 0.14), (0.5, 0, 0.36), (0, 0.5, 0.10)])
    full = np.array([3, 3, 25, 25, 8, 8])
    lithium, numbers, position = [], [], []
    for count in (2, 1, 0):
        keep = np.arange(2 - count, 6)
        number = np.r_[full[keep], [0] * (2 - count)]
        base = np.concatenate([sites[keep] @ cell, np.full((2 - count, 3), np.nan)])
        lithium.append(count)
        numbers.append(number)
        position.append(base + rng.normal(0, 0.05, (6, 6, 3)))
    position, numbers, lithium = np.array(position), np.array(numbers), np.array(lithium)
    there = np.isfinite(position[..., 0])
    moment = np.where(there, 0.0, np.nan)
    mn = numbers[:, None] == 25
    moment = np.where(
        mn & there, 3.3 + 0.3 * lithium[:, None, None] + 0.2 * np.nan_to_num(position[..., :1, 0]), moment
    )
    energy = -20 - 5.0 * lithium[:, None] + np.nansum((position - np.nanmean(position, 1, keepdims=True)) ** 2, (2, 3))
    dims = ("trajectory", "frame")
    return xr.Dataset(
        {
            "lithium": ("trajectory", lithium),
            "temperature": ("trajectory", [600.0] * 3),
            "number": (("trajectory", "atom"), numbers),
            "cell": (("trajectory", "vector", "axis"), np.array([cell] * 3)),
            "position": ((*dims, "atom", "axis"), position),
            "force": (
                (*dims, "atom", "axis"),
                np.where(there[..., None], 0.1, np.nan) * rng.normal(size=position.shape),
            ),
            "magmom": ((*dims, "atom"), moment),
            "energy": (dims, energy),
            "time": (dims, np.tile(np.arange(6.0), (3, 1))),
            "replica": ("trajectory", [0, 0, 0]),
        },
        {"frame": np.arange(6.0)},
    )


def test_frames_hold_what_the_trajectories_do():
    found = frames(dynamics(), 4.0, "cpu")
    assert found.position.shape == (18, 6, 3) and found.lithium.tolist() == [2] * 6 + [1] * 6 + [0] * 6
    assert found.atoms.tolist() == [6] * 6 + [5] * 6 + [4] * 6
    assert not found.real[6:, 5].any() and found.real[:, 0].any()


def test_the_pair_potential_fits_pairs():
    """Energies and forces of a true pair potential of the same form are recovered on held-out frames."""
    data = frames(dynamics(), 4.0, "cpu")
    apart = np.take_along_axis(data.position.numpy()[:, None].repeat(6, 1), data.index.numpy()[..., None], 2)
    apart = apart + data.shift.numpy() - data.position.numpy()[:, :, None]
    distance = np.where(data.real, np.linalg.norm(apart, axis=-1), 9.0)
    bump = np.exp(-(((distance - 2.214285714) / 0.4) ** 2)) * data.real.numpy()
    energy = bump.sum((1, 2)) / 2
    force = ((-2 * (distance - 2.214285714) / 0.16 * bump / distance)[..., None] * apart).sum(2)
    data.force[:] = torch.as_tensor(force)
    seen = data.lithium != 1
    fitted, pulls = pair_potential(data, seen, energy)
    # What one atom more adds can't be told from two compositions: the energy is recovered up to a constant.
    np.testing.assert_allclose(np.ptp((fitted - energy)[~seen]), 0, atol=0.02)
    np.testing.assert_allclose(pulls[~seen], force[~seen], atol=0.02)


def test_students_learn_and_repeat(tmp_path):
    # A step function reads results as they come from the file: the trajectories as a group.
    data = xr.DataTree.from_dict({"dynamics": dynamics()})
    small = {"train": {"steps": 60, "batch": 6, "seeds": 2, "lr": 1e-2}}
    first, again = (train(case("train", **small), data) for _ in range(2))
    assert same(first, again)
    assert first["curves"]["loss"].shape == (3, 2, 2, 60)
    assert (first["curves"]["loss_ratio"].values < 0.9).all()
    moment = first["curves"]["loss"].sel(part="moment").values
    assert moment[1, :, -5:].mean() < 0.5 * moment[1, :, :5].mean(), "the head learns"
    publish(first, tmp_path / "trained.nc", {"step": "train"})
    shuffled = train(case("train", train={**small["train"], "moments": "shuffled"}), data)
    assert not same(first, shuffled)
    with_head = [name for name in first["weights"].data_vars if name.startswith("site")]
    assert with_head


def test_stopped_students_go_on_to_the_same_end(tmp_path, monkeypatch):
    data = xr.DataTree.from_dict({"dynamics": dynamics()})
    small = case("train", train={"steps": 6, "batch": 3, "seeds": 2})
    assert_goes_on(lambda one: train(one, data), small, tmp_path, monkeypatch, turns=4)


def test_moments_in_the_band():
    oxides = xr.Dataset({"moment": (("version", "oxide"), [[4.6, 3.9, 3.1]])}, {"oxide": ["mno", "limno2", "mno2"]})
    found = _dynamics(dynamics(), oxides)
    assert found["band"].values.tolist() == pytest.approx([3.5, 4.25])
    assert found["mean_moment"].dims == ("x_li",) and (found["mean_moment"].diff("x_li") > 0).all()
    assert found["share_in_band"].shape == (1,) and number(found["share_in_band"][0]) == 1


DYNAMICS = {
    "runs": [{"lithium": 0, "temperature": 600, "replicas": 1, "every": 1}],
    "frames": 5,
    "dt": 2,
    "friction": 0.02,
}


@pytest.mark.parametrize(
    "name, change",
    [
        ("atoms", {"versions": ["0.4.0"]}),
        ("atoms", {"versions": []}),
        ("atoms", {"hop": {"fractions": [0, 2, 1]}}),
        ("atoms", {"surface": {"crystals": ["unobtainium"]}}),
        ("atoms", {"equation_of_state": {"points": 3}}),
        ("atoms", {"oxides": ["mno", "mno2", "tio2"]}),
        ("atoms", {"oxides": ["mno", "limno2", "mno2", "mno"]}),
        ("manganate", {"lithium": [2, 1, 0, 0]}),
        ("manganate", {"lithium": [2], "dynamics": DYNAMICS}),
        ("manganate", {"lithium": [], "dynamics": DYNAMICS}),
        ("atoms", {"dynamics": DYNAMICS}),
    ],
)
def test_bad_parameters_are_refused(name, change):
    with pytest.raises(ValidationError):
        case("simulate", name, simulate=change)


@pytest.mark.parametrize("lithium", [[0, 2], [1]])
def test_students_need_what_they_train_on_and_something_held_out(lithium):
    data = xr.DataTree.from_dict({"dynamics": dynamics().isel(trajectory=[0, 2])})
    with pytest.raises(UserError, match="others to be tested on"):
        train(case("train", train={"lithium": lithium}), data)
