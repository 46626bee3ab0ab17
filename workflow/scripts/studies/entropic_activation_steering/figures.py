"""The study's figures: action entropy and thoughts against the dose, transfer, and sampling and exploration."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GREY = COLOURS[7]
MEASURES = {"entropy": "action entropy", "unsure": "share of unsure thoughts"}


def doses(study: Results) -> Figure:
    """Action entropy after 0, 1, ... observations; then both readings against the dose, nulls at the judged one."""
    found, judged = study["entropy/tiny"], study.params("tiny").entropy.judged_dose
    figure, axes = panels(1, 3, height=3.1, width=9.6)
    first, x = axes[0, 0], found["observations"].to_numpy()
    interval_band(first, x, interval(found["agent_entropy"], "agent"), label="agents", color=COLOURS[0])
    first.plot(x, found["own_entropy"], "--", color=COLOURS[1], label="demonstrator")
    first.plot(x, found["thompson_entropy"], ":", color=COLOURS[2], label="Thompson sampling")
    first.set(xlabel="observations", ylabel=named(found["agent_entropy"], MEASURES["entropy"]), ylim=(0, 1.05))
    for panel, (name, said) in zip(axes[0, 1:], MEASURES.items(), strict=True):
        for place, colour, label in ((-0.3, GREY, "random directions"), (0.3, COLOURS[2], "shuffled vectors")):
            null = found[f"null_{name}"].sel({"task": "same"}) if place < 0 else found[f"shuffled_{name}"]
            many = null.mean("agent")
            panel.plot(np.full(len(many), judged + place), many, "_", color=colour, markersize=5, label=label)
        rivals = found[f"curve_{name}"]
        for direction in rivals["direction"].to_numpy():
            rows = rivals.sel({"direction": direction}, drop=True)
            look = {"color": GREY} if direction == "random" else {"color": COLOURS[1], "label": str(direction)}
            panel.plot(rows["dose"], rows.mean("agent"), "s--", markersize=3, linewidth=1, **look)
        mine = found[f"steered_{name}"]
        interval_whiskers(
            panel, mine["dose"].to_numpy(), interval(mine, "agent"), label="EAST", color=COLOURS[0], fmt="o-"
        )
        panel.axvline(judged, color=GREY, linestyle=":", linewidth=1)
        panel.set(xlabel="dose (times the vector)", ylabel=named(mine, said))
    legend(first, outside="above")
    legend(axes[0, 1], outside="above", ncols=2)
    return figure


def transfer(study: Results) -> Figure:
    """Not steered and steered at the judged dose, in each task; the share of random directions beaten."""
    found, dose = study["entropy/tiny"], study.params("tiny").entropy.judged_dose
    figure, axes = panels(1, 3, height=2.9, width=8.4)
    tasks = found["task"].to_numpy()
    place = np.arange(len(tasks))
    for panel, (name, said) in zip(axes[0], MEASURES.items(), strict=False):
        values = found[f"task_{name}"]
        for i, (at, label, colour) in enumerate(((0, "not steered", GREY), (dose, f"dose {dose:g}", COLOURS[0]))):
            rows = interval(values.sel({"at_dose": at}, drop=True), "agent")
            interval_whiskers(panel, place + 0.3 * i, rows, label=label, color=colour)
        for pair in values.transpose("task", "at_dose", "agent"):
            left = int(np.flatnonzero(tasks == pair["task"].item())[0])
            panel.plot(left + np.array([0.08, 0.22]), pair, "-", color=GREY, linewidth=0.7)
        panel.set(ylabel=named(values, said))
    last = axes[0, 2]
    for i, (name, said) in enumerate(MEASURES.items()):
        shares = found[f"beaten_{name}"].transpose("task", "agent")
        for j in range(shares.sizes["agent"]):
            look = {"color": COLOURS[i], "markersize": 5} | ({"label": said} if j == 0 else {})
            last.plot(place + 0.25 * i + 0.06 * j, shares[:, j], "xo"[i], **look)
    last.axhline(0.95, color=GREY, linestyle=":", linewidth=1)
    last.set(ylabel="random directions\nbeaten (share)", ylim=(-0.05, 1.08))
    for panel in axes[0]:
        names(panel, "x", tasks)
        panel.set_xlabel("task")
        panel.margins(x=0.15)
    legend(axes[0, 0], outside="above", ncols=2)
    legend(last, outside="above")
    return figure


def sampling(study: Results) -> Figure:
    """Invalid outputs and action entropy of doses and samplers; closed-loop exploration and regret."""
    found, params = study["forecast/tiny"], study.params("tiny").forecast
    most = 100 * study.params("tiny").train.most_invalid
    figure, axes = panels(1, 4, height=3.0, width=10.4)
    first = axes[0, 0]
    for kind, label, colour, side in (("sampler", "temperature", COLOURS[1], 0.94), ("dose", "EAST", COLOURS[0], 1.06)):
        shown = [s for s in found[kind].to_numpy() if (s >= 0 if kind == "dose" else s.startswith("temp"))]
        x, y = (found[f"{kind}_{read}"].sel({kind: shown}).mean("agent") for read in ("invalid", "entropy"))
        first.plot(100 * x, y, "o-", color=colour, markersize=3, linewidth=1, label=label)
        chosen = interval(found[f"{kind}_matched_entropy"].expand_dims("one"), "agent")
        interval_whiskers(first, [side * most], chosen, color=colour, fmt="D", markersize=5)
    first.axvline(most, color=GREY, linestyle=":", linewidth=1)
    first.set(xlabel="invalid outputs (%)", xlim=(-0.5, 3.5 * most), ylabel=named(found["dose_entropy"]))
    legend(first, outside="above", ncols=2)
    for panel, name in zip(axes[0, 1:], ("switches", "less_tried", "regret"), strict=True):
        rows = found[f"curve_{name}"]
        for i, direction in enumerate(rows["loop_direction"].to_numpy()):
            one = rows.sel({"loop_direction": direction}, drop=True)
            look = {"color": COLOURS[0] if direction == params.steer else GREY, "fmt": "o-"}
            label = "EAST" if direction == "east" else str(direction)
            interval_whiskers(panel, one["arm_dose"].to_numpy() + 0.08 * i, interval(one, "agent"), label=label, **look)
        panel.axvline(params.dose, color=GREY, linestyle=":", linewidth=1)
        said = {"regret": "regret of an episode\n(s.d. of the reward)", "less_tried": "less-tried arm's share of pulls"}
        panel.set(xlabel="dose (times the vector)", ylabel=said.get(name, "changes of the arm"))
    legend(axes[0, 1], outside="above", ncols=2)
    return figure
