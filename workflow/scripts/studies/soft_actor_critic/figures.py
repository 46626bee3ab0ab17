"""The study's figures: learning, reward scale, entropy, regulator, seeds, goals and what the critics foretell."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from pesin.plot.style import (
    COLOURS,
    interval_band,
    interval_whiskers,
    legend,
    log_axis,
    named,
    names,
    panels,
)
from pesin.stats.intervals import Centre, interval
from pesin.steps.results import Results
from studies.soft_actor_critic.tasks import LAST, learners

LABELS = {
    "auto": "SAC, auto",
    "fixed": r"SAC, $\alpha$ = 1",
    "td3": "TD3-like",
    "ddpg": "DDPG",
    "ppo": "PPO",
}
HUES = dict(zip(LABELS, COLOURS, strict=False))


def label(name: str) -> str:
    """What a legend calls an agent."""
    return LABELS.get(name, name.replace("_", " "))


def present(result, wanted) -> list[str]:
    """Those of the wanted agents that the result has."""
    return [name for name in wanted if name in result["agent"].values]


def ran(values, params, name: str):
    """An agent's values over the seeds that it was run with; the others are missing and no failures."""
    return values.sel(agent=name).isel(seed=slice(params.simulate.seeds[name]))


def with_seeds(panel, places, rows, colour: str, label: str | None = None, fmt: str = "o", spread: float = 0) -> None:
    """Means with 95 % over the seeds, and every seed as a dot; a row holds the seeds of one place."""
    for place, row in zip(places, rows, strict=True):
        beside = place + np.linspace(-spread, spread, row.size)
        panel.plot(beside, row.values, ".", color=colour, alpha=0.4, markersize=4)
    found = Centre(*np.array([interval(row.values) for row in rows]).T)
    interval_whiskers(panel, places, found, label=label, color=colour, fmt=fmt)


def learning(study: Results) -> Figure:
    """Return against environment steps: off-policy agents; PPO on its longer way; steps to the goal."""
    result: Any = study["forecast/benchmark"]
    params = study.params("benchmark")
    figure, ((left, right, steps_panel),) = panels(1, 3, width=9.4, height=3.0)
    right.sharey(left)
    for panel, wanted, first in ((left, ("auto", "fixed", "td3", "ddpg"), 0), (right, ("auto", "ppo"), 1)):
        for name in present(result, wanted):
            rows, steps = ran(result["returns"], params, name), result["env_step"].sel(agent=name).values
            there = steps >= first  # a logarithm has no zero; and an agent's checkpoints may be fewer than another's
            style = {"color": HUES[name], "label": f"{label(name)} ({rows.sizes['seed']})"}
            interval_band(panel, steps[there], interval(rows.isel(checkpoint=there), "seed"), **style)
        panel.axhline(params.forecast.goal_return, color=COLOURS[7], linestyle=":", linewidth=1)
        panel.set_xlabel("environment steps")
    learning = params.train.learning
    for ends in ((0, learning.warmup), ((1 - LAST) * learning.steps, learning.steps)):
        left.axvspan(*ends, color=COLOURS[7], alpha=0.12, linewidth=0)
    left.set(ylabel=named(result["returns"], "return on unseen starts"))
    left.set_title(f"{params.simulate.environment}: off-policy (seeds); 95 %")
    right.set(title="and on-policy", xscale="log")
    for panel in (left, right):
        legend(panel, loc="lower right")
    _goal(steps_panel, result, params)
    return figure


def _goal(panel, result, params) -> None:
    """Steps until the goal: means of what C4 compares, a run that isn't there counted with the horizon."""
    longest = "longest_steps"
    wanted = (*((name, "restricted_steps") for name in ("auto", "td3", "ddpg")), ("auto", longest), ("ppo", longest))
    shown = [(name, variable) for name, variable in wanted if name in result["agent"].values]
    for i, (name, variable) in enumerate(shown):
        with_seeds(panel, [i], [ran(result[variable], params, name)], HUES[name], spread=0.2)
    said = {"restricted_steps": "", longest: "\n(PPO's horizon)"}
    names(panel, "x", [label(name) + said[variable] for name, variable in shown], rotation=40)
    panel.set(yscale="log", ylabel=named(result[longest], f"steps to {params.forecast.goal_return:g}"))
    panel.set_title("points: seeds; mean and 95 %")


def by_scale(params, names, automatic: bool) -> list[str]:
    """SAC agents that differ in the reward scale alone, smallest scale first."""
    agents = {name: params.train.agents[name] for name in names}
    chosen = [
        name
        for name, a in agents.items()
        if not a.deterministic and a.automatic == automatic and a.target_entropy is None
    ]
    return sorted(chosen, key=lambda name: agents[name].reward_scale)


def reward_scale(study: Results) -> Figure:
    """Final return against the reward scale; entropy that results; the temperature that is proportional to it."""
    scores, held, params = study["forecast/benchmark"], study["entropy/benchmark"], study.params("benchmark")
    figure, (axes,) = panels(1, 3, height=2.8)
    kinds = ((True, "automatic", HUES["auto"]), (False, r"$\alpha$ = 1 fixed", HUES["fixed"]))
    quantities = (
        (scores["final_return"], "final return"),
        (held["late_entropy"], "entropy, last quarter"),
        (held["late_temperature"], r"$\alpha$, last quarter"),
    )
    for panel, (values, name) in zip(axes, quantities, strict=True):
        for i, (automatic, said, colour) in enumerate(kinds):
            chosen = by_scale(params, learners(params), automatic)
            scales = np.array([params.train.agents[agent].reward_scale for agent in chosen]) * 1.15 ** (2 * i - 1)
            with_seeds(panel, scales, [ran(values, params, agent) for agent in chosen], colour, said, "o-")
        panel.set(xscale="log", xlabel="reward scale", ylabel=named(values, name))
    axes[1].axhline(float(held["target_entropy"].sel(agent="auto", seed=0)), color=COLOURS[7], linestyle=":")
    axes[1].set_title("dotted: target")
    reference = float(ran(held["relative_temperature"], params, "auto").mean())
    scales = np.array([params.train.agents[agent].reward_scale for agent in by_scale(params, learners(params), True)])
    axes[2].plot(scales, reference * scales, ":", color=COLOURS[7], label="proportional")
    axes[0].set_title("points: seeds; 95 %")
    axes[2].set_yscale("log")
    axes[2].set_ylim(top=axes[2].get_ylim()[1] * 10)
    for panel in axes:
        log_axis(panel, "x", sorted({agent.reward_scale for agent in params.train.agents.values()} & set(scales)))
        panel.margins(x=0.15)
    legend(axes[2], loc="upper left")
    return figure


def entropy(study: Results) -> Figure:
    """Entropy and temperature against the step, with target and control; then the sweep of the target."""
    figure, axes = panels(2, 2, height=2.6)
    _held(axes[0], study)
    _sweep(axes[1], study)
    return figure


def _held(axes, study: Results) -> None:
    """Entropy and temperature against the step at every reward scale, and with the temperature frozen."""
    held, params = study["entropy/benchmark"], study.params("benchmark")
    chosen = by_scale(params, learners(params), True)
    lines = [
        (held, params, name, f"automatic, scale {params.train.agents[name].reward_scale:g}", COLOURS[i])
        for i, name in enumerate(chosen)
    ]
    frozen = study["entropy/frozen_temperature"], study.params("frozen_temperature")
    lines.append((*frozen, "auto", r"control: $\alpha$ frozen", COLOURS[7]))
    for result, its, name, said, colour in lines:
        for panel, variable in zip(axes, ("entropy", "temperature"), strict=True):
            found = interval(ran(result[variable], its, name), "seed")
            interval_band(panel, result["block_step"].values, found, label=said, color=colour)
        if "entropy_on_policy" in held and result is held:
            visited = interval(ran(held["entropy_on_policy"], params, name), "seed").centre
            axes[0].plot(held["window_step"].values, visited, ":", color=colour, linewidth=1)
    target = float(held["target_entropy"].sel(agent="auto", seed=0))
    axes[0].axhspan(target - 0.2, target + 0.2, color=COLOURS[7], alpha=0.2, linewidth=0)
    axes[0].set(ylabel=named(held["entropy"], "policy entropy"), title="replayed states (dotted: visited)")
    axes[0].set_ylim(top=3)
    axes[1].set(
        ylabel=named(held["temperature"], r"temperature $\alpha$"), yscale="log", title="bands: 95 % over seeds"
    )
    for panel in axes:
        panel.set_xlabel("environment steps")
    legend(axes[0], loc="upper right")


def _sweep(axes, study: Results) -> None:
    """Entropy and final return that come of each entropy target."""
    held, scores, params = study["entropy/benchmark"], study["forecast/benchmark"], study.params("benchmark")
    agents = _targets(params)
    targets = held["target_entropy"].sel(agent=agents, seed=0)
    for panel, values in zip(axes, (held["late_entropy"], scores["final_return"]), strict=True):
        with_seeds(panel, targets.values, [ran(values, params, name) for name in agents], HUES["auto"], fmt="o-")
        panel.set_xlabel(named(targets, "entropy target"))
    axes[0].plot(targets, targets, ":", color=COLOURS[7])
    axes[0].set(ylabel=named(held["late_entropy"], "entropy, last quarter"), title="dotted: held exactly")
    axes[1].set(ylabel=named(scores["final_return"], "final return"))
    axes[1].set_title("what the target costs (points: seeds; 95 %)")


def _targets(params) -> list[str]:
    """SAC agents at scale 1 by their entropy target, lowest first."""
    chosen = [
        name
        for name in learners(params)
        if params.train.agents[name].automatic
        and params.train.agents[name].reward_scale == 1
        and not params.train.agents[name].deterministic
    ]

    def target(name):
        given = params.train.agents[name].target_entropy
        return -1.0 if given is None else given

    return sorted(chosen, key=target)


def exact(study: Results) -> Figure:
    """Against known answers: the regulator's closed form, tables, and which of two goals is reached."""
    figure, axes = panels(2, 3, height=2.7)
    _regulator(axes[0], study)
    _tables(axes[1, 0], study)
    _goals(axes[1, 1:], study)
    return figure


def _tables(panel, study) -> None:
    """How fast soft policy iteration comes to rest on the chain."""
    change = study["entropy/solvable"]["policy_change"]
    steps = np.arange(1, change.sizes["iteration"] + 1)
    for i, alpha in enumerate(change["temperature"].values):
        values = np.maximum(change.sel(temperature=alpha).values, 1e-17)
        panel.plot(steps, values, ".-", color=COLOURS[i], markersize=4, label=rf"$\alpha$ = {alpha:g}")
    panel.set(yscale="log", xlim=(0, 12), xlabel="iteration", ylabel=named(change), title="chain")
    legend(panel, loc="upper right")


def _regulator(axes, study) -> None:
    """Gain, variance and temperature of agents on the regulator against the closed form."""
    result, control = study["entropy/solvable"], study["entropy/no_entropy"]
    agents = [str(name) for name in result["agent"].values]
    free, held = ([name for name in agents if name.startswith(kind)] for kind in ("alpha", "H"))
    alphas, known = (result["exact_temperature"].sel(agent=chosen).values for chosen in (free, held))
    targets = np.array([float(name.split()[1]) for name in held])
    grid = np.linspace(0, alphas.max() * 1.1, 50)
    slope = float(result["exact_variance"].sel(agent=free[0]) / alphas[0])
    axes[0].axhline(float(result["exact_gain"][0]), color="black", linewidth=0.8, label="closed form")
    axes[1].plot(grid, slope * grid, color="black", linewidth=0.8, label="closed form")
    axes[2].plot(targets, known, "k_", markersize=14, label="closed form")
    for i, network in enumerate(result["network"].values):
        shift, style = 0.008 * (2 * i - 1), {"color": COLOURS[i], "label": str(network)}
        for panel, name, chosen, x in (
            (axes[0], "gain", free, alphas + shift),
            (axes[1], "variance", free, alphas + shift),
            (axes[2], "regulator_temperature", held, targets + 5 * shift),
        ):
            found = interval(result[name].sel(network=network, agent=chosen), "seed")
            interval_whiskers(panel, x, found, **style)
    found = interval(control["variance"].sel(network="in class", agent=free), "seed")
    interval_whiskers(axes[1], alphas, found, color=COLOURS[7], label="control: no entropy")
    alpha = named(result["exact_temperature"], r"temperature $\alpha$")
    axes[0].set(xlabel=alpha, ylabel=named(result["gain"], "gain K"), title="policy N(-K x, variance)", xlim=(0, None))
    axes[1].set(xlabel=alpha, ylabel=named(result["variance"], "variance of the action"), title="over seeds, 95 %")
    axes[2].set(xlabel="entropy to hold (nat)", ylabel=alpha, yscale="log", title="automatic")
    axes[2].set_xticks(targets)
    axes[2].yaxis.set_minor_formatter(NullFormatter())
    axes[2].set_yticks(known, [f"{value:.4f}" for value in known])
    axes[2].margins(x=0.3)
    legend(axes[1])


def seeds(study: Results) -> Figure:
    """Every seed's return, their spread, early visits; what the critics foretold; other pendulums."""
    scores, params = study["forecast/benchmark"], study.params("benchmark")
    held: Any = study["entropy/benchmark"]
    chosen = present(scores, LABELS)
    figure, axes = panels(2, 3, height=2.7)
    returns, spread, visits = axes[0]
    for i, name in enumerate(chosen):
        for panel, variable in ((returns, "final_return"), (spread, "deviation")):
            with_seeds(panel, [i], [ran(scores[variable], params, name)], HUES[name], spread=0.2)
        if name in held["agent"].values and "visitation_entropy" in held:
            row = ran(held["visitation_entropy"], params, name)
            with_seeds(visits, [i], [row], HUES[name], spread=0.2)
    returns.set(ylabel=named(scores["final_return"], "final return"), title="every seed; mean and 95 %")
    spread.set(ylabel=named(scores["deviation"], "distance from the median"), title="spread of the seeds (C6)")
    if "visitation_entropy" in held:
        visits.set_ylabel(named(held["visitation_entropy"], "visited states, entropy"))
    visits.set_title(f"first {params.entropy.early} steps of learning")
    _foresight(axes[1], study)
    for panel, there in ((returns, chosen), (spread, chosen), (visits, [n for n in chosen if n in learners(params)])):
        names(panel, "x", [label(name) for name in there], rotation=40)
    return figure


def _goals(axes, study) -> None:
    """Which goal is reached: exact on the chain, with the greedy control; learned on the point."""
    kept, greedy = study["entropy/solvable"], study["entropy/no_entropy"]
    learned, params = study["entropy/point_mass"], study.params("point_mass")
    for i, (result, said) in enumerate(((kept, "soft-optimal"), (greedy, "greedy (control)"))):
        x = result["goal_temperature"].values
        axes[0].plot(x, result["goal_entropy"].values, "o-", color=COLOURS[i], label=said)
    axes[0].axhline(np.log(2), color=COLOURS[7], linestyle=":", label="ln 2")
    axes[0].set(xlabel=r"temperature $\alpha$", ylabel=named(kept["goal_entropy"], "entropy of the goal"))
    axes[0].set(title="two goals, exact", ylim=(-0.05, 0.8))
    legend(axes[0], loc="center right")
    for i, name in enumerate(learners(params)):
        rows = ran(learned["first_goal"], params, name).transpose("seed", "goal").values
        place = i + np.linspace(-0.25, 0.25, len(rows))
        for j, goal in enumerate(learned["goal"].values):
            style = {"color": COLOURS[2 + j], "label": f"{goal} first" if i == 0 else None}
            axes[1].bar(place, rows[:, j], 0.4 / len(rows), bottom=rows[:, :j].sum(1), **style)
    names(axes[1], "x", [label(name) for name in learners(params)])
    axes[1].set(ylabel="share of episodes", title="learned (bars: seeds)", ylim=(0, 1.25))
    axes[1].set_yticks([0, 0.5, 1])
    legend(axes[1], loc="upper center", ncols=2)


def _foresight(axes, study: Results) -> None:
    """What the critics foretold against what came; returns on other pendulums."""
    result, params = study["forecast/benchmark"], study.params("benchmark")
    chosen = [name for name in present(result, ("auto", "fixed", "td3", "ddpg")) if name in learners(params)]
    if "foretold" in result:
        _calibration(axes[:2], result, params, chosen)
    if "perturbed_return" in result:
        _perturbed(axes[2], result["perturbed_return"], params, chosen)


def _calibration(axes, result, params, chosen: list[str]) -> None:
    """The critics' word, episode by episode for two agents, and its bias for all."""
    for name in [n for n in chosen if n in ("auto", "ddpg")]:
        x, y = (ran(result[v], params, name).values.ravel() for v in ("realised", "foretold"))
        axes[0].plot(x, y, ".", color=HUES[name], alpha=0.35, markersize=3, label=label(name), rasterized=True)
    ends = axes[0].get_xlim()
    axes[0].plot(ends, ends, color="black", linewidth=0.8)
    axes[0].set(xlabel=named(result["realised"], "realised soft return"))
    axes[0].set(ylabel=named(result["foretold"], "what the critic said"))
    axes[0].set_title(f"{params.simulate.rollouts} fresh starts, all seeds")
    legend(axes[0])
    for i, name in enumerate(chosen):
        with_seeds(axes[1], [i], [ran(result["calibration_bias"], params, name)], HUES[name], spread=0.2)
    axes[1].axhline(0, color=COLOURS[7], linewidth=0.8)
    axes[1].set(ylabel=named(result["calibration_bias"], "critic minus realised"), title="bias (seeds; 95 %)")
    names(axes[1], "x", [label(name) for name in chosen], rotation=40)


def _perturbed(panel, values, params, chosen: list[str]) -> None:
    """Returns on pendulums of other mass and length."""
    kinds = [str(kind) for kind in values["pendulum"].values]
    for i, name in enumerate(chosen):
        place = np.arange(len(kinds)) + 0.12 * (i - (len(chosen) - 1) / 2)
        found = interval(ran(values, params, name), "seed")
        interval_whiskers(panel, place, found, label=label(name), color=HUES[name])
    names(panel, "x", kinds, rotation=40)
    panel.set_ylim(bottom=1.6 * panel.get_ylim()[0])
    panel.set(ylabel=named(values, "return"), title=f"mass, length: 1 ± {params.forecast.perturbation:g}")
    legend(panel, loc="lower left", ncols=2)
