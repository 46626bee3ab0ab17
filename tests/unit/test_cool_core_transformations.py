"""Cool cores: known answers of generator, finder, matched controls, transfer entropy; the real file's reader."""

import netCDF4
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pesin.errors import UserError
from project import case_of
from studies.cool_core_transformations import entropy, finder, generator, links, tng, windows
from studies.cool_core_transformations.forecast import told
from studies.cool_core_transformations.params import Simulate
from studies.cool_core_transformations.simulate import parts, simulate
from studies.cool_core_transformations.train import network, outlook

DT = 0.05


def ramps(total, slope, start=4.0):
    times = DT * np.arange(225)
    return np.clip((times - start) * slope, 0, total)


@pytest.mark.parametrize(
    ("total", "slope", "number"),
    [(1.0, 0.5, 1), (1.0, 1.0, 1), (0.8, 1.0, 1), (0.7, 0.5, 0), (1.0, 0.3, 0), (0.5, 1.0, 0)],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_ramps_without_noise(total, slope, number, sign):
    found = finder.transformations(finder.smooth(sign * ramps(total, slope)[None], DT), DT)
    assert found.sign.tolist() == [sign] * number
    if number:
        assert abs(4.0 + total / slope / 2 - DT * found.place[0]) <= total / slope / 2  # inside of the ramp


def test_runs_bridge_short_gaps_alone_and_no_rows():
    yes = np.array([[1, 1, 0, 1, 0, 0, 1], [1, 0, 0, 0, 0, 0, 0]], bool)
    row, first, last = finder.runs(yes, 2)
    assert (row.tolist(), first.tolist(), last.tolist()) == ([0, 0, 1], [0, 6, 0], [3, 6, 0])
    assert finder.runs(np.zeros((2, 5), bool), 2)[0].size == 0


def test_a_reversed_history_has_the_same_events_downward():
    up = ramps(1.0, 1.0)[None]
    here, back = (finder.transformations(finder.smooth(x, DT), DT) for x in (up, up[:, ::-1]))
    assert (here.sign.tolist(), back.sign.tolist()) == ([1], [-1])


def test_spells_that_last_with_censoring():
    """Spells of 10, 20, 50 steps seen to begin and end, one of 30 still on: (3/4) (2/3) outlast 40 steps."""
    inside = np.zeros((6, 100), bool)
    for row, (start, stop) in enumerate([(5, 15), (5, 25), (5, 55), (70, 100)]):
        inside[row, start:stop] = True
    inside[4, :30] = True  # was on before: not seen to begin
    inside[5, 30:33] = True  # too short
    assert finder.outlasting(inside, DT) == pytest.approx(0.5)
    assert finder.outlasting(inside, DT, 10 * DT) == pytest.approx(0.75)  # outlast: are longer
    assert finder.outlasting(inside, DT, 50 * DT) == 0
    assert np.isnan(finder.outlasting(np.ones((3, 100), bool), DT))
    inside[:] = False
    inside[:, 50:] = True
    assert finder.outlasting(inside, DT) == 1


def test_cooling_alone_ends_at_the_floor_and_mergers_are_poisson():
    assert generator.cooling(np.array(generator.FLOOR)) == 0
    assert generator.cooling(np.array(20.0)) > generator.cooling(np.array(300.0)) > 0  # hot gas cools slowly
    made = generator.population(np.random.default_rng(3), 2000, DT, [0.6])
    times = generator.clock(DT)
    rate = generator.merger_rate(times[1:, None], made["lg_mass"]).sum(0) * DT
    number = (made["mass_ratio"] > 0).sum(1)
    assert number.mean() == pytest.approx(rate.mean(), abs=4 * np.sqrt(rate.mean() / 2000) + 0.02 * rate.mean())
    assert number.var() == pytest.approx(rate.mean() + rate.var(), rel=0.15)


def test_worlds_share_all_that_no_switch_touches():
    made = generator.population(np.random.default_rng(4), 60, DT, [0.2, 0.6])
    k0, agn = made["k0"], made["agn"]
    everything, no_mergers, no_agn, still = (generator.SWITCHES.index(name) for name in generator.SWITCHES)
    assert (k0[..., 0] == k0[0, 0, :, 0]).all()
    np.testing.assert_array_equal(k0[no_mergers, 0], k0[no_mergers, 1])  # their success means nothing
    assert (k0[everything, 0] != k0[everything, 1]).any()
    assert (agn[no_agn] == 0).all()
    assert (agn[still] == 0).all()
    assert k0[everything, 1, :, -1].mean() > k0[no_agn, 1, :, -1].mean()
    change = np.diff(np.log(k0[still, 0]), axis=-1)
    assert change.std() == pytest.approx(0.1 * np.sqrt(DT), rel=0.05)
    assert abs(change.mean()) < 0.001


def test_controls_are_the_mean_over_clusters_of_like_mass():
    mass = np.array([14.0, 14.1, 14.15, 15.0])
    weights = links.peers(mass)
    np.testing.assert_allclose(weights[0], [0, 0.5, 0.5, 0])
    np.testing.assert_allclose(weights[3], [0, 0, 1, 0])  # nobody near: the nearest
    marked = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    assert links.excess(marked, weights, np.array([0, 3]), np.array([0, 1])) == (0.5, 0.75)
    assert np.isnan(links.excess(marked, weights, np.array([], int), np.array([], int))).all()


def test_windows_before_and_around():
    x = np.array([[1, 0, 0, 2, 0]])
    np.testing.assert_array_equal(links.before(x, 2), [[1, 1, 0, 2, 2]])
    np.testing.assert_allclose(links.around(x, 1), [[0.5, 1 / 3, 2 / 3, 2 / 3, 1]])


def test_transfer_entropy_of_copies_and_of_strangers():
    rng = np.random.default_rng(5)
    source = rng.integers(2, size=(40, 500))
    copied = np.roll(source, 1, 1)
    assert links.transfer_entropy(source, copied) == pytest.approx(1, abs=0.01)
    assert links.transfer_entropy(copied, source) == pytest.approx(0, abs=0.002)
    assert links.transfer_entropy(source, rng.integers(2, size=(40, 500))) == pytest.approx(0, abs=0.002)


def test_known_values_of_the_default_generator():
    """Six seeds elsewhere gave 2.00 events of a cluster, 0.738 of them upward, an excess of 0.345, an AUC of 0.725."""
    made = generator.population(np.random.default_rng(77), 352, DT, [0.6])
    params = case_of("cool_core_transformations", "population", "entropy").params.entropy
    weights = links.peers(made["lg_mass"])
    mergers = {name: made[name] for name in ("mass_ratio", "spin")}

    def of(world):
        smoothed = finder.smooth(np.log(made["k0"][world, 0].astype(float)), DT)
        return entropy.of_population(params, DT, smoothed, mergers, made["agn"][world, 0].astype(float), weights)

    default, cold = of(0), of(1)
    assert default["events_per_cluster"] == pytest.approx(2.0, abs=0.2)
    assert default["up_share"][1][1] == pytest.approx(0.738, abs=0.09)
    assert default["excess"][0] == pytest.approx(0.345, abs=0.12)
    assert default["auc"] == pytest.approx(0.725, abs=0.08)
    assert abs(cold["excess"][0]) < 0.1
    assert abs(cold["rank_correlation"]) < 0.2


@pytest.mark.parametrize(("ramp", "belongs"), [(1.0, "own"), (1.0, "another"), (0.0, "own")])
def test_recall_of_ramps(ramp, belongs):
    case = case_of("cool_core_transformations", "population", "entropy", entropy={"ramp": ramp, "belongs": belongs})
    recall = entropy.of_ramps(case)["recall"][1]
    assert recall.min() > 0.9 if ramp and belongs == "own" else recall.max() < 0.3


def test_networks_see_their_inputs_alone():
    parameters = network(8, torch.Generator().manual_seed(1), "cpu")
    x = torch.randn(5, 21, 3, generator=torch.Generator().manual_seed(2))
    changed = x.clone()
    changed[..., 1] += 1  # mergers
    with torch.no_grad():
        before, after = outlook(parameters, x)[2], outlook(parameters, changed)[2]
    same = [bool(torch.equal(a, b)) for a, b in zip(before, after, strict=True)]
    assert dict(zip(windows.INPUTS, same, strict=True)) == {
        "entropy": True,
        "with_mergers": False,
        "with_agn": True,
        "all": False,
    }


def test_scores_of_events():
    assert told(np.array([1.0, 0.0]), np.array([True, False])) == (0, 1)
    assert np.isnan(told(np.array([np.nan, 0.0]), np.array([True, False]))).all()


def test_windows_look_ahead_and_back():
    """A step in ln K at one place: changes are seen before it, and the past after it."""
    case = case_of("cool_core_transformations", "population", "train", train={"clusters": 40, "share": 0.5})
    data = simulate(case)
    data["k0"][:] = 10.0
    data["k0"][..., 120:] = 30.0
    taught, tested = windows.cut(case.params, data)
    assert taught.x.shape[0] == tested.x.shape[0] == 20
    ends = np.arange(40, 225 - 40, 4)
    one = int(np.flatnonzero(ends == 116)[0])
    np.testing.assert_allclose(taught.y[0, one], np.log(3), rtol=1e-6)
    np.testing.assert_allclose(taught.x[0, one, :, 0], np.log(10) - windows.CENTRE, rtol=1e-6)
    np.testing.assert_allclose(taught.y[0, one + 1], 0, atol=1e-6)
    assert taught.event[0, one - 1]
    assert not taught.event[0, one + 1 :].any()  # the smoothed step is steepest from 116 on, so it is past


# ------------------------------------------------------------------------------------------------------ the real file


def write(path, clusters=70, **change):
    """A file as `tng.py` describes it, on the uneven times of snapshots."""
    rng = np.random.default_rng(8)
    time = 2.5 + 11.3 * np.linspace(0, 1, 80) ** 1.1
    held = {
        "time": time,
        "K0": np.exp(3 + 0.1 * np.cumsum(rng.standard_normal((clusters, time.size)), 1)),
        "smbh_kinetic": np.cumsum(rng.random((clusters, time.size)), 1),
        "lg_mass": rng.uniform(14, 15.3, clusters),
        "mergers/cluster": np.array([0, 0, 3]),
        "mergers/time": np.array([5.01, 5.02, 9.0]),
        "mergers/ratio": np.array([0.2, 0.7, 0.5]),
        "mergers/spin": np.array([30.0, 10.0, 20.0]),
    } | change
    with netCDF4.Dataset(path, "w") as file:
        for name, values in held.items():
            if values is None:
                continue
            where = file if "/" not in name else file.groups.get("mergers") or file.createGroup("mergers")
            dims = []
            for axis, size in enumerate(np.shape(values)):
                dims.append(f"{name.split('/')[-1]}_{axis}")
                where.createDimension(dims[-1], size)
            where.createVariable(name.split("/")[-1], "f8", dims)[:] = values
    return held


def test_a_file_of_the_real_layout_is_read(tmp_path):
    path = tmp_path / "tng_cluster.hdf5"
    held = write(path)
    real = tng.read(str(path), DT)
    times = generator.clock(DT)
    assert real["k0"].shape == (70, times.size)
    at = np.searchsorted(held["time"], 8.0)
    middle = np.log(real["k0"][5, np.searchsorted(times, 8.0)])
    low, high = sorted(np.log(held["K0"][5, at - 1 : at + 1]))
    assert low - 0.02 <= middle <= high + 0.02
    row, place = np.nonzero(real["mass_ratio"])
    assert row.tolist() == [0, 3]
    assert real["mass_ratio"][row, place].tolist() == [0.7, 0.5]  # the largest of a step
    np.testing.assert_allclose(times[place], [5.05, 9.0], atol=DT)
    assert (real["agn"] >= 0).all()
    assert real["agn"].mean() == pytest.approx(1)


def test_the_files_clusters_are_parted_and_nothing_moves_in_still(tmp_path):
    path = tmp_path / "tng_cluster.hdf5"
    write(path)
    params = {"data": "tng-cluster", "path": str(path), "populations": 3}
    case = case_of("cool_core_transformations", "population", "simulate", simulate=params)
    data = simulate(case)
    assert data["k0"].shape[2:4] == (3, 23)
    assert np.unique(data["lg_mass"]).size == 69
    k0 = data["k0"].isel(success=0, population=1)
    np.testing.assert_array_equal(k0.sel(switch="no_mergers")[1], k0.sel(switch="all")[0, ::-1])  # another's, backwards
    assert (np.ptp(data["k0"].sel(switch="still").values, axis=-1) == 0).all()
    assert set(data["mass_ratio"].values[data["mass_ratio"].values > 0]) <= {np.float32(0.7), np.float32(0.5)}
    with pytest.raises(UserError, match="too few for 3 groups"):
        write(path, 50)
        parts(np.random.default_rng(0), tng.read(str(path), DT), case.params.simulate)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"smbh_kinetic": None}, "no array smbh_kinetic"),
        ({"mergers/ratio": np.array([0.2, 1.7, 0.5])}, "mergers/ratio must lie between 0 and 1"),
        ({"mergers/spin": np.zeros(2)}, r"mergers/spin has the shape \(2,\)"),
        ({"mergers/cluster": np.array([0, 0, 70])}, "rows of K0"),
        ({"time": np.linspace(5, 13.8, 80)}, "time must rise from 2.6"),
        ({"lg_mass": np.full(70, np.nan)}, "lg_mass has values that aren't finite"),
        ({"K0": np.zeros((70, 80))}, "K0 must be above 0"),
        ({"smbh_kinetic": -np.ones((70, 80)).cumsum(1)}, "must not fall"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, change, said):
    path = tmp_path / "tng_cluster.hdf5"
    write(path, **change)
    with pytest.raises(UserError, match=said):
        tng.read(str(path), DT)


def test_a_file_that_is_none(tmp_path):
    path = tmp_path / "notes.hdf5"
    path.write_text("not HDF5")
    with pytest.raises(UserError, match="not to be read as HDF5"):
        tng.read(str(path), DT)


def test_the_switch_says_where_the_data_are():
    given = case_of("cool_core_transformations", "population", "simulate").params.simulate.model_dump()
    with pytest.raises(ValidationError, match="tng-project.org"):
        Simulate(**given | {"data": "tng-cluster"})
