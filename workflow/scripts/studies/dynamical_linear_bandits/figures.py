"""The study's figures: constant actions, regret, growth, stability, advertising, entropy, phase diagram, forecasts."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pesin.steps.results import Results
from pesin.plot.style import COLOURS, band, panels, whiskers
from pesin.stats.intervals import mean_interval, share_interval

GREY = COLOURS[7]
LOOKS = {
    "dynlin_ucb": ("DynLin-UCB", COLOURS[0], "-"),
    "lin_ucb": ("Lin-UCB", COLOURS[1], "-"),
    "held_lin_ucb": ("Lin-UCB, held", COLOURS[2], "-"),
    "lin_ucb_plain": ("Lin-UCB, plain", COLOURS[4], "--"),
    "d_lin_ucb": ("D-LinUCB", COLOURS[3], "--"),
    "exp3": ("Exp3", COLOURS[5], ":"),
    "exp3_batch": ("Exp3, batches", COLOURS[5], "-."),
    "uniform": ("random play", GREY, ":"),
    "expert": ("expert", COLOURS[6], "-."),
}


def constant(study: Results) -> Figure:
    """Mean rewards of constant actions against their value, and of periodic sequences of actions."""
    right, wrong = (study[f"simulate/{name}"]["check"].to_dataset() for name in ("synthetic", "myopic_value"))
    figure, axes = panels(1, 2, height=2.9)
    panel, quiet = axes[0, 0], right.noise.values[-1]
    for check, marker, colour, label in (
        (right, "o", COLOURS[0], "stated value $h\\,u$"),
        (wrong, "x", COLOURS[1], "stated value $\\theta\\,u$"),
    ):
        rewards = check.mean_reward.sel(noise=quiet)
        whiskers(panel, check.stated_value.values, *over_seeds(rewards), label=label, fmt=marker, color=colour)
    ends = [0, float(right.mean_reward.max()) * 1.05]
    panel.plot(ends, ends, color="black", linewidth=0.8)
    panel.set(xlabel="stated value of the arm", ylabel=f"mean reward (noise {quiet:g}, 95 % over seeds)")
    panel.legend(loc="lower right")
    panel = axes[0, 1]
    panel.hist(right.sequence_reward.sel(noise=quiet).mean("seed").values, bins=20, color=COLOURS[0], alpha=0.6)
    panel.axvline(float(right.best_constant.sel(noise=quiet).mean()), color=COLOURS[1], label="best constant action")
    panel.set(xlabel="mean reward", ylabel="number of random periodic sequences")
    panel.legend(loc="upper left")
    panel.margins(y=0.25)
    return figure


def regret(study: Results) -> Figure:
    """Regret against time, one panel for each noise level."""
    runs = study["train/synthetic"].isel(horizon=-1)
    figure, axes = panels(1, runs.sizes["noise"], height=3.0, sharey=True)
    for panel, noise in zip(axes[0], runs.noise.values, strict=True):
        _regret_curves(panel, runs.sel(noise=noise))
        panel.set(title=f"$\\sigma$ = {noise:g}")
    axes[0, 0].set_ylabel("regret $R_t$ (reward)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _regret_curves(panel, runs) -> None:
    for name in map(str, runs.learner.values):
        label, colour, line = LOOKS[name]
        curves = runs.regret.sel(learner=name)
        if name in ("dynlin_ucb", "lin_ucb"):
            for curve in curves.values:
                panel.plot(runs.rounds.values, curve, color=colour, linewidth=0.4, alpha=0.6)
        centre, low, high = over_seeds(curves)
        band(panel, runs.rounds.values, centre, np.maximum(low, 1e-2), high, label=label, color=colour, linestyle=line)
    panel.set(xscale="log", yscale="log", xlabel="round $t$")


def growth(study: Results) -> Figure:
    """Regret within a run on logarithmic axes, and its exponent over the last decade."""
    runs, control = study["train/synthetic"].isel(horizon=-1), study["train/no_learning"].isel(horizon=-1)
    figure, axes = panels(1, 2, height=2.9)
    panel, t = axes[0, 0], runs.rounds.isel(noise=0).values
    for i, noise in enumerate(runs.noise.values):
        curves = runs.regret.sel(learner="dynlin_ucb", noise=noise)
        band(panel, t, *over_seeds(curves), label=f"$\\sigma$ = {noise:g}", color=COLOURS[i])
    random = control.regret.sel(learner="dynlin_ucb").isel(noise=-1)
    panel.plot(control.rounds.isel(noise=-1).values, random.mean("seed").values, ":", color=GREY, label="random play")
    panel.plot(t, float(curves.isel(mark=-1).mean()) * np.sqrt(t / t[-1]), "k--", linewidth=0.8, label=r"$\sqrt{t}$")
    panel.set(xscale="log", yscale="log", xlabel="round $t$", ylabel="regret $R_t$ (reward)")
    panel.legend(fontsize=7)
    panel = axes[0, 1]
    for i, (result, label) in enumerate(((runs, "DynLin-UCB"), (control, "random play (control)"))):
        values = result.exponent.sel(learner="dynlin_ucb")
        for j in range(values.sizes["noise"]):
            points = values.isel(noise=j).values
            shift = np.linspace(-0.15, 0.15, len(points))
            panel.plot(j + shift, points, ".", color=(COLOURS[0], GREY)[i], label=label if j == 0 else None)
    panel.axhline(0.7, color=COLOURS[1], linewidth=0.8, label="bound of the rule")
    panel.axhline(0.5, color="black", linewidth=0.8, linestyle="--", label=r"$\sqrt{t}$")
    panel.set_xticks(range(runs.sizes["noise"]), [f"{noise:g}" for noise in runs.noise.values])
    panel.set(xlabel="noise $\\sigma$", ylabel="exponent over $[T/10, T]$, every seed", ylim=(0.4, 1.3))
    panel.legend(fontsize=7, loc="upper left", ncols=2)
    return figure


def stability(study: Results) -> Figure:
    """Regret against 1 / (1 - rho), and against the number of channels."""
    slow, wide = study["train/stability"], study["train/dimension"]
    figure, axes = panels(1, 2, height=3.0)
    panel, x = axes[0, 0], slow.inverse_margin.values
    for name in map(str, slow.learner.values):
        label, colour, line = LOOKS[name]
        values = slow.final_regret.sel(learner=name)
        whiskers(panel, x, *over_seeds(values), label=label, color=colour, fmt="o" + line)
    start = float(slow.final_regret.sel(learner="dynlin_ucb").isel(rho=0).mean())
    for slope, line in ((0.5, "--"), (1.5, "-.")):
        panel.plot(x, start * (x / x[0]) ** slope, line, color="black", linewidth=0.8, label=f"slope {slope:g}")
    panel.set(xscale="log", yscale="log", xlabel=r"$1 / (1 - \rho)$", ylabel="regret $R_T$ (reward)")
    panel.set_xticks(x, [f"{value:.3g}" for value in x])
    panel.minorticks_off()
    panel.legend(fontsize=7)
    panel, d = axes[0, 1], wide.channels.values
    for i, gap in enumerate(wide.gap.values):
        values = wide.final_regret.sel(learner="dynlin_ucb", gap=gap)
        whiskers(panel, d, *over_seeds(values), label=f"gap {gap:g}", color=COLOURS[i], fmt=".-", linewidth=0.8)
    worst, _, _ = over_seeds(wide.worst_regret.sel(learner="dynlin_ucb"))
    panel.plot(d, worst, color=GREY, linewidth=5, alpha=0.5, label="worst gap", zorder=0)
    panel.plot(d, worst[0] * d / d[0], "--", color="black", linewidth=0.8, label="slope 1")
    panel.set(xscale="log", yscale="log", xlabel="channels $d$", ylabel="regret $R_T$ (reward)")
    panel.set_xticks(d, [str(value) for value in d])
    panel.minorticks_off()
    panel.legend(fontsize=6, ncols=2)
    return figure


def advertising(study: Results) -> Figure:
    """Regret on the advertising system, against time and at the end."""
    runs = study["train/advertising"].isel(horizon=-1, noise=0)
    figure, axes = panels(1, 2, height=3.0)
    _regret_curves(axes[0, 0], runs)
    axes[0, 0].set_ylabel("regret $R_t$ (reward)")
    axes[0, 0].legend(fontsize=6)
    _every_seed(axes[0, 1], runs.final_regret, "regret $R_T$ (reward)")
    return figure


def _every_seed(panel, values, label: str) -> None:
    names = [str(name) for name in values.learner.values]
    for i, name in enumerate(names):
        points = values.sel(learner=name).values
        panel.plot(i + np.linspace(-0.25, 0.25, len(points)), points, ".", color=LOOKS[name][1])
    panel.set_xticks(range(len(names)), [LOOKS[name][0] for name in names], rotation=90, fontsize=7)
    panel.set_ylabel(label)


def entropy(study: Results) -> Figure:
    """Action entropy and information against time, and the share of the best arm at the end."""
    result, runs = study["entropy/synthetic"].isel(horizon=-1), study["train/synthetic"].isel(horizon=-1)
    figure, axes = panels(3, result.sizes["noise"], height=2.1, sharey="row")
    top = np.log(runs.sizes["arm"])
    for column, noise in zip(axes.T, result.noise.values, strict=True):
        for name in map(str, result.learner.values):
            if name == "expert":
                continue
            label, colour, line = LOOKS[name]
            style = {"color": colour, "linestyle": line, "linewidth": 1}
            curve = result.action_entropy.sel(learner=name, noise=noise)
            band(column[0], result.window.values, *over_seeds(curve), label=label, **style)
            gained = result.information.sel(learner=name, noise=noise)
            if np.isfinite(gained.values).all():
                band(column[1], runs.rounds.sel(noise=noise).values, *over_seeds(gained), label=label, **style)
        column[0].axhline(top, color="black", linewidth=0.6)
        column[0].set(xlabel="time / horizon", title=f"$\\sigma$ = {noise:g}")
        column[1].set(xscale="log", xlabel="round $t$")
        _every_seed(column[2], runs.best_share.sel(noise=noise), "")
    axes[0, 0].set_ylabel("action entropy / nat")
    axes[1, 0].set_ylabel("information / nat")
    axes[2, 0].set_ylabel("share of the best arm\nin the last tenth")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=7)
    return figure


def phase(study: Results) -> Figure:
    """Regret relative to merely holding, and the share of locked seeds, over noise and horizon."""
    runs = study["train/phase"]
    figure, axes = panels(1, 3, height=2.9)
    held = runs.final_regret.sel(learner="held_lin_ucb")
    for panel, name in zip(axes[0], ("dynlin_ucb", "lin_ucb"), strict=False):
        for i, horizon in enumerate(runs.horizon.values):
            ratio = (runs.final_regret.sel(learner=name) / held).sel(horizon=horizon)
            label = f"T = {horizon:g}"
            whiskers(panel, runs.noise.values * 1.05**i, *over_seeds(ratio), label=label, color=COLOURS[i], fmt="o-")
        panel.axhline(1, color="black", linewidth=0.8)
        panel.set(xscale="log", yscale="log", xlabel="noise $\\sigma$", title=LOOKS[name][0])
    axes[0, 0].set_ylabel("regret / regret of held Lin-UCB")
    axes[0, 0].legend(fontsize=7)
    panel = axes[0, 2]
    for i, horizon in enumerate(runs.horizon.values):
        locked = runs.locked.sel(learner="lin_ucb", horizon=horizon).transpose("noise", "seed").values
        shares = np.array([share_interval(row) for row in locked]).T
        whiskers(panel, runs.noise.values * 1.05**i, *shares, label=f"T = {horizon:g}", color=COLOURS[i], fmt="o-")
    panel.set(xscale="log", xlabel="noise $\\sigma$", ylim=(-0.05, 1.05), title="Lin-UCB")
    panel.set_ylabel("share of seeds with linear regret")
    return figure


def forecast(study: Results) -> Figure:
    """RMSE of both predictors on a constant action and on a random sequence."""
    scores = study["forecast/synthetic"]
    figure, axes = panels(2, 2, height=2.4, sharex=True, sharey=True)
    for row, target in zip(axes, scores.target.values, strict=True):
        for panel, predictor in zip(row, scores.predictor.values, strict=True):
            for i, name in enumerate(map(str, scores.learner.values)):
                values = scores.rmse.sel(learner=name, target=target, predictor=predictor)
                label, colour, _ = LOOKS[name]
                x = scores.noise.values * 1.08 ** (i - 2)
                whiskers(panel, x, *over_seeds(values, np.median), label=label, color=colour, fmt="o-")
            panel.axhline(1, color="black", linewidth=0.8)
            said = {"static": r"static $\hat h\,u$", "lags": "model with lags"}[str(predictor)]
            panel.set(xscale="log", yscale="log", title=f"{said}, {target} actions")
    for panel in axes[:, 0]:
        panel.set_ylabel("RMSE / noise of the reward")
    for panel in axes[-1]:
        panel.set_xlabel("noise $\\sigma$")
    axes[0, 0].legend(fontsize=7)
    return figure


def over_seeds(values, centre=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and 95 % interval over seeds, or a given centre with the range of the seeds."""
    columns = values.transpose("seed", ...).values.T
    if centre is not None:
        return centre(columns, -1), columns.min(-1), columns.max(-1)
    middle, low, high = np.array([mean_interval(column) for column in columns]).T
    return middle, np.where(np.isfinite(low), low, middle), np.where(np.isfinite(high), high, middle)
