"""Figures of the study, from its entropies, forecasts and trainings."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

NAMES = {
    "mno": "MnO",
    "fe2o3": "Fe$_2$O$_3$",
    "limno2": "LiMnO$_2$",
    "feo": "FeO",
    "mno2": "MnO$_2$",
    "coo": "CoO",
    "cro2": "CrO$_2$",
    "nio": "NiO",
    "vo2": "VO$_2$",
    "tio2": "TiO$_2$",
    "mgo": "MgO",
}
MARKS = "osD^v"


def charge(study: Results) -> Figure:
    """Moments of oxides, of Mn and O against lithium, and of Mn over time."""
    tree = study["entropy/chemistry"]
    figure, axes = panels(1, 3, height=3.1)
    _oxides(axes[0, 0], tree["oxides"].to_dataset())
    _manganate(axes[0, 1], tree["manganate"].to_dataset())
    _dynamics(axes[0, 2], tree["dynamics"].to_dataset())
    return figure


def _oxides(panel, oxides) -> None:
    panel.plot([0, 5.2], [0, 5.2], "--", color=COLOURS[7], linewidth=0.8)
    versions = [str(v) for v in oxides["version"].values]
    unpaired = oxides["unpaired"].values
    for i, version in enumerate(versions):
        at = unpaired + 0.1 * (i - (len(versions) - 1) / 2)
        panel.plot(at, oxides["moment"].values[i], MARKS[i], color=COLOURS[i], markersize=4, label=version)
    shared: dict[int, list] = {}
    for name, count, moment in zip(oxides["oxide"].values, unpaired, oxides["moment"].values[0], strict=True):
        shared.setdefault(int(count), []).append((float(moment), NAMES.get(str(name), str(name))))
    for count, ones in shared.items():
        for (moment, name), side in zip(sorted(ones), (-1, 1), strict=False):
            up = side > 0 and len(ones) > 1
            place = {"xytext": (-8 if up else 8, 3 if up else -4), "ha": "right" if up else "left"}
            note(panel, name, (count, moment), textcoords="offset points", **place)
    panel.set(xlabel=named(oxides["unpaired"]), ylabel=named(oxides["moment"]), title=f"{oxides.sizes['oxide']} oxides")
    panel.set(xlim=(-0.5, 6.2), ylim=(-0.3, 5.4))
    legend(panel, loc="lower right", title="version")


def _manganate(panel, data) -> None:
    for i, version in enumerate(data["version"].values):
        order = np.argsort(data["x_li"].values)
        x = data["x_li"].values[order]
        panel.plot(x, data["mn_moment"].values[i][order], f"{MARKS[i]}-", color=COLOURS[i], markersize=4, label=version)
        sites = data["mn_site_moment"].values[i][order]
        panel.plot(x, sites, "_", color=COLOURS[i], markersize=9)
        panel.plot(x, data["oxygen_moment"].values[i][order], f"{MARKS[i]}:", color=COLOURS[i], markersize=3)
    note(panel, "Mn: mean, and each site (-)", (0.5, 2.4), ha="center")
    note(panel, "O, the largest", (0.5, 0.45), ha="center")
    panel.set(xlabel="x in Li$_x$MnO$_2$", ylabel=named(data["mn_moment"], "moment"), ylim=(0, 4.5))
    panel.set_title("relaxed cells")


def _dynamics(panel, data) -> None:
    low, high = data["band"].values
    panel.axhspan(low, high, color=COLOURS[7], alpha=0.2, linewidth=0)
    lithium, temperature = data["lithium"].values, data["temperature"].values
    drawn = set()
    for i, moments in enumerate(data["mn_moment"].values):
        if temperature[i] != temperature.min():
            continue
        colour = COLOURS[[1.0, 0.5, 0.0].index(float(lithium[i]))]
        label = f"x = {lithium[i]:g}" if lithium[i] not in drawn else None
        drawn.add(lithium[i])
        for j, trace in enumerate(moments.T):
            panel.plot(
                data["time"].values[i] / 1000, trace, color=colour, linewidth=0.8, label=label if j == 0 else None
            )
    title = f"dynamics at {temperature.min():g} {data['temperature'].units}"
    panel.set(xlabel="time (ps)", ylabel=named(data["mn_moment"]), title=title)
    bottom = float(np.nanmin(data["mn_moment"].values))
    panel.set_ylim(min(bottom, low) - 0.15, high + 0.35)
    legend(panel, loc="upper center", ncols=3, columnspacing=0.7, handlelength=0.9, handletextpad=0.4)


# ----------------------------------------------------------------------------------------------------------- LixFePO4


def olivine(study: Results) -> Figure:
    """Moments and formation energies of LixFePO4, its miscibility gaps, and the entropy that binding leaves."""
    tree = study["entropy/chemistry"]
    iron, phases = tree["olivine"].to_dataset(), tree["phases"].to_dataset()
    figure, axes = panels(2, 2, height=2.9)
    _valences(axes[0, 0], iron)
    _formation(axes[0, 1], iron, phases)
    _gaps(axes[1, 0], phases)
    _binding(axes[1, 1], phases)
    return figure


def _valences(panel, iron) -> None:
    for i, version in enumerate(iron["version"].values):
        x = iron["x"].values + 0.02 * (2 * i - 1)
        look = {"color": COLOURS[i], "markersize": 3.5, "alpha": 0.8}
        sites = panel.plot(x, iron["fe_moment"].values[i], MARKS[i], **look)
        sites[0].set_label(f"version {version}")
    panel.set(xlabel="x in Li$_x$FePO$_4$", ylabel=named(iron["fe_moment"]), title="valences")
    legend(panel)


def _formation(panel, iron, phases) -> None:
    x, grid = iron["x"].values, np.linspace(0, 1, 101)
    for i, version in enumerate(iron["version"].values):
        energy = 1000 * iron["formation_energy"].values[i]
        panel.plot(x, energy, MARKS[i], color=COLOURS[i], markersize=4, label=f"version {version}")
        order = _hull(x, energy)
        panel.plot(x[order], energy[order], color=COLOURS[i], linewidth=0.8)
        w = 1000 * float(phases["interaction"].sel(source=version))
        panel.plot(grid, w * grid * (1 - grid), ":", color=COLOURS[i], linewidth=0.9)
    panel.axhline(0, color="black", linewidth=0.6)
    panel.set(xlabel="x in Li$_x$FePO$_4$", ylabel="formation energy (meV per f.u.)", title="cells, hull, W x(1-x)")
    legend(panel)


def _hull(x: np.ndarray, energy: np.ndarray) -> list[int]:
    """Lower convex hull: indices from left to right."""
    hull: list[int] = []
    for i in np.lexsort((energy, x)):
        if hull and x[hull[-1]] == x[i]:
            continue
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (energy[b] - energy[a]) * (x[i] - x[a]) < (energy[i] - energy[a]) * (x[b] - x[a]):
                break
            hull.pop()
        hull.append(int(i))
    return hull


def _gaps(panel, phases) -> None:
    for i, source in enumerate(phases["source"].values):
        colour = COLOURS[i] if source != "literature" else COLOURS[6]
        for style, carriers in zip(("-", "--"), phases["carriers"].values, strict=True):
            poor = phases["poor_side"].sel(source=source, carriers=carriers).values
            t = phases["temperature"].sel(source=source).values
            there = np.isfinite(poor)
            if not there.any():
                continue
            sides = np.r_[poor[there], 1 - poor[there][::-1]]
            label = f"{source}" if style == "-" else None
            panel.plot(sides, np.r_[t[there], t[there][::-1]], style, color=colour, label=label)
    missing = [str(s) for s, w in zip(phases["source"].values, phases["interaction"].values, strict=True) if w <= 0]
    panel.set(xlabel="x in Li$_x$FePO$_4$", ylabel=named(phases["temperature"]), title="miscibility gap", xlim=(0, 1))
    panel.set_ylim(0, panel.get_ylim()[1] * 1.25)
    panel.plot([], [], "--", color=COLOURS[7], label="with electrons")
    legend(panel, loc="upper left", ncols=2, title=f"no gap: {', '.join(missing)}" if missing else None)


def _binding(panel, phases) -> None:
    binding = 1000 * phases["binding"].values
    panel.plot(binding, phases["bound_carriers"], "o-", color=COLOURS[2], markersize=4, label="at 300 K")
    w = phases["interaction"].sel(source="literature")
    top = phases["critical_temperature"].sel(source="literature", carriers="lithium")
    ratio = phases["bound_critical_temperature"].sel(source="literature") / top
    label = f"at the gap's top, W = {float(w):g} {w.units}"
    panel.plot(binding, 1 / ratio, "s--", color=COLOURS[3], markersize=4, label=label)
    panel.axhline(1, color=COLOURS[7], linewidth=0.8)
    panel.axhline(2, color=COLOURS[7], linewidth=0.8)
    panel.set(xlabel="binding of lithium and electron (meV)", ylabel="effective carriers n", ylim=(0.9, 2.25))
    panel.set_title("entropy left by binding")
    legend(panel, loc="upper right")


# ----------------------------------------------------------------------------------------------------- energy surface


def surface(study: Results) -> Figure:
    """Equation of state, derivatives against differences, and the profile of the hop."""
    trained, permuted = study["forecast/chemistry"], study["forecast/permuted_net"]
    figure, axes = panels(1, 3, height=3.0)
    _lattice(axes[0, 0], trained["accuracy"].to_dataset())
    _derivatives(axes[0, 1], trained["surface"].to_dataset(), permuted["surface"].to_dataset())
    _profiles(axes[0, 2], trained["hop"].to_dataset(), study["forecast/occupied_site"]["hop"].to_dataset())
    return figure


def _lattice(panel, data) -> None:
    fitted = data["mgo_lattice_constant"]
    for i, version in enumerate(data["version"].values):
        energy = data["mgo_energy"].values[i]
        look = {"color": COLOURS[i], "markersize": 3.5, "label": f"{version}: {float(fitted[i]):.3f} Å"}
        panel.plot(data["lattice_constant"], 1000 * (energy - energy.min()), f"{MARKS[i]}-", **look)
    panel.axvline(4.26, ymax=0.6, color=COLOURS[7], linestyle=":")
    panel.set(xlabel=named(fitted), ylabel="energy (meV per atom)", title="equation of state")
    panel.set_ylim(top=panel.get_ylim()[1] * 1.5)
    legend(panel, loc="upper right")


def _derivatives(panel, exact, permuted) -> None:
    crystals = [str(name) for name in exact["crystal"].values]
    for i, name in enumerate(("force", "stress")):
        place = np.arange(len(crystals)) + 0.16 * (2 * i - 1)
        panel.plot(place, exact[f"{name}_error"], MARKS[i], color=COLOURS[i], markersize=5, label=name)
        label = "of shuffled weights" if i == 0 else None
        panel.plot(place, permuted[f"{name}_error"], MARKS[i], color=COLOURS[7], fillstyle="none", label=label)
    panel.axhline(0.01, color="black", linestyle=":", linewidth=0.9)
    names(panel, "x", [NAMES.get(name, name) for name in crystals])
    panel.set(yscale="log", ylim=(1e-6, 1e10), ylabel="relative error against energies", title="derivatives")
    legend(panel, loc="upper left")


def _profiles(panel, hop, occupied) -> None:
    """Energy along the hop, to its relaxed end; that into an occupied site climbs out of the panel."""
    fraction = np.append(hop["fraction"].values, 1.0)
    profile = np.append(hop["profile"].values, hop["end_energy"].values)
    panel.plot(fraction, profile, "o-", color=COLOURS[0], markersize=4, label="into an empty site")
    panel.plot(fraction[:-1], occupied["profile"], "s:", color=COLOURS[1], markersize=4, label="into an occupied one")
    panel.axhspan(0.1, 0.6, color=COLOURS[7], alpha=0.2, linewidth=0)
    low, high = min(float(profile.min()), 0), max(float(profile.max()), 0.6)
    panel.set_ylim(low - 0.1 * (high - low), high + 0.9 * (high - low))
    panel.set(xlim=(-0.05, 1.05), xlabel="share of the way", ylabel=named(hop["profile"]))
    panel.set_title("a hop in Li$_3$La$_3$Te$_2$O$_{12}$ + Li")
    legend(panel, loc="upper right")


# ------------------------------------------------------------------------------------------------------------ students


def student(study: Results) -> Figure:
    """Losses, probe errors and energy errors of the students with and without a moment head, and of the control."""
    results = {"true": study["forecast/chemistry"], "shuffl.": study["forecast/shuffled_labels"]}
    errors = {kind: tree["students"].to_dataset() for kind, tree in results.items()}
    figure, axes = panels(1, 3, height=2.9)
    _losses(axes[0, 0], study["train/chemistry"]["curves"].to_dataset())
    data = errors["true"]
    _errors(axes[0, 1], {kind: one["probe_error"] for kind, one in errors.items()})
    axes[0, 1].axhline(float(data["constant_probe_error"]), color="black", linestyle=":", linewidth=0.9)
    label = named(data["probe_error"], "error of the probed valence")
    axes[0, 1].set(ylabel=label, title="dotted: constant", ylim=(0, None))
    _errors(axes[0, 2], {kind: 1000 * one["energy_error"] for kind, one in errors.items()})
    for style, baseline in zip((":", "--"), data["baseline"].values, strict=True):
        value = 1000 * float(data["baseline_energy_error"].sel(baseline=baseline))
        label = str(baseline).replace("_", " ")
        axes[0, 2].axhline(value, color="black", linestyle=style, linewidth=0.9, label=label)
    axes[0, 2].set(ylabel="energy error (meV per atom)", yscale="log")
    axes[0, 2].set_ylim(top=6 * axes[0, 2].get_ylim()[1])  # room for the legend
    legend(axes[0, 2], loc="upper right")
    return figure


def _losses(panel, curves) -> None:
    """Loss of energy and force, in forty stretches of the training: mean over seeds with its interval."""
    loss = curves["loss"].sel(part=["energy", "force"]).sum("part", skipna=False)
    loss = loss.coarsen(step=max(1, loss.sizes["step"] // 40), boundary="trim").reduce(np.mean)
    for i, head in enumerate(curves["head"].values):
        found = interval(loss.sel(head=head), "seed")
        low = xr.DataArray(found.low).clip(1e-5)  # a logarithmic axis has no place for less than 0
        shown = found._replace(low=low)
        interval_band(panel, loss["step"], shown, label=f"{head} moments", color=COLOURS[i])
    panel.set(xlabel="step", ylabel=named(curves["loss"], "loss of energy and force"), yscale="log")
    legend(panel)


def _errors(panel, errors) -> None:
    """Errors of all students, and their means over seeds, without and with the head and by what it learned."""
    places, said = [], []
    for k, (kind, values) in enumerate(errors.items()):
        for i, head in enumerate(values["head"].values):
            place, one = 2.4 * k + i, values.sel(head=[head])
            places.append(place)
            said.append(f"{head}\n{kind}")
            seeds = place + np.linspace(-0.12, 0.12, one.size)
            panel.plot(seeds, one.values[0], ".", color=COLOURS[7], markersize=4)
            interval_whiskers(panel, [place], interval(one, "seed"), color=COLOURS[i])
    names(panel, "x", said, at=places)
    panel.set_xlabel("moment head, its moments")
