"""What the moments say about charge, and what the disorder of charge does to the phases of LixFePO4."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import entr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.regular_solution import (
    binodal,
    bound_critical_temperature,
    critical_temperature,
    effective_carriers,
    fit_interaction,
    mixing_entropy,
)
from studies.chgnet_charge_informed.chemistry.params import Entropy, Params
from studies.chgnet_charge_informed.crystals import COMPARED

MANGANESE = 25
NO_GAP, END = "no gap, where W <= 0", "a cell without lithium or full of it"  # what missing values stand for


def entropy(
    case: Case[Params],
    atoms: xr.DataTree,
    manganate: xr.DataTree,
    olivines: list[xr.DataTree],
) -> xr.DataTree:
    """Groups: oxides (C3), manganate and dynamics (C4), olivine and phases (C5)."""
    p, rng = case.params.entropy, case.rng("exchange")
    cells = xr.concat([tree["olivine"].to_dataset() for tree in olivines], "version")
    iron = _olivine(cells, p)
    return xr.DataTree.from_dict(
        {
            "oxides": _oxides(atoms["oxides"].to_dataset(), p, rng),
            "manganate": _manganate(manganate["manganate"].to_dataset(), p, rng),
            "dynamics": _dynamics(manganate["dynamics"].to_dataset(), atoms["oxides"].to_dataset()),
            "olivine": iron,
            "phases": _phases(iron, p),
        }
    )


def derangement(n: int, rng: np.random.Generator) -> np.ndarray:
    """A random order in which nothing keeps its place."""
    while True:
        order = rng.permutation(n)
        if (order != np.arange(n)).all():
            return order


def _told(moment: np.ndarray, p: Entropy, rng: np.random.Generator) -> np.ndarray:
    """Moments (version, crystal, ...) as they are, exchanged among the crystals (control), or all their mean (null)."""
    if p.moments == "shuffled":
        return moment[:, derangement(moment.shape[1], rng)]
    return moment if p.moments == "true" else np.full_like(moment, moment.mean())


def _oxides(data: xr.Dataset, p: Entropy, rng) -> xr.Dataset:
    """Moment of each oxide's metal, by version."""
    moment = _told(data["moment"].values, p, rng)
    return xr.Dataset(
        {
            "moment": labelled(("version", "oxide"), moment, "moment of the metal", "mu_B"),
            "unpaired": labelled("oxide", data["unpaired"].values, "formal unpaired electrons"),
        },
        {"version": data["version"].values, "oxide": data["oxide"].values},
    )


def _manganate(data: xr.Dataset, p: Entropy, rng) -> xr.Dataset:
    """Mean moment of Mn and the largest of O against the lithium content."""
    moment = _told(data["metal_moment"].values, p, rng)
    dims = ("version", "x_li")
    return xr.Dataset(
        {
            "mn_moment": labelled(dims, moment.mean(-1), "mean moment of Mn", "mu_B"),
            "mn_site_moment": labelled((*dims, "site"), moment, "moment of each Mn", "mu_B"),
            "oxygen_moment": labelled(dims, data["oxygen_moment"].values, "largest moment of an oxygen", "mu_B"),
            "force_left": labelled(dims, data["force_left"].values, "largest force left", "eV/angstrom"),
            "volume": labelled(dims, data["volume"].values, "volume per formula unit", "angstrom3"),
        },
        {"version": data["version"].values, "x_li": data["x_li"].values[0]},
    )


def _dynamics(data: xr.Dataset, oxides: xr.Dataset) -> xr.Dataset:
    """Moments of Mn over time; their mean, and their share between the midpoints to Mn2+ (MnO) and Mn4+ (MnO2).

    Mean and share are those of the trajectories at the lowest temperature, one by one.
    """
    pairs = zip(data["number"].values, data["magmom"].values, strict=True)
    moments = np.stack([moments[:, number == MANGANESE] for number, moments in pairs])
    two, three, four = (float(oxides["moment"].isel(version=0).sel(oxide=o)) for o in COMPARED)
    low, high = (three + four) / 2, (three + two) / 2
    inside = ((moments > low) & (moments < high)).mean((1, 2))
    lithium, temperature = data["lithium"].values, data["temperature"].values
    cool = temperature == temperature.min()
    content = np.unique(lithium)
    mean = [moments[cool & (lithium == one)].mean() for one in content]
    chosen = cool & (lithium == 2)
    return xr.Dataset(
        {
            "mn_moment": labelled(("trajectory", "frame", "site"), moments, "moment of each Mn", "mu_B"),
            "time": labelled(("trajectory", "frame"), data["time"].values, "time", "fs"),
            "lithium": labelled("trajectory", lithium / 2, "lithium content x"),
            "temperature": labelled("trajectory", temperature, "temperature", "K"),
            "mean_moment": labelled("x_li", mean, "mean moment of Mn at the lowest temperature", "mu_B"),
            "share_in_band": labelled("replica", inside[chosen], "share of moments in the band of Mn3+, LiMnO2"),
            "band": labelled("end", [low, high], "band of Mn3+", "mu_B"),
        },
        {
            "frame": data["frame"].values,
            "x_li": content / 2,
            "replica": data["replica"].values[chosen],
            "end": ["low", "high"],
        },
    )


# ----------------------------------------------------------------------------------------------------------- LixFePO4


def two_groups(moments: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Split moments at their widest gap.

    Parameters
    ----------
    moments : ndarray, shape (sites,)

    Returns
    -------
    gap between the two groups' means, the larger of their ranges, and for each site whether it is in the upper one
    """
    order = np.argsort(moments, kind="stable")
    upper = np.zeros(len(moments), bool)
    upper[order[int(np.argmax(np.diff(moments[order]))) + 1 :]] = True
    return (
        float(moments[upper].mean() - moments[~upper].mean()),
        float(max(np.ptp(moments[upper]), np.ptp(moments[~upper]))),
        upper,
    )


def _olivine(data: xr.Dataset, p: Entropy) -> xr.Dataset:
    """Formation energies, valences read off the moments, their entropy, and the critical temperature of each cell."""
    x = data["x_li"].values[0]
    energy, moments = data["energy"].values, data["metal_moment"].values
    full, empty = (energy[:, [int(np.argmax(x == end))]] for end in (1, 0))
    formation = energy - x * full - (1 - x) * empty
    if p.energies == "linear":
        formation = np.zeros_like(formation)
    if p.moments == "constant":
        moments = np.full_like(moments, moments.mean())
    # Fe3+ where the moment lies nearer to FePO4's than to LiFePO4's.
    ends = [moments[:, [int(np.argmax(x == end))]].mean(-1, keepdims=True) for end in (1, 0)]
    ferric = np.abs(moments - ends[1]) < np.abs(moments - ends[0])
    share = ferric.mean(-1)
    splits = [[two_groups(sites)[:2] for sites in version] for version in moments]
    gap, spread = np.moveaxis(np.array(splits), -1, 0)
    mixed = (x > 0) & (x < 1)
    interaction = np.full(formation.shape, np.nan)
    interaction[:, mixed] = formation[:, mixed] / (x * (1 - x))[mixed]
    carriers = [1.0, 2.0 if p.electrons else 1.0]
    critical = np.stack([critical_temperature(interaction, n) for n in carriers], -1)
    dims = ("version", "config")
    return xr.Dataset(
        {
            "formation_energy": labelled(dims, formation, "formation energy per formula unit", "eV"),
            "fe_moment": labelled((*dims, "site"), moments, "moment of each Fe", "mu_B"),
            "moment_gap": labelled(dims, gap, "gap between the two groups of Fe moments", "mu_B"),
            "moment_spread": labelled(dims, spread, "larger range of moments within a group", "mu_B"),
            "ferric_share": labelled(dims, share, "share of Fe read as Fe3+"),
            "charge_entropy": labelled(dims, entr(share) + entr(1 - share), "entropy of the Fe valences", "nat"),
            "interaction": labelled(dims, interaction, "W = E_f / (x (1-x)) of one cell", "eV", nan=END),
            "critical_temperature": labelled(
                (*dims, "carriers"), critical, "critical temperature", "K", nan=f"{NO_GAP}, or {END}"
            ),
            "x": labelled("config", x, "lithium content x"),
            "volume": labelled(dims, data["volume"].values, "volume per formula unit", "angstrom3"),
            "force_left": labelled(dims, data["force_left"].values, "largest force left", "eV/angstrom"),
        },
        {
            "version": data["version"].values,
            "config": data["config"].values,
            "carriers": ["lithium", "lithium_and_electrons"],
        },
    )


def _phases(iron: xr.Dataset, p: Entropy) -> xr.Dataset:
    """Miscibility gaps of W fitted to all cells and of the literature's W, and what binding does to the entropy."""
    x, versions = iron["x"].values, iron["version"].values
    mixed = (x > 0) & (x < 1)
    fitted = [fit_interaction(x[mixed], row[mixed]) for row in iron["formation_energy"].values]
    w = np.array([*fitted, p.literature_interaction])
    carriers = [1.0, 2.0 if p.electrons else 1.0]
    critical = np.stack([critical_temperature(w, n) for n in carriers], -1)
    grid = np.linspace(0.02, 0.995, 60)
    top = np.nan_to_num(critical[..., 0], nan=1.0)
    # Temperatures relative to the gap of lithium alone, so that every curve is drawn to its top.
    gaps = np.stack([[binodal(grid * t, wi, n) for n in carriers] for wi, t in zip(w, top, strict=True)])
    bindings = np.array(p.bindings)
    room = 300.0
    return xr.Dataset(
        {
            "interaction": labelled("source", w, "W of the regular solution", "eV"),
            "critical_temperature": labelled(("source", "carriers"), critical, "critical temperature", "K", nan=NO_GAP),
            "lowering": labelled(
                "source", critical[:, 0] / critical[:, 1], "factor by which the electrons lower it", nan=NO_GAP
            ),
            "temperature": labelled(("source", "level"), grid * top[:, None], "temperature", "K"),
            "poor_side": labelled(
                ("source", "carriers", "level"), gaps, "poor side of the miscibility gap", nan="nothing separates there"
            ),
            "bound_carriers": labelled(
                "binding", [effective_carriers(b, room) for b in bindings], "effective carriers at x = 1/2 and 300 K"
            ),
            "bound_critical_temperature": labelled(
                ("source", "binding"),
                [[bound_critical_temperature(wi, b) for b in bindings] for wi in w],
                "critical temperature when lithium and electron bind",
                "K",
                nan=NO_GAP,
            ),
            "ideal_entropy": labelled("composition", mixing_entropy(np.linspace(0, 1, 51)), "ideal entropy", "nat"),
        },
        {
            "source": [*map(str, versions), "literature"],
            "carriers": ["lithium", "lithium_and_electrons"],
            "binding": bindings,
            "composition": np.linspace(0, 1, 51),
        },
    )
