"""The study's figures: collapse, the law, the mechanism, the identity, dose-response and the tail of the covariance."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pesin.steps.results import Results
from pesin.plot.style import COLOURS, band, panels, whiskers
from pesin.stats.intervals import mean_interval

PAPER_FAMILIES = ("grpo", "rloo", "policy_gradient", "clip_cov", "kl_cov")


def collapse(study: Results) -> Figure:
    """Entropy, accuracy and pass@k against the step, all algorithms: the paper's above, usual remedies below."""
    entropy, scores = study["entropy/task"]["entropy"], study["forecast/task"]
    accuracy = scores["accuracy"].sel({"measure": "sampled"})
    params = study.params("task")
    family = {name: method.family for name, method in params.methods.items()}
    names = [str(name) for name in entropy["algorithm"].values]
    rows = [
        [n for n in names if family[n] in PAPER_FAMILIES],
        ["grpo"] + [n for n in names if family[n] not in PAPER_FAMILIES],
    ]
    rows = [row for row in rows if len(row) > 1] or [names]
    figure, axes = panels(len(rows), 3, height=2.6, sharex=True, sharey="col")
    for row, chosen in zip(axes, rows, strict=True):
        for i, name in enumerate(chosen):
            style = {"color": COLOURS[i % len(COLOURS)], "linestyle": "-" if i < len(COLOURS) else "--"}
            style |= {"linewidth": 4, "alpha": 0.5} if name == "grpo" else {}  # several coincide with it
            for panel, curves in zip(row, (entropy, accuracy, scores["pass_at_k"]), strict=True):
                middle, low, high = over_seeds(curves.sel({"algorithm": name}))
                band(panel, curves["step"].values, middle, low, high, label=name, **style)
        row[0].set(ylabel="entropy H / nat per token", ylim=(0, None))
        row[1].set(ylabel="accuracy R (sampled)", ylim=(0, 1))
        row[2].set(ylabel=f"pass@{params.rl.validation_samples}")
        row[2].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=6)
    for panel in axes[-1]:
        panel.set_xlabel("step (rollout)")
    return figure


def law(study: Results) -> Figure:
    """Accuracy against entropy with the fitted curves, the same for all algorithms, and the error of predictions."""
    entropy, fits = study["entropy/task"]["entropy"], study["forecast/task"]
    accuracy = fits["accuracy"].sel({"measure": "sampled"})
    figure, axes = panels(2, 2, height=2.9)
    _curves(axes[0, 0], entropy, accuracy, fits)
    for i, name in enumerate(entropy["algorithm"].values):
        pair = [one.sel({"algorithm": name}).mean("seed").values for one in (entropy, accuracy)]
        axes[0, 1].plot(*pair, color=COLOURS[i % len(COLOURS)], linewidth=0.8)
    axes[0, 1].set(xlabel="entropy H / nat per token", ylabel="accuracy R", title="all algorithms, means over seeds")
    _coefficients(axes[1, 0], fits)
    _errors(axes[1, 1], fits)
    return figure


def _curves(panel, entropy, accuracy, fits) -> None:
    """GRPO's checkpoints with curves fitted to all of them, and to the beginning."""
    h, r = (one.sel({"algorithm": "grpo"}).values.ravel() for one in (entropy, accuracy))
    h, r = h[np.isfinite(h)], r[np.isfinite(h)]
    panel.plot(h, r, ".", color=COLOURS[7], markersize=2, label="checkpoints")
    grid = np.linspace(0, h.max(), 200)
    panel.plot(grid, np.polyval(np.polyfit(np.exp(h), r, 1), np.exp(grid)), color=COLOURS[0], label="-a exp(H) + b")
    panel.plot(grid, np.polyval(np.polyfit(h, r, 1), grid), color=COLOURS[1], label="linear in H")
    early = {"algorithm": "grpo", "fraction": fits["fraction"].values[0]}
    a, b = fits["a_early"].sel(early).values.mean(), fits["b_early"].sel(early).values.mean()
    label = f"law, first {early['fraction']:.0%} of the run"
    panel.plot(grid, b - a * np.exp(grid), ":", color=COLOURS[0], label=label)
    ceiling = fits["ceiling"].sel({"algorithm": "grpo", "measure": "sampled"}).expand_dims("all")
    whiskers(panel, [0], *over_seeds(ceiling), label="ceiling b - a", color=COLOURS[0])
    panel.set(xlabel="entropy H / nat per token", ylabel="accuracy R", ylim=(0, 1.05), title="GRPO, all seeds")
    panel.legend(loc="lower left", fontsize=7)


def _coefficients(panel, fits) -> None:
    """a and b of each algorithm: every seed's estimate with its block-bootstrap interval."""
    names = [str(name) for name in fits["algorithm"].values]
    for i, coefficient in enumerate(fits["coefficient"].values):
        for j, seed in enumerate(fits["seed"].values):
            at = {"coefficient": coefficient, "seed": seed}
            centre = fits[str(coefficient)].sel({"measure": "sampled", "seed": seed}).values
            low, high = (fits[f"coefficient_{end}"].sel(at).values for end in ("low", "high"))
            place = np.arange(len(names)) + 0.12 * (j - (fits.sizes["seed"] - 1) / 2)
            label = str(coefficient) if j == 0 else None
            style = {"markersize": 2, "capsize": 0, "color": COLOURS[i], "linewidth": 0.8}
            whiskers(panel, place, centre, low, high, label=label, **style)
    panel.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    panel.set(ylabel="coefficient", ylim=(0, None), title="every seed, 95 % block bootstrap")
    panel.legend(loc="center right")


def _errors(panel, fits) -> None:
    """Error of predictions from the beginning of GRPO's runs."""
    fractions = fits["fraction"].values
    for i, name in enumerate(fits["predictor"].values):
        rows = fits["rmse"].sel({"predictor": name, "algorithm": "grpo"}).transpose("seed", "fraction").values
        for row in rows:
            panel.plot(fractions + 0.01 * (i - 1), row, ".", color=COLOURS[i], markersize=3)
        label = str(name).replace("_", " ")
        panel.plot(fractions + 0.01 * (i - 1), np.median(rows, 0), color=COLOURS[i], label=label)
    panel.axhline(0.012, color=COLOURS[7], linestyle=":", label="paper (1.5B), from 15 %")
    panel.set(xlabel="share of the run seen", ylabel="RMSE of the rest", yscale="log", ylim=(5e-3, 3))
    panel.set(title="GRPO: seeds and their median")
    panel.legend(loc="upper right")


def mechanism(study: Results) -> Figure:
    """Entropy loss and covariance against the step, and against each other."""
    result, control = study["entropy/task"], study["entropy/shuffled_rewards"]
    figure, axes = panels(1, 3, height=2.8)
    steps, at = result["update"].values, {"algorithm": "grpo"}
    sampled, exact = ({"covariance_kind": kind, **at} for kind in ("sampled", "exact"))
    band(axes[0, 0], steps, *over_seeds(result["covariance"].sel(sampled)), label="GRPO", color=COLOURS[0])
    band(
        axes[0, 0],
        control["update"].values,
        *over_seeds(control["covariance"].sel(sampled)),
        label="rewards shuffled",
        color=COLOURS[7],
    )
    axes[0, 0].axhline(0, color="black", linewidth=0.6)
    axes[0, 0].set(xlabel="step (rollout)", ylabel=r"Cov($A$, $\log\pi$) of the rollout / nat")
    band(axes[0, 1], steps, *over_seeds(-result["entropy_change"].sel(at)), label="-dH, measured", color=COLOURS[1])
    band(
        axes[0, 1],
        steps,
        *over_seeds(result["covariance"].sel(exact)),
        label=r"Cov($\log\pi$, $dz$), exact",
        color=COLOURS[2],
    )
    axes[0, 1].set(xlabel="step (rollout)", ylabel="entropy lost in a step / nat")
    cloud = axes[0, 2].scatter(
        result["covariance"].sel(exact).values.ravel(),
        -result["entropy_change"].sel(at).values.ravel(),
        c=np.tile(steps, result.sizes["seed"]),
        s=3,
        cmap="viridis",
        rasterized=True,
    )
    figure.colorbar(cloud, ax=axes[0, 2], label="step")
    limit = [0, float(result["covariance"].sel(exact).max())]
    axes[0, 2].plot(limit, limit, color="black", linewidth=0.8, label="-dH = Cov")
    axes[0, 2].set(xlabel=r"Cov($\log\pi$, $dz$) / nat", ylabel="-dH / nat")
    for panel in axes[0]:
        panel.set_ylim(top=panel.get_ylim()[1] * 1.25)
        panel.legend(loc="upper left")
    return figure


def identity(study: Results) -> Figure:
    """Relative error of the identity against the learning rate, with the control."""
    figure, axes = panels(1, 2, height=2.8, sharey=True)
    for panel, gradient in zip(axes[0], study["entropy/tabular"]["gradient"].values, strict=True):
        for i, (key, label) in enumerate((("tabular", "identity"), ("shuffled_actions", "actions shuffled"))):
            result = study[f"entropy/{key}"]
            error = result["relative_error"].sel({"gradient": gradient})
            low, middle, high = error.quantile([0.1, 0.5, 0.9], "policy").values
            band(panel, result["rate"].values, middle, low, high, label=label, color=COLOURS[i])
        rates = study["entropy/tabular"]["rate"].values
        panel.plot(rates, 0.3 * rates, ":", color=COLOURS[7], label="slope 1")
        panel.set(xscale="log", yscale="log", xlabel="learning rate", title=str(gradient).replace("_", " "))
    axes[0, 0].set_ylabel("|dH + Cov| / |Cov|\nmedian, 10 to 90 % of policies")
    axes[0, 1].legend(loc="lower right")
    return figure


def doses(study: Results) -> Figure:
    """Entropy at the compared step and at equal accuracy, and final accuracy, against the dose: paired with GRPO."""
    methods = study.params("task").methods
    step = study.params("task").rl.compare_step
    accuracy = study["forecast/task"]["final_accuracy"].sel({"measure": "sampled"})
    quantities = (
        (study["entropy/task"]["entropy_compared"], f"entropy at step {step}", "minus GRPO's / nat"),
        (study["forecast/task"]["entropy_at_equal_accuracy"], "entropy at equal accuracy", "minus GRPO's / nat"),
        (accuracy, "accuracy at the end", "minus GRPO's"),
    )
    figure, axes = panels(1, 3, height=2.8)
    families = {
        family: {
            str(name): getattr(methods[str(name)], f"{family}_percent")
            for name in accuracy["algorithm"].values
            if methods[str(name)].family in (family, "policy_gradient")
        }
        for family in ("kl_cov", "clip_cov")
    }
    ticks = sorted({dose for family in families.values() for dose in family.values()})
    for panel, (values, title, label) in zip(axes[0], quantities, strict=True):
        for i, (family, dose) in enumerate(families.items()):
            chosen = sorted(dose, key=dose.get)
            if not chosen:
                continue
            place = np.array([ticks.index(dose[name]) for name in chosen]) + 0.08 * (2 * i - 1)
            rows = (values - values.sel({"algorithm": "grpo"}, drop=True)).sel({"algorithm": chosen})
            whiskers(panel, place, *over_seeds(rows), label=family, color=COLOURS[i], fmt="o-")
        panel.axhline(0, color=COLOURS[7], linewidth=0.8)
        panel.set(xlabel="dose / % of tokens", ylabel=label, title=title)
        panel.set_xticks(range(len(ticks)), [f"{tick:g}" for tick in ticks])
    if ticks:
        axes[0, 0].legend(loc="upper left")
    return figure


def token_covariance(study: Results) -> Figure:
    """Tail of the token covariance, and its mean over the largest tokens."""
    result = study["entropy/task"]
    figure, axes = panels(1, 2, height=2.9)
    for i, step in enumerate(result["snapshot"].values):
        values = result["token_covariance_quantile"].sel({"snapshot": step})
        top = result["token_covariance_top"].sel({"snapshot": step})
        middle, low, high = over_seeds(values)
        beyond, positive, wide = 1 - result["level"].values, middle > 0, low > 0
        label = f"step {step}"
        axes[0, 0].fill_betweenx(
            beyond, np.where(wide, low, np.nan), np.where(wide, high, np.nan), color=COLOURS[i], alpha=0.2, linewidth=0
        )
        axes[0, 0].plot(middle[positive], beyond[positive], color=COLOURS[i], label=label)
        whiskers(axes[0, 1], result["top_share"].values * 1.06**i, *over_seeds(top), label=label, color=COLOURS[i])
    axes[0, 0].set(
        xscale="log", yscale="log", xlim=(1e-2, None), xlabel="covariance c / nat", ylabel="share of tokens above c"
    )
    axes[0, 1].set(
        xscale="log", yscale="log", xlabel="share of tokens, largest first", ylabel="their mean covariance / nat"
    )
    axes[0, 0].legend(loc="lower left")
    axes[0, 1].legend(loc="lower left")
    return figure


def over_seeds(values) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the seeds and its 95 % interval, for each element of the other dimension."""
    columns = values.transpose("seed", ...).values.T
    centre, low, high = np.array([mean_interval(column[np.isfinite(column)]) for column in columns]).T
    return centre, np.where(np.isfinite(low), low, centre), np.where(np.isfinite(high), high, centre)
