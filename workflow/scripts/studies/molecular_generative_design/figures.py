"""The study's figures: parity of the forward models, molecules made, tasks together and apart, mixtures."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_whiskers, legend, names, panels
from pesin.stats.intervals import interval
from pesin.steps.packages import needs_package
from pesin.steps.results import Results

GREY = COLOURS[7]
NAMES = {
    "logp": "logP", "tpsa": "polar surface", "refractivity": "refractivity", "weight": "weight",
    "acceptors": "acceptors", "donors": "donors",
}  # fmt: skip
NARROW, WIDE, TALL = 260, 442, 160
"""Pixels of a picture, as the panels are."""
SIGNS = {"angstrom2": "Å$^2$", "cm3 mol-1": "cm$^3$/mol", "g mol-1": "g/mol"}
SAID = {
    "forward": "transformer", "inverse": "transformer", "pairs": "one task", "multi": "all tasks",
    "forward_third": "a third", "inverse_third": "a third", "pairs_third": "a third",
    "fingerprints": "fingerprint ridge", "size": "size alone", "nearest": "nearest neighbour",
    "components": "sum of components", "by_position": "frequencies",
    "third": "apart, a third each", "whole": "apart, as many each",
}  # fmt: skip


def said(values) -> list[str]:
    """What readers call models."""
    return [SAID.get(str(value), str(value)) for value in values]


def quantity(found, name: str) -> str:
    """A property and its unit."""
    unit = str(found["unit"].sel({"property": name}).item())
    return NAMES.get(name, name) + ("" if unit == "1" else f" ({SIGNS.get(unit, unit)})")


def scatter(panel, x, y, colour: str, label: str) -> None:
    """Dots, and the diagonal through them."""
    panel.plot(x, y, ".", color=colour, markersize=3, alpha=0.6, markeredgewidth=0, label=label, rasterized=True)
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    panel.plot([low, high], [low, high], "-", color=GREY, linewidth=0.7, zorder=0)
    panel.locator_params(nbins=4)
    panel.set_ylim(low - 0.2 * (high - low), high + 0.2 * (high - low))


def molecules(study: Results) -> Figure:
    """Predicted and true, obtained and requested, all models' scores, and pictures of molecules made."""
    found, shuffled = study["forecast/toy"], study["forecast/shuffled_properties"]
    figure, axes = panels(3, 3, width=9.0, height=2.4, width_ratios=[1, 1, 1.7])
    one, shown = found.sel({"seed": 0}), [str(name) for name in found["property"].to_numpy()[:2]]
    for above, below, name in zip(axes[0], axes[1], shown, strict=False):
        said_of, here = quantity(found, name), {"property": name}
        for model, maker, colour in (("diffusion", "diffusion", COLOURS[1]), ("forward", "inverse", COLOURS[0])):
            label = said([model])[0]
            scatter(above, one["truth"].sel(here), one["predicted"].sel(here | {"model": model}), colour, label)
            scatter(below, one["requested"].sel(here), one["obtained"].sel(here | {"maker": maker}), colour, label)
        above.set(xlabel=f"true {said_of}", ylabel="predicted")
        below.set(xlabel=f"requested {said_of}", ylabel="obtained")
    legend(axes[0, 0], outside="above", ncols=2)
    _models(axes[0, 2], found, shuffled)
    _makers(axes[1, 2], found)
    _pictures(axes[2], found)
    return figure


def _models(panel, found, shuffled) -> None:
    models = found["model"].to_numpy().tolist()
    place, both = np.arange(len(models)), [models.index(name) for name in ("forward", "diffusion")]
    interval_whiskers(panel, place - 0.12, interval(found["r2_mean"], "seed"), label="R2", color=COLOURS[0])
    sized = interval(found["sized_mean"], "seed")
    interval_whiskers(panel, place + 0.12, sized, label="R2 over heavy atoms", color=COLOURS[6], fmt="s")
    control = interval(shuffled["r2_mean"].sel({"model": ["forward", "diffusion"]}), "seed")
    interval_whiskers(panel, np.array(both) + 0.3, control, label="R2, shuffled", color=GREY, fmt="x")
    for i, bound in zip(both, (0.8, 0.5), strict=True):
        panel.plot([i - 0.4, i + 0.4], [bound, bound], ":", color=COLOURS[6], linewidth=1)
    names(panel, "x", said(models), rotation=25)
    panel.locator_params(axis="y", nbins=5)
    panel.set(ylabel="R2, mean over properties", ylim=(-0.6, 1.05))
    legend(panel, outside="above", ncols=3)


def _makers(panel, found) -> None:
    makers = found["maker"].to_numpy()
    kinds = (("valid", "valid"), ("unique", "different"), ("novel", "new"), ("made_r2_mean", "R2"))
    for i, (name, label) in enumerate(kinds):
        at = np.arange(len(makers)) + 0.18 * (i - 1.5)
        interval_whiskers(panel, at, interval(found[name], "seed"), label=label, color=COLOURS[i], fmt="os^D"[i])
    for i, bound in enumerate((0.8, 0.9, 0.5, 0.7)):  # what C2 asks of the transformer
        panel.plot(
            [0.18 * (i - 1.5) - 0.08, 0.18 * (i - 1.5) + 0.08], [bound, bound], ":", color=COLOURS[6], linewidth=1
        )
    names(panel, "x", said(makers), rotation=25)
    panel.locator_params(axis="y", nbins=5)
    panel.set(ylabel="share, or R2", ylim=(-1.05, 1.1))
    legend(panel, outside="above", ncols=4)


def _pictures(row, found) -> None:
    """The first valid, new molecules that the transformer of the first seed made, with what was asked and obtained."""
    one = found.sel({"seed": 0, "maker": "inverse"})
    good = [i for i, name in enumerate(one["made"].to_numpy()) if name][: len(row)]
    first, second = (str(name) for name in found["property"].to_numpy()[:2])
    for panel, i in zip(row, good, strict=False):
        width = WIDE if panel is row[-1] else NARROW
        panel.imshow(picture(str(one["made"].to_numpy()[i]), width), interpolation="none")
        lines = []
        for name in (first, second):
            asked, got = (float(one[v].sel({"property": name})[i]) for v in ("requested", "obtained"))
            lines.append(f"{NAMES.get(name, name)} {got:.1f} (asked {asked:.1f})")
        panel.set_title("\n".join(lines))
    for panel in row:
        panel.axis("off")


def picture(smiles: str, width: int) -> np.ndarray:
    """A molecule drawn by RDKit, all bonds equally long, shape (TALL, width, 4)."""
    with needs_package("rdkit"):
        from rdkit import Chem
        from rdkit.Chem.Draw import rdMolDraw2D
    drawer = rdMolDraw2D.MolDraw2DCairo(width, TALL)
    drawer.drawOptions().fixedBondLength = 40
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, Chem.MolFromSmiles(smiles))
    drawer.FinishDrawing()
    return plt.imread(io.BytesIO(drawer.GetDrawingText()))


def tasks(study: Results) -> Figure:
    """Scores of the tasks by budget, loss on strings of pairs, cross-entropy by what is given."""
    found, told = study["forecast/toy"], study["entropy/toy"]
    figure, axes = panels(1, 3, width=10, height=3.0, width_ratios=[1.6, 1, 1])
    first = axes[0, 0]
    for i, budget in enumerate(found["budget"].to_numpy()):
        each = interval(found["task_score"].sel({"budget": budget}), "seed")
        at, look = np.arange(3) + 0.2 * (i - 1), {"color": COLOURS[i], "fmt": "os^"[i]}
        interval_whiskers(first, at, each, label=said([budget])[0], **look)
        mean = interval(found["score"].sel({"budget": [budget]}), "seed")
        interval_whiskers(first, [3 + 0.2 * (i - 1)], mean, **look)
    mean = interval(found["trivial"].expand_dims("one"), "seed")
    interval_whiskers(first, [3.4], mean, label="size alone", color=GREY, fmt="x")
    names(first, "x", ["forward", "inverse", "pairs", "mean"])
    for one in axes[0]:
        one.locator_params(axis="y", nbins=5)
    first.set(ylabel="score", ylim=(-0.05, 1.05))
    legend(first, outside="above", ncols=2)
    writers = found["writer"].to_numpy()
    middle = axes[0, 1]
    interval_whiskers(middle, np.arange(len(writers)), interval(found["string_loss"], "seed"), color=COLOURS[0])
    names(middle, "x", said(writers), rotation=30)
    middle.set(ylabel="loss on pairs' strings\n(bit per character)", ylim=(0, None))
    last, given = (
        axes[0, 2],
        ["none", " and ".join(NAMES.get(str(a), str(a)) for a in found["asked"].to_numpy()), "all"],
    )
    for i, speller in enumerate(told["speller"].to_numpy()):
        each = interval(told["cross_entropy"].sel({"speller": speller}), "seed")
        interval_whiskers(last, np.arange(3) + 0.15 * i, each, label=said([speller])[0], color=COLOURS[i], fmt="os"[i])
    names(last, "x", [name.replace(" and ", "\nand ") for name in given])
    last.set(xlabel="properties given", ylabel="cross-entropy\n(bit per character)", ylim=(0, None))
    legend(last, outside="above", ncols=2)
    return figure


def pairs(study: Results) -> Figure:
    """Parity of the eutectic temperature, scores, depressions of designed pairs, phase diagrams."""
    world, found, shuffled = study["simulate/toy"], study["forecast/toy"], study["forecast/shuffled_properties"]
    figure, axes = panels(1, 4, width=11.5, height=3.0, width_ratios=[1, 1.3, 1, 1.3])
    at = {"seed": 0, "mixer": "multi", "quantity": "t_eut"}
    for unseen, colour, label in (("components", COLOURS[1], "unseen component"), ("pairs", COLOURS[0], "unseen pair")):
        y = found["mixture_predicted"].sel(at | {"unseen": unseen})
        x = found["mixture_truth"].sel({"seed": 0, "quantity": "t_eut", "unseen": unseen})
        scatter(axes[0, 0], x, y, colour, label)
    axes[0, 0].set(xlabel="eutectic temperature (K)", ylabel="predicted (K)")
    legend(axes[0, 0], outside="above", ncols=1)
    _mixers(axes[0, 1], found, shuffled)
    depression = world["mixture"].sel({"quantity": "depression"}).to_numpy()
    designed = found["designed_depression"].to_numpy().ravel()
    edges, panel = np.linspace(0, max(depression.max(), np.nanmax([0, *designed])), 16), axes[0, 2]
    for values, colour, label in ((depression, GREY, "random pairs"), (designed, COLOURS[0], "designed, the best")):
        counts = np.histogram(values[np.isfinite(values)], edges)[0]
        panel.stairs(counts / max(1, counts.sum()), edges, color=colour, label=label, fill=colour == GREY, alpha=0.8)
    centre = interval(found["designed_depression"].mean("rank").expand_dims("one"), "seed")
    low, high = (float(np.ravel(end)[0]) for end in (centre.low, centre.high))
    if np.isfinite([low, high]).all():
        panel.axvspan(low, high, color=COLOURS[0], alpha=0.15, linewidth=0)
    panel.axvline(found["random_depression"].item(), color=COLOURS[6], linestyle=":", linewidth=1)
    panel.locator_params(nbins=4)
    panel.set(xlabel="depression (K)", ylabel="share of pairs")
    legend(panel, outside="above", ncols=1)
    last, labels = axes[0, 3], found["designed"].sel({"seed": 0}).to_numpy()
    for i in range(found.sizes["drawn"]):
        curve = found["liquidus"].isel({"drawn": i})
        last.plot(found["fraction"], curve.max("side"), color=COLOURS[i], label=str(labels[i]).replace(".", " + "))
        last.plot(*(found[f"eutectic_{name}"].isel({"drawn": i}) for name in "xt"), "o", color=COLOURS[i], markersize=4)
    last.locator_params(nbins=5)
    last.set(xlabel="mole fraction of the first compound", ylabel="liquidus temperature (K)")
    legend(last, outside="above", ncols=1)
    return figure


def _mixers(panel, found, shuffled) -> None:
    mixers = found["mixer"].to_numpy()
    for i, (unseen, colour) in enumerate((("pairs", COLOURS[0]), ("components", COLOURS[1]))):
        at = np.arange(len(mixers)) + 0.3 * i
        fit = interval(found["mixture_r2"].sel({"unseen": unseen, "quantity": "t_eut"}), "seed")
        interval_whiskers(panel, at - 0.2, fit, label=f"R2, {unseen}", color=colour)
        rho = interval(found["depression_rho"].sel({"unseen": unseen}), "seed")
        interval_whiskers(panel, at - 0.1, rho, label=f"rank, {unseen}", color=colour, fmt="^")
    control = interval(shuffled["mixture_r2"].sel({"unseen": "pairs", "quantity": "t_eut", "mixer": ["multi"]}), "seed")
    interval_whiskers(panel, [list(mixers).index("multi") + 0.35], control, label="R2, shuffled", color=GREY, fmt="x")
    panel.axhline(0.8, color=COLOURS[6], linestyle=":", linewidth=1)
    names(panel, "x", said(mixers), rotation=40)
    panel.locator_params(axis="y", nbins=5)
    panel.set(ylabel="R2, or rank correlation", ylim=(-0.6, 1.05))
    legend(panel, outside="above", ncols=2)
