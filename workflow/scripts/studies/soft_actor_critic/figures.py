"""The study's figures: learning, reward scale, entropy, regulator, seeds, goals and what the critics foretell."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from pesin.plot.style import COLOURS, band, panels, whiskers
from pesin.stats.intervals import mean_interval
from pesin.steps.results import Results

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


def seeds_of(values) -> np.ndarray:
    """(seeds, ...) without the seeds that an agent wasn't run with."""
    rows = values.transpose("seed", ...).values
    return rows[np.isfinite(rows).any(axis=tuple(range(1, rows.ndim)))]


def learning(study: Results) -> Figure:
    """Return against environment steps: off-policy agents; then PPO on its longer way."""
    result = study["forecast/benchmark"]
    params = study.params("benchmark")
    figure, axes = panels(1, 2, height=3.0, sharey=True)
    for panel, wanted in zip(axes[0], (("auto", "fixed", "td3", "ddpg"), ("auto", "ppo")), strict=True):
        for name in present(result, wanted):
            rows, steps = seeds_of(result["returns"].sel(agent=name)), result["env_step"].sel(agent=name).values
            there = np.isfinite(rows).all(0) & np.isfinite(steps)
            there &= (steps > 0) | (panel is axes[0, 0])  # a logarithm has no zero
            low, high = np.quantile(rows[:, there], [0.25, 0.75], axis=0)
            style = {"color": HUES[name], "label": f"{label(name)} ({len(rows)})"}
            band(panel, steps[there], rows[:, there].mean(0), low, high, **style)
        panel.axhline(params.forecast.goal_return, color=COLOURS[7], linestyle=":", linewidth=1)
        panel.set_xlabel("environment steps")
    axes[0, 0].axvspan(0, params.learning.warmup, color=COLOURS[7], alpha=0.12, linewidth=0)
    axes[0, 0].set(ylabel="return on unseen starts", title=f"{params.environment}: off-policy (seeds)")
    axes[0, 1].set(title="and on-policy", xscale="log")
    axes[0, 0].legend(loc="lower right", fontsize=7)
    axes[0, 1].legend(loc="center left", fontsize=7)
    return figure


def by_scale(params, names, automatic: bool) -> list[str]:
    """SAC agents that differ in the reward scale alone, smallest scale first."""
    agents = {name: params.agents[name] for name in names}
    chosen = [
        name
        for name, a in agents.items()
        if not a.deterministic and a.automatic == automatic and a.target_entropy is None
    ]
    return sorted(chosen, key=lambda name: agents[name].reward_scale)


def reward_scale(study: Results) -> Figure:
    """Final return against the reward scale; entropy that results; the temperature that is proportional to it."""
    scores, held, params = study["forecast/benchmark"], study["entropy/benchmark"], study.params("benchmark")
    figure, axes = panels(1, 3, height=2.8)
    kinds = ((True, "automatic", HUES["auto"]), (False, r"$\alpha$ = 1 fixed", HUES["fixed"]))
    quantities = (
        (scores["final_return"], "final return"),
        (held["late_entropy"], "entropy, last quarter / nat"),
        (held["late_temperature"], r"$\alpha$, last quarter"),
    )
    for panel, (values, name) in zip(axes[0], quantities, strict=True):
        for i, (automatic, said, colour) in enumerate(kinds):
            chosen = by_scale(params, params.run, automatic)
            scales = np.array([params.agents[agent].reward_scale for agent in chosen]) * 1.15 ** (2 * i - 1)
            rows = [seeds_of(values.sel(agent=agent)) for agent in chosen]
            for scale, row in zip(scales, rows, strict=True):
                panel.plot(np.full(len(row), scale), row, ".", color=colour, alpha=0.4, markersize=4)
            centre, low, high = np.array([mean_interval(row) for row in rows]).T
            whiskers(panel, scales, centre, low, high, label=said, color=colour, fmt="o-")
        panel.set(xscale="log", xlabel="reward scale", ylabel=name)
    axes[0, 1].axhline(float(np.nanmean(held["target_entropy"].sel(agent="auto"))), color=COLOURS[7], linestyle=":")
    axes[0, 1].set_title("dotted: target")
    axes[0, 2].set_yscale("log")
    chosen = by_scale(params, params.run, True)
    reference = float(np.nanmean(held["relative_temperature"].sel(agent="auto")))
    scales = np.array([params.agents[agent].reward_scale for agent in chosen])
    axes[0, 2].plot(scales, reference * scales, ":", color=COLOURS[7], label="proportional")
    axes[0, 0].set_title("points: seeds; 95 %")
    lowest = float(np.nanmin(scores["final_return"]))
    axes[0, 0].set_ylim(1.3 * lowest, 0)  # intervals of three seeds reach beyond what returns there are
    axes[0, 2].set_ylim(top=axes[0, 2].get_ylim()[1] * 10)
    axes[0, 2].legend(loc="upper left", fontsize=7)
    return figure


def entropy(study: Results) -> Figure:
    """Entropy and temperature against the step, with target and control; then the sweep of the target."""
    held, scores, params = study["entropy/benchmark"], study["forecast/benchmark"], study.params("benchmark")
    control = study["entropy/frozen_temperature"]
    figure, axes = panels(2, 2, height=2.6)
    chosen = by_scale(params, params.run, True)
    for i, name in enumerate(chosen):
        style = {"color": COLOURS[i], "label": f"automatic, scale {params.agents[name].reward_scale:g}"}
        _band(axes[0, 0], held, "entropy", "block_step", name, **style)
        _band(axes[0, 1], held, "temperature", "block_step", name, **style)
        if "entropy_on_policy" in held:
            visited = seeds_of(held["entropy_on_policy"].sel(agent=name)).mean(0)
            axes[0, 0].plot(held["window_step"].values, visited, ":", color=COLOURS[i], linewidth=1)
    style = {"color": COLOURS[7], "label": r"control: $\alpha$ frozen"}
    _band(axes[0, 0], control, "entropy", "block_step", "auto", **style)
    _band(axes[0, 1], control, "temperature", "block_step", "auto", **style)
    target = float(np.nanmean(held["target_entropy"].sel(agent="auto")))
    axes[0, 0].axhspan(target - 0.2, target + 0.2, color=COLOURS[7], alpha=0.2, linewidth=0)
    axes[0, 0].set(xlabel="environment steps", ylabel="policy entropy / nat", title="replayed states (dotted: visited)")
    axes[0, 1].set(xlabel="environment steps", ylabel=r"temperature $\alpha$", yscale="log", title="bands: all seeds")
    axes[0, 0].set_ylim(top=3)
    axes[0, 0].legend(loc="upper right", fontsize=7)
    sweep = _targets(params)
    targets = np.array([float(np.nanmean(held["target_entropy"].sel(agent=name))) for name in sweep])
    for panel, values in ((axes[1, 0], held["late_entropy"]), (axes[1, 1], scores["final_return"])):
        rows = [seeds_of(values.sel(agent=name)) for name in sweep]
        for x, row in zip(targets, rows, strict=True):
            panel.plot(np.full(len(row), x), row, ".", color=HUES["auto"], alpha=0.4, markersize=4)
        centre, low, high = np.array([mean_interval(row) for row in rows]).T
        whiskers(panel, targets, centre, low, high, color=HUES["auto"], fmt="o-")
        panel.set_xlabel("entropy target / nat")
    axes[1, 0].plot(targets, targets, ":", color=COLOURS[7])
    axes[1, 0].set(ylabel="entropy, last quarter / nat", title="dotted: held exactly")
    axes[1, 1].set(ylabel="final return", title="what the target costs (points: seeds; 95 %)")
    middle = np.concatenate([seeds_of(scores["final_return"].sel(agent=name)) for name in sweep])
    axes[1, 1].set_ylim(np.floor(middle.min() / 100) * 100 - 50, 0)
    return figure


def _targets(params) -> list[str]:
    """SAC agents at scale 1 by their entropy target, lowest first."""
    chosen = [
        name
        for name in params.run
        if params.agents[name].automatic
        and params.agents[name].reward_scale == 1
        and not params.agents[name].deterministic
    ]

    def target(name):
        given = params.agents[name].target_entropy
        return -1.0 if given is None else given

    return sorted(chosen, key=target)


def _band(panel, result, variable: str, along: str, name: str, **style) -> None:
    """Mean over the seeds, and all of them as a band."""
    rows = seeds_of(result[variable].sel(agent=name))
    band(panel, result[along].values, rows.mean(0), rows.min(0), rows.max(0), **style)


def exact(study: Results) -> Figure:
    """Against known answers: the regulator's closed form, tables, and which of two goals is reached."""
    figure, axes = panels(2, 3, height=2.7)
    _regulator(axes[0], study)
    _tables(axes[1, 0], study)
    _goals(axes[1, 1:], study)
    return figure


def _tables(panel, study: Results) -> None:
    """How fast soft policy iteration comes to rest on the chain."""
    change = study["entropy/solvable"]["policy_change"]
    steps = np.arange(1, change.sizes["iteration"] + 1)
    for i, alpha in enumerate(change["temperature"].values):
        values = np.maximum(change.sel(temperature=alpha).values, 1e-17)
        panel.plot(steps, values, ".-", color=COLOURS[i], markersize=4, label=rf"$\alpha$ = {alpha:g}")
    panel.set(yscale="log", xlim=(0, 12), xlabel="iteration", ylabel="largest change of the policy", title="chain")
    panel.legend(loc="upper right", fontsize=7)


def _regulator(axes, study: Results) -> None:
    """Gain, variance and temperature of agents on the regulator against the closed form."""
    result, control = study["entropy/solvable"], study["entropy/no_entropy"]
    agents = [str(name) for name in result["agent"].values]
    free = [name for name in agents if name.startswith("alpha")]
    held = [name for name in agents if name.startswith("H")]
    alphas = result["exact_temperature"].sel(agent=free).values
    grid = np.linspace(0, alphas.max() * 1.1, 50)
    slope = float(result["exact_variance"].sel(agent=free[0]) / alphas[0])
    axes[0].axhline(float(result["exact_gain"][0]), color="black", linewidth=0.8, label="closed form")
    axes[1].plot(grid, slope * grid, color="black", linewidth=0.8, label="closed form")
    targets = np.array([float(name.split()[1]) for name in held])
    axes[2].plot(targets, result["exact_temperature"].sel(agent=held).values, "k_", markersize=14, label="closed form")
    for i, network in enumerate(result["network"].values):
        shift, style = 0.008 * (2 * i - 1), {"color": COLOURS[i], "label": str(network)}
        for panel, name, chosen, x in (
            (axes[0], "gain", free, alphas + shift),
            (axes[1], "variance", free, alphas + shift),
            (axes[2], "regulator_temperature", held, targets + 5 * shift),
        ):
            rows = result[name].sel(network=network, agent=chosen).transpose("agent", "seed").values
            whiskers(panel, x, *np.array([mean_interval(row) for row in rows]).T, **style)
    rows = control["variance"].sel(network="in class", agent=free).transpose("agent", "seed").values
    style = {"color": COLOURS[7], "label": "control: no entropy"}
    whiskers(axes[1], alphas, *np.array([mean_interval(row) for row in rows]).T, **style)
    axes[0].set(xlabel=r"temperature $\alpha$", ylabel="gain K", title="policy N(-K x, variance)", xlim=(0, None))
    axes[1].set(xlabel=r"temperature $\alpha$", ylabel="variance of the action", title="over seeds, 95 %")
    axes[2].set(xlabel="entropy to hold / nat", ylabel=r"temperature $\alpha$", yscale="log", title="automatic")
    axes[2].set_xticks(targets)
    axes[2].yaxis.set_minor_formatter(NullFormatter())
    known = result["exact_temperature"].sel(agent=held).values
    axes[2].set_yticks(known, [f"{value:.4f}" for value in known])
    axes[2].margins(x=0.3)
    axes[1].legend(loc="upper left", fontsize=7)


def seeds(study: Results) -> Figure:
    """Every seed's return, their spread, early visits; what the critics foretold; other pendulums."""
    scores, held, params = study["forecast/benchmark"], study["entropy/benchmark"], study.params("benchmark")
    chosen = present(scores, LABELS)
    figure, axes = panels(2, 3, height=2.7)
    for i, name in enumerate(chosen):
        row = seeds_of(scores["final_return"].sel(agent=name))
        axes[0, 0].plot(i + np.linspace(-0.2, 0.2, len(row)), row, "o", color=HUES[name], markersize=3)
        axes[0, 0].plot([i - 0.3, i + 0.3], [np.median(row)] * 2, color="black", linewidth=1)
        ends = [[float(scores[f"spread{end}"].sel(agent=name))] for end in ("", "_low", "_high")]
        whiskers(axes[0, 1], [i], *ends, color=HUES[name])
        if name in held["agent"].values and "visitation_entropy" in held:
            row = seeds_of(held["visitation_entropy"].sel(agent=name))
            axes[0, 2].plot(i + np.linspace(-0.2, 0.2, len(row)), row, ".", color=HUES[name], alpha=0.4, markersize=4)
            whiskers(axes[0, 2], [i], *([end] for end in mean_interval(row)), color=HUES[name])
    axes[0, 0].set(ylabel="final return", title="every seed, and the median")
    axes[0, 1].set(ylabel="interquartile range", title="spread (bootstrap, 95 %)", ylim=(0, None))
    axes[0, 2].set(ylabel="visited states, entropy / nat", title=f"first {params.entropy.early} steps of learning")
    _foresight(axes[1], study)
    for panel in axes[0]:
        panel.set_xticks(range(len(chosen)), [label(name) for name in chosen], rotation=40, ha="right", fontsize=7)
    return figure


def _goals(axes, study: Results) -> None:
    """Which goal is reached: exact on the chain, with the greedy control; learned on the point."""
    kept, greedy = study["entropy/solvable"], study["entropy/no_entropy"]
    learned = study["entropy/point_mass"]
    for i, (result, said) in enumerate(((kept, "soft-optimal"), (greedy, "greedy (control)"))):
        x = result["goal_temperature"].values
        axes[0].plot(x, result["goal_entropy"].values, "o-", color=COLOURS[i], label=said)
    axes[0].axhline(np.log(2), color=COLOURS[7], linestyle=":", label="ln 2")
    axes[0].set(
        xlabel=r"temperature $\alpha$", ylabel="entropy of the goal / nat", title="two goals, exact", ylim=(-0.05, 0.8)
    )
    axes[0].legend(loc="center right", fontsize=7)
    for i, name in enumerate(learned["agent"].values):
        rows = seeds_of(learned["first_goal"].sel(agent=name))
        place = i + np.linspace(-0.25, 0.25, len(rows))
        width = 0.4 / len(rows)
        for j, goal in enumerate(learned["goal"].values):
            said = f"{goal} first" if i == 0 else None
            below = rows[:, :j].sum(1)
            axes[1].bar(place, rows[:, j], width, bottom=below, color=COLOURS[2 + j], label=said)
    named = [label(str(name)) for name in learned["agent"].values]
    axes[1].set_xticks(range(len(named)), named)
    axes[1].set(ylabel="share of episodes", title="learned (bars: seeds)", ylim=(0, 1.25))
    axes[1].set_yticks([0, 0.5, 1])
    axes[1].legend(loc="upper center", ncols=2, fontsize=7)


def _foresight(axes, study: Results) -> None:
    """What the critics foretold against what came; returns on other pendulums."""
    result, params = study["forecast/benchmark"], study.params("benchmark")
    chosen = present(result, ("auto", "fixed", "td3", "ddpg"))
    shown = [name for name in chosen if name in params.run]
    if "foretold" in result:
        for name in [n for n in ("auto", "ddpg") if n in shown]:
            x, y = (result[v].sel(agent=name).values.ravel() for v in ("realised", "foretold"))
            axes[0].plot(x, y, ".", color=HUES[name], alpha=0.35, markersize=3, label=label(name), rasterized=True)
        ends = axes[0].get_xlim()
        axes[0].plot(ends, ends, color="black", linewidth=0.8)
        for i, name in enumerate(shown):
            row = seeds_of(result["calibration_bias"].sel(agent=name))
            axes[1].plot(i + np.linspace(-0.2, 0.2, len(row)), row, ".", color=HUES[name], alpha=0.4, markersize=4)
            whiskers(axes[1], [i], *([end] for end in mean_interval(row)), color=HUES[name])
        axes[1].axhline(0, color=COLOURS[7], linewidth=0.8)
        axes[1].set_xticks(range(len(shown)), [label(n) for n in shown], rotation=40, ha="right", fontsize=7)
        axes[0].legend(loc="upper left", fontsize=7)
    if "perturbed_return" in result:
        kinds = [str(kind) for kind in result["pendulum"].values]
        for i, name in enumerate(shown):
            rows = [seeds_of(result["perturbed_return"].sel(agent=name, pendulum=kind)) for kind in kinds]
            centre, low, high = np.array([mean_interval(row) for row in rows]).T
            place = np.arange(len(kinds)) + 0.12 * (i - (len(shown) - 1) / 2)
            whiskers(axes[2], place, centre, low, high, label=label(name), color=HUES[name])
        axes[2].set_xticks(range(len(kinds)), kinds, rotation=40, ha="right", fontsize=7)
        axes[2].set_ylim(2 * axes[2].get_ylim()[0], 0)
        axes[2].legend(loc="lower left", ncols=2, fontsize=7)
    axes[0].set(xlabel="realised soft return", ylabel="what the critic said", title="50 fresh starts, all seeds")
    axes[1].set(ylabel="critic minus realised", title="bias (seeds; 95 %)")
    axes[2].set(ylabel="return", title=f"mass, length: 1 ± {params.forecast.perturbation:g}")
