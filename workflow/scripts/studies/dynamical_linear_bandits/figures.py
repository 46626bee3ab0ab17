"""The study's figures: constant actions, regret, growth, stability, advertising, entropy, phase diagram, forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GREY = COLOURS[7]
LOOKS = {
    "dynlin_ucb": ("DynLin-UCB", COLOURS[0], "-"),
    "lin_ucb": ("Lin-UCB", COLOURS[1], "-"),
    "held_lin_ucb": ("Lin-UCB, held", COLOURS[2], "-"),
    "lin_ucb_plain": ("Lin-UCB, plain", COLOURS[4], "--"),
    "d_lin_ucb": ("D-LinUCB", COLOURS[3], "--"),
    "d_lin_ucb_forgetful": ("D-LinUCB, forgetful", COLOURS[3], ":"),
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
        found = interval(check.mean_reward.sel(noise=quiet), "seed")
        interval_whiskers(panel, check.stated_value.values, found, label=label, fmt=marker, color=colour)
    ends = [0, float(right.mean_reward.max()) * 1.05]
    panel.plot(ends, ends, color="black", linewidth=0.8)
    panel.set(xlabel=named(right.stated_value), ylabel=named(right.mean_reward, "mean reward of a constant action"))
    panel.set_title(f"noise {quiet:g}, 95 % over seeds")
    legend(panel, loc="lower right")
    panel = axes[0, 1]
    panel.hist(right.sequence_reward.sel(noise=quiet).mean("seed").values, bins=20, color=COLOURS[0], alpha=0.6)
    panel.axvline(float(right.best_constant.sel(noise=quiet).mean()), color=COLOURS[1], label="best constant action")
    panel.set(xlabel=named(right.sequence_reward), ylabel="number of sequences")
    legend(panel, loc="upper left")
    panel.margins(y=0.25)
    return figure


def regret(study: Results) -> Figure:
    """Regret against time, one panel for each noise level."""
    runs = study["train/synthetic"].isel(horizon=-1)
    figure, axes = panels(1, runs.sizes["noise"], height=3.0, sharey=True)
    for panel, noise in zip(axes[0], runs.noise.values, strict=True):
        _regret_curves(panel, runs.sel(noise=noise))
        panel.set(title=f"$\\sigma$ = {noise:g}")
    axes[0, 0].set_ylabel(named(runs.regret, "regret $R_t$"))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _regret_curves(panel, runs) -> None:
    for name in map(str, runs.learner.values):
        label, colour, line = LOOKS[name]
        curves = runs.regret.sel(learner=name)
        if name in ("dynlin_ucb", "lin_ucb"):
            for curve in curves.values:
                panel.plot(runs.rounds.values, curve, color=colour, linewidth=0.4, alpha=0.6)
        found: Any = interval(curves, "seed")
        found = found._replace(low=np.maximum(found.low, 1e-2))  # a logarithmic axis has no zero
        interval_band(panel, runs.rounds.values, found, label=label, color=colour, linestyle=line)
    panel.set(xscale="log", yscale="log", xlabel="round $t$")


def growth(study: Results) -> Figure:
    """Regret within a run on logarithmic axes, and its exponent over the last decade."""
    runs, control = study["train/synthetic"].isel(horizon=-1), study["train/no_learning"].isel(horizon=-1)
    figure, axes = panels(1, 2, height=2.9)
    panel, t = axes[0, 0], runs.rounds.isel(noise=0).values
    for i, noise in enumerate(runs.noise.values):
        curves = runs.regret.sel(learner="dynlin_ucb", noise=noise)
        interval_band(panel, t, interval(curves, "seed"), label=f"$\\sigma$ = {noise:g}", color=COLOURS[i])
    random = control.regret.sel(learner="dynlin_ucb").isel(noise=-1)
    panel.plot(control.rounds.isel(noise=-1).values, random.mean("seed").values, ":", color=GREY, label="random play")
    panel.plot(t, float(curves.isel(mark=-1).mean()) * np.sqrt(t / t[-1]), "k--", linewidth=0.8, label=r"$\sqrt{t}$")
    panel.set(xscale="log", yscale="log", xlabel="round $t$", ylabel=named(runs.regret, "regret $R_t$"))
    legend(panel)
    panel = axes[0, 1]
    for i, (result, label) in enumerate(((runs, "DynLin-UCB"), (control, "random play (null)"))):
        values = result.exponent.sel(learner="dynlin_ucb")
        for j in range(values.sizes["noise"]):
            points = values.isel(noise=j).values
            shift = np.linspace(-0.15, 0.15, len(points))
            panel.plot(j + shift, points, ".", color=(COLOURS[0], GREY)[i], label=label if j == 0 else None)
    panel.axhline(0.7, color=COLOURS[1], linewidth=0.8, label="bound of the rule")
    panel.axhline(0.5, color="black", linewidth=0.8, linestyle="--", label=r"$\sqrt{t}$")
    names(panel, "x", [f"{noise:g}" for noise in runs.noise.values])
    panel.set(xlabel="noise $\\sigma$", ylabel="exponent over $[T/10, T]$, every seed", ylim=(0.4, 1.3))
    legend(panel, loc="upper left", ncols=2)
    return figure


def stability(study: Results) -> Figure:
    """Regret at the hardest gap against 1 / (1 - rho) and against the number of channels, and that gap."""
    case, control = study["train/hardest"], study["train/widened"]
    figure, axes = panels(2, 2, height=2.4, sharex="col", sharey="row", gridspec_kw={"height_ratios": [2.2, 1]})
    sweeps = (("stability", "rho", r"$1 / (1 - \rho)$", 1.7), ("dimension", "channels", "channels $d$", 1.2))
    for column, (group, dim, said, steepest) in zip(axes.T, sweeps, strict=True):
        panel, below = column
        drawn = ((case, "DynLin-UCB", COLOURS[0], "o-"), (control, "widened bonus (control)", COLOURS[1], "o--"))
        for result, name, colour, line in drawn:
            runs = result[group].to_dataset().sel(learner="dynlin_ucb").squeeze(drop=True)
            x = runs.inverse_margin.values if dim == "rho" else runs.channels.values
            _hardest(panel, x, runs.worst_regret, name, colour, line)
            below.plot(x, runs.worst_gap.values, line, color=colour, markersize=3)
            if result is case:
                panel.plot(x, runs.final_regret.mean("seed").values, color=GREY, linewidth=0.4, zorder=0)
                start = runs.worst_regret.mean("seed").values[0] * 0.6
                label = f"slope {steepest:g}"
                panel.plot(x, start * (x / x[0]) ** steepest, "--", color="black", linewidth=0.8, label=label)
                ticks = x.round(2)
        if group == "dimension":
            panel.axvspan(4 / 1.1, 16 * 1.1, color=GREY, alpha=0.12, linewidth=0, label="judged")
        for edge in case[group].gap.values[[0, -1]]:
            below.axhline(edge, color="black", linewidth=0.6, linestyle=":")
        log_axis(panel, "x", ticks)
        panel.set_yscale("log")
        below.set(yscale="log", xlabel=said)
        log_axis(below, "x", ticks)
        legend(panel, loc="upper left")
    axes[0, 0].set_ylabel(named(case["stability"].worst_regret, "regret $R_T$, hardest gap"))
    axes[1, 0].set_ylabel("hardest gap")
    panel.set_ylim(top=panel.get_ylim()[1] * 6)
    return figure


def _hardest(panel, x, values, label: str, colour, line: str) -> None:
    """Regret with its interval, and the slope between neighbours written beside it."""
    found = interval(values, "seed")
    interval_whiskers(panel, x, found, label=label, color=colour, fmt=line)
    centre = np.asarray(found.centre)
    slopes = np.diff(np.log(centre)) / np.diff(np.log(x))
    for i, slope in enumerate(slopes):
        at = (np.sqrt(x[i] * x[i + 1]), np.sqrt(centre[i] * centre[i + 1]))
        beside = (-3, 4) if line == "o--" else (3, -3)
        sides = {"ha": "right", "va": "bottom"} if line == "o--" else {"ha": "left", "va": "top"}
        note(panel, f"{slope:.2f}", at, xytext=beside, textcoords="offset points", color=colour, **sides)


def advertising(study: Results) -> Figure:
    """Regret on the advertising system, against time and at the end."""
    runs = study["train/advertising"].isel(horizon=-1, noise=0)
    figure, axes = panels(1, 2, height=3.0)
    _regret_curves(axes[0, 0], runs)
    axes[0, 0].set_ylabel(named(runs.regret, "regret $R_t$"))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    _every_seed(axes[0, 1], runs.final_regret)
    axes[0, 1].set_ylabel(named(runs.final_regret, "regret $R_T$"))
    return figure


def _every_seed(panel, values) -> None:
    learners = [str(name) for name in values.learner.values]
    for i, name in enumerate(learners):
        points = values.sel(learner=name).values
        panel.plot(i + np.linspace(-0.25, 0.25, len(points)), points, ".", color=LOOKS[name][1])
    names(panel, "x", [LOOKS[name][0] for name in learners], rotation=90)


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
            curve = interval(result.action_entropy.sel(learner=name, noise=noise), "seed")
            interval_band(column[0], result.window.values, curve, label=label, **style)
            gained = result.information.sel(learner=name, noise=noise)
            if np.isfinite(gained).any():  # the others estimate nothing
                gained = interval(gained, "seed")
                interval_band(column[1], runs.rounds.sel(noise=noise).values, gained, label=label, **style)
        column[0].axhline(top, color="black", linewidth=0.6)
        column[0].set(xlabel="time / horizon", title=f"$\\sigma$ = {noise:g}")
        column[1].set(xscale="log", xlabel="round $t$")
        _every_seed(column[2], runs.best_share.sel(noise=noise))
    axes[0, 0].set_ylabel(named(result.action_entropy, "action entropy"))
    axes[1, 0].set_ylabel(named(result.information, "information"))
    axes[2, 0].set_ylabel(named(runs.best_share, "share of the best arm\nin the last tenth"))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def phase(study: Results) -> Figure:
    """Regret relative to merely holding, and the share of locked seeds, over noise and horizon."""
    runs = study["train/phase"]
    figure, axes = panels(1, 3, height=2.9)
    held, lines = runs.final_regret.sel(learner="held_lin_ucb"), list(enumerate(runs.horizon.values))
    for panel, name in zip(axes[0], ("dynlin_ucb", "lin_ucb"), strict=False):
        ratio = runs.final_regret.sel(learner=name) / held
        for i, horizon in lines:
            _against_noise(panel, interval(ratio.sel(horizon=horizon), "seed"), i, f"T = {horizon:g}")
        panel.axhline(1, color="black", linewidth=0.8)
        panel.set(yscale="log", title=LOOKS[name][0])
    axes[0, 0].set_ylabel("regret / regret of held Lin-UCB")
    legend(axes[0, 0])
    locked = runs.locked.sel(learner="lin_ucb")
    for i, horizon in lines:
        _against_noise(axes[0, 2], interval(locked.sel(horizon=horizon), "seed", "share"), i, f"T = {horizon:g}")
    axes[0, 2].set(ylim=(-0.05, 1.05), title="Lin-UCB", ylabel="share of seeds with linear regret")
    return figure


def _against_noise(panel, found, i: int, label: str) -> None:
    """The i-th line of a panel over the noise, beside the others."""
    x = found.centre.noise.values * 1.05**i
    interval_whiskers(panel, x, found, label=label, color=COLOURS[i], fmt="o-")
    panel.set(xscale="log", xlabel=r"noise $\sigma$")


def forecast(study: Results) -> Figure:
    """RMSE of both predictors on a constant action and on a random sequence."""
    scores = study["forecast/synthetic"]
    figure, axes = panels(2, 2, height=2.4, sharex=True, sharey=True)
    for row, target in zip(axes, scores.target.values, strict=True):
        for panel, predictor in zip(row, scores.predictor.values, strict=True):
            for i, name in enumerate(map(str, scores.learner.values)):
                values = scores.rmse.sel(learner=name, target=target, predictor=predictor)
                label, colour, _ = LOOKS[name]
                x, found = scores.noise.values * 1.08 ** (i - 2), interval(values, "seed", "median")
                interval_whiskers(panel, x, found, label=label, color=colour, fmt="o-")
            panel.axhline(1, color="black", linewidth=0.8)
            said = {"static": r"static $\hat h\,u$", "lags": "model with lags"}[str(predictor)]
            panel.set(xscale="log", yscale="log", title=f"{said}, {target} actions")
    for panel in axes[:, 0]:
        panel.set_ylabel(named(scores.rmse))
    for panel in axes[-1]:
        panel.set_xlabel("noise $\\sigma$")
    legend(axes[0, 0])
    return figure
