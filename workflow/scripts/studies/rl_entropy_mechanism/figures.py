"""The study's figures: collapse, the law, the mechanism, the identity, dose-response and the tail of the covariance."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, named, names, panels, whiskers
from pesin.stats.intervals import interval
from pesin.steps.results import Results

HUES = {
    "grpo": COLOURS[0],
    "rloo": COLOURS[2],
    "policy_gradient": COLOURS[3],
    "clip_cov": COLOURS[1],
    "kl_cov": COLOURS[6],
    "clip_higher": COLOURS[5],
    "entropy_bonus": COLOURS[4],
    "kl_reference": COLOURS[7],
}
ASKED = 0.05  # the error that C3 asks for
DOSES = ("-", "--", ":")  # largest dose first


def looks(methods, run) -> dict[str, dict[str, Any]]:
    """Colour by family and line by dose of each method; GRPO's line is broad, because others coincide with it."""
    found: dict[str, dict[str, Any]] = {}
    for family, hue in HUES.items():
        doses = {n: methods[n].kl_cov_percent + methods[n].clip_cov_percent + methods[n].entropy_bonus for n in run}
        kin = sorted((n for n in run if methods[n].family == family), key=doses.__getitem__, reverse=True)
        found |= {n: {"color": hue, "linestyle": DOSES[min(i, 2)]} for i, n in enumerate(kin)}
    return found | {"grpo": {"color": HUES["grpo"], "linewidth": 4, "alpha": 0.5}}


def collapse(study: Results) -> Figure:
    """Entropy, accuracy and pass@k against the step, all algorithms."""
    scores: Any = study["forecast/task"]
    entropy: Any = study["entropy/task"]["entropy"]
    accuracy = scores["accuracy"].sel({"measure": "sampled"})
    params = study.params("task").train
    style = looks(params.methods, params.run)
    figure, (row,) = panels(1, 3, height=3.0)
    for name in params.run:
        for panel, curves in zip(row, (entropy, accuracy, scores["pass_at_k"]), strict=True):
            found = interval(curves.sel({"algorithm": name}), "seed")
            interval_band(panel, curves["step"].values, found, label=name, **style[name])
    row[0].set(ylabel=named(entropy, "entropy H per token"), ylim=(0, None))
    row[1].set(ylabel=named(accuracy, "accuracy R (sampled)"), ylim=(0, 1))
    row[2].set(ylabel=named(scores["pass_at_k"], f"pass@{params.rl.validation_samples}"))
    for panel in row:
        panel.set_xlabel("step (rollout)")
        panel.axvline(params.rl.compare_step, color=COLOURS[7], linestyle=":", linewidth=0.8)
    legend(row[2], outside="right")
    return figure


def law(study: Results) -> Figure:
    """Accuracy against entropy with the fitted curves, the same for all algorithms, and the error of predictions."""
    fits: Any = study["forecast/task"]
    entropy: Any = study["entropy/task"]["entropy"]
    accuracy = fits["accuracy"].sel({"measure": "sampled"})
    figure, axes = panels(2, 2, height=2.9)
    _curves(axes[0, 0], entropy, accuracy, fits)
    params = study.params("task").train
    style = looks(params.methods, params.run)
    for name in params.run:
        pair = [one.sel({"algorithm": name}).mean("seed", skipna=False).values for one in (entropy, accuracy)]
        axes[0, 1].plot(*pair, label=name, **{"linewidth": 1.2} | style[name])
    legend(axes[0, 1], outside="right")
    axes[0, 1].set(xlabel=named(entropy, "entropy H per token"), ylabel=named(accuracy, "accuracy R"))
    axes[0, 1].set_title("all algorithms, means over seeds")
    _coefficients(axes[1, 0], fits)
    _errors(axes[1, 1], fits)
    return figure


def _curves(panel, entropy, accuracy, fits) -> None:
    """GRPO's checkpoints with curves fitted to all of them, and to the beginning."""
    h, r = (one.sel({"algorithm": "grpo"}).values.ravel() for one in (entropy, accuracy))
    h, r = h[np.isfinite(h)], r[np.isfinite(h)]  # a diverged run has no points
    panel.plot(h, r, ".", color=COLOURS[7], markersize=2, label="checkpoints")
    grid = np.linspace(0, h.max(), 200)
    panel.plot(grid, np.polyval(np.polyfit(np.exp(h), r, 1), np.exp(grid)), color=COLOURS[0], label="-a exp(H) + b")
    panel.plot(grid, np.polyval(np.polyfit(h, r, 1), grid), color=COLOURS[1], label="linear in H")
    early = {"algorithm": "grpo", "fraction": fits["fraction"].values[0]}
    a, b = fits["a_early"].sel(early).values.mean(), fits["b_early"].sel(early).values.mean()
    label = f"law, first {early['fraction']:.0%} of the run"
    panel.plot(grid, b - a * np.exp(grid), ":", color=COLOURS[0], label=label)
    ceiling = fits["ceiling"].sel({"algorithm": "grpo", "measure": "sampled"}).expand_dims("all")
    interval_whiskers(panel, [0], interval(ceiling, "seed"), label="ceiling b - a", color=COLOURS[0])
    panel.set(xlabel=named(entropy, "entropy H per token"), ylabel=named(accuracy, "accuracy R"))
    panel.set(ylim=(0, 1.05), title="GRPO, all seeds")
    legend(panel)


def _coefficients(panel, fits) -> None:
    """a and b of each algorithm: every seed's estimate with its block-bootstrap interval."""
    run = [str(name) for name in fits["algorithm"].values]
    for i, coefficient in enumerate(fits["coefficient"].values):
        for j, seed in enumerate(fits["seed"].values):
            at = {"coefficient": coefficient, "seed": seed}
            centre = fits[str(coefficient)].sel({"measure": "sampled", "seed": seed}).values
            low, high = (fits[f"coefficient_{end}"].sel(at).values for end in ("low", "high"))
            place = np.arange(len(run)) + 0.7 * ((j + 0.5) / fits.sizes["seed"] - 0.5)
            label = str(coefficient) if j == 0 else None
            style: dict[str, Any] = {"markersize": 2, "capsize": 0, "color": COLOURS[i], "linewidth": 0.8}
            whiskers(panel, place, centre, low, high, label=label, **style)
    names(panel, "x", run, rotation=90)
    panel.set(ylabel="coefficient", ylim=(0, None), title="every seed, 95 % block bootstrap")
    legend(panel, outside="right")


def _errors(panel, fits) -> None:
    """Error of predictions from the beginning of GRPO's runs."""
    for i, name in enumerate(fits["predictor"].values):
        rmse = fits["rmse"].sel({"predictor": name, "algorithm": "grpo"})
        place, label = fits["fraction"].values + 0.01 * (i - 1), str(name).replace("_", " ")
        panel.plot(place, rmse.transpose("fraction", "seed").values, ".", color=COLOURS[i], alpha=0.4, markersize=3)
        interval_whiskers(panel, place, interval(rmse, "seed"), label=label, color=COLOURS[i], fmt="o-")
    panel.axhline(0.012, color=COLOURS[7], linestyle=":", label="paper (1.5B), from 15 %")
    panel.axhspan(1e-3, ASKED, color=COLOURS[7], alpha=0.15, linewidth=0, label="asked (C3)")
    panel.set(xlabel="share of the run seen", ylabel=named(rmse, "RMSE of the rest"))
    panel.set(yscale="log", ylim=(4e-3, None), title="GRPO: seeds, mean and 95 %")
    legend(panel, outside="right")


def mechanism(study: Results) -> Figure:
    """Entropy loss and covariance against the step, and against each other."""
    result: Any = study["entropy/task"]
    control = study["entropy/shuffled_rewards"]
    figure, (axes,) = panels(1, 3, height=2.8)
    steps, at = result["update"].values, {"algorithm": "grpo"}
    sampled, exact = ({"covariance_kind": kind, **at} for kind in ("sampled", "exact"))
    covariance, lost = result["covariance"].sel(exact), -result["entropy_change"].sel(at)
    lost.attrs = result["entropy_change"].attrs
    for data, label, colour in ((result, "GRPO", COLOURS[0]), (control, "rewards shuffled", COLOURS[7])):
        found = interval(data["covariance"].sel(sampled), "seed")
        interval_band(axes[0], data["update"].values, found, label=label, color=colour)
    axes[0].axhline(0, color="black", linewidth=0.6)
    axes[0].set_ylabel(named(result["covariance"], r"Cov($A$, $\log\pi$) of the rollout"))
    interval_band(axes[1], steps, interval(lost, "seed"), label="-dH, measured", color=COLOURS[1])
    label = r"Cov($\log\pi$, $dz$), exact"
    interval_band(axes[1], steps, interval(covariance, "seed"), label=label, color=COLOURS[2])
    axes[1].set_ylabel(named(lost, "entropy lost in a step"))
    for panel in axes[:2]:
        panel.set_xlabel("step (rollout)")
    cloud = axes[2].scatter(
        covariance.values.ravel(),
        lost.values.ravel(),
        c=np.tile(steps, result.sizes["seed"]),
        s=3,
        cmap="viridis",
        rasterized=True,
    )
    figure.colorbar(cloud, ax=axes[2], label="step")
    limit = [0, float(covariance.max())]
    axes[2].plot(limit, limit, color="black", linewidth=0.8, label="-dH = Cov")
    axes[2].set(xlabel=named(covariance, r"Cov($\log\pi$, $dz$)"), ylabel=named(lost, "-dH"))
    for panel in axes:
        panel.set_ylim(top=panel.get_ylim()[1] * 1.25)
        legend(panel, loc="upper left")
    return figure


def identity(study: Results) -> Figure:
    """Relative error of the identity against the learning rate, with the control."""
    tabular: Any = study["entropy/tabular"]
    figure, axes = panels(1, 2, height=2.8, sharey=True)
    for panel, gradient in zip(axes[0], tabular["gradient"].values, strict=True):
        for i, (key, label) in enumerate((("tabular", "identity"), ("shuffled_actions", "actions shuffled"))):
            error: Any = study[f"entropy/{key}"]["relative_error"].sel({"gradient": gradient})
            # The rule judges mean slopes of logarithms, so the mean and its interval are those of the logarithm.
            found: Any = interval(np.log(error), "policy")
            found = found._replace(centre=np.exp(found.centre), low=np.exp(found.low), high=np.exp(found.high))
            interval_band(panel, error["rate"].values, found, label=label, color=COLOURS[i])
        rates = tabular["rate"].values
        panel.plot(rates, 0.3 * rates, ":", color=COLOURS[7], label="slope 1")
        panel.set(xscale="log", yscale="log", xlabel="learning rate", title=str(gradient).replace("_", " "))
    axes[0, 0].set_ylabel(f"{named(error)}\ngeometric mean, 95 %")
    legend(axes[0, 1], loc="lower right")
    return figure


def doses(study: Results) -> Figure:
    """Entropy at the compared step and at equal accuracy, and final accuracy, against the dose: paired with GRPO."""
    methods = study.params("task").train.methods
    step = study.params("task").train.rl.compare_step
    scores: Any = study["forecast/task"]
    equal = scores["entropy_at_equal_accuracy"]
    quantities = (
        (study["entropy/task"]["entropy_compared"], f"entropy at step {step}"),
        *((equal.sel(level=level), f"entropy at {level:.0%} of the gain") for level in equal["level"].values),
        (scores["final_accuracy"].sel({"measure": "sampled"}), "accuracy at the end"),
    )
    figure, (row,) = panels(1, len(quantities), width=2 + 1.8 * len(quantities), height=2.8)
    families = {
        family: {
            str(name): getattr(methods[str(name)], f"{family}_percent")
            for name in scores["algorithm"].values
            if methods[str(name)].family in (family, "grpo")
        }
        for family in ("kl_cov", "clip_cov")
    }
    ticks = sorted({dose for family in families.values() for dose in family.values()})
    for panel, (values, title) in zip(row, quantities, strict=True):
        for i, (family, dose) in enumerate(families.items()):
            chosen = sorted(dose, key=dose.__getitem__)
            place = np.array([ticks.index(dose[name]) for name in chosen]) + 0.08 * (2 * i - 1)
            rows = (values - values.sel({"algorithm": "grpo"}, drop=True)).sel({"algorithm": chosen})
            interval_whiskers(panel, place, interval(rows, "seed"), label=family, color=HUES[family], fmt="o-")
        panel.axhline(0, color=COLOURS[7], linewidth=0.8)
        panel.set(xlabel="dose (% of tokens)", title=title)
        names(panel, "x", [f"{tick:g}" for tick in ticks])
        panel.set_ylabel(named(values, "minus GRPO's"))
    legend(row[0], loc="upper left")
    return figure


def token_covariance(study: Results) -> Figure:
    """Tail of the token covariance, and its mean over the largest tokens."""
    result: Any = study["entropy/task"]
    figure, ((left, right),) = panels(1, 2, height=2.9)
    beyond = 1 - result["level"].values
    for i, step in enumerate(result["snapshot"].values):
        style = {"color": COLOURS[i], "label": f"step {step}"}
        # Each seed a line: where its quantiles jump, a band would span the jump. A logarithmic axis has no zero.
        quantile: Any = result["token_covariance_quantile"].sel({"snapshot": step}).transpose("level", "seed")
        left.plot(quantile.where(quantile > 0).values, beyond, color=COLOURS[i], alpha=0.5, linewidth=0.7)
        left.plot([], [], **style)
        top = interval(result["token_covariance_top"].sel({"snapshot": step}), "seed")
        interval_whiskers(right, result["top_share"].values * 1.06**i, top, **style)
    left.set(xlabel=named(result["token_covariance_quantile"], "covariance c"), ylabel="share of tokens above c")
    left.set(xlim=(1e-2, None))
    right.set(xlabel="share of tokens, largest first", ylabel=named(top.centre, "their mean covariance"))
    for panel in (left, right):
        panel.set(xscale="log", yscale="log")
        legend(panel, loc="lower left")
    return figure
