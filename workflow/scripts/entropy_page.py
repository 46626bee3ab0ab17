"""Write docs/entropy.md from the registry of measures, and draw its pictures: each measure on standard data.

    python workflow/scripts/entropy_page.py [--only NAME ...] [--text]

Each picture has three panels: the measure on standard data of its kind, against noise added to them, and against their
length. Lines are medians over repeats, bands their 10 to 90 % range. Everything is seeded by the measure's name.
"""

from __future__ import annotations

import argparse
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from pesin.entropy.measure import SECTIONS, Measure
from pesin.entropy.registry import MEASURES
from pesin.plot.style import band, panels
from pesin.systems.maps import henon, iterate, logistic
from pesin.systems.noise import coloured_noise

ROOT = Path(__file__).resolve().parents[2]
PAGE, PICTURES = ROOT / "docs" / "entropy.md", ROOT / "docs" / "entropy"
REPEATS = 8
NOISES = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
LENGTHS = np.array([50, 100, 200, 500, 1000, 2000, 5000])
STANDARD = 2000  # points of the first two panels
SLOW = 500  # the same for measures that grow faster than N^2

Data = tuple[np.ndarray, ...]
Maker = Callable[[np.random.Generator, int, float], Data]  # (rng, length, noise) -> arguments

# ------------------------------------------------------------------------------------------------- standard data


def noisy(x, rng, noise):
    """x and white noise of `noise` times its standard deviation."""
    return x + noise * (x.std() or 1) * rng.normal(size=x.shape)


def of_logistic(rng, length, noise):
    return (noisy(iterate(logistic, rng.random(1), length, 100)[:, 0], rng, noise),)


def of_henon(rng, length, noise):
    return (noisy(iterate(henon, 0.1 * rng.random(2), length, 100)[:, 0], rng, noise),)


def of_pink(rng, length, noise):
    return (noisy(coloured_noise(rng, -1, (length,)), rng, noise),)


def of_white(rng, length, noise):
    return (noisy(rng.normal(size=length), rng, noise),)


def of_sine(rng, length, noise):
    return (noisy(np.sin(2 * np.pi * (np.arange(length) + 50 * rng.random()) / 50), rng, noise),)


SERIES = {
    "logistic map": of_logistic,
    "Henon map": of_henon,
    "1/f noise": of_pink,
    "white noise": of_white,
    "sine": of_sine,
}


def as_symbols(maker: Maker) -> Maker:
    return lambda rng, length, noise: tuple((x > np.median(x)).astype(int) for x in maker(rng, length, noise))


def of_pair(rho):
    def maker(rng, length, noise):
        x = rng.normal(size=(length, 1))
        y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=x.shape)
        return x, noisy(y, rng, noise)

    return maker


def of_circle(rng, length, noise):
    angle = 2 * np.pi * rng.random(length)
    x, y = np.cos(angle), np.sin(angle) + 0.05 * rng.normal(size=length)
    return x[:, None], noisy(y, rng, noise)[:, None]


def as_cloud(maker: Maker) -> Maker:
    return lambda rng, length, noise: (np.concatenate(maker(rng, length, noise), -1),)


def of_clusters(rng, length, noise):
    centres = 8 * np.eye(4)[:, :2] + [[0, 0], [0, 0], [8, 8], [0, 0]]
    return (noisy(centres[rng.integers(4, size=length)] + 0.5 * rng.normal(size=(length, 2)), rng, noise),)


def of_two_clouds(shift, scale):
    def maker(rng, length, noise):
        return rng.normal(size=(length, 2)), noisy(shift + scale * rng.normal(size=(length, 2)), rng, noise)

    return maker


def of_triple(tie):
    """x and y alike through z, and `tie` of x in y besides."""

    def maker(rng, length, noise):
        z, a, b = rng.normal(size=(3, length, 1))
        x = z + a
        return x, noisy(z + b + tie * a, rng, noise), z

    return maker


def of_coupled(strength, turned=False):
    def maker(rng, length, noise):
        x, y = rng.normal(size=(2, length + 50))
        for t in range(1, length + 50):
            x[t] += 0.5 * x[t - 1]
            y[t] += 0.5 * y[t - 1] + strength * x[t - 1]
        x, y = noisy(x[50:], rng, noise), noisy(y[50:], rng, noise)
        return (y, x) if turned else (x, y)

    return maker


def of_counts(decay):
    """Counts of `length` draws from 30 kinds, p ~ rank^-decay, mixed with uniform ones."""

    def maker(rng, length, noise):
        return (rng.multinomial(length, law(decay, noise)),)

    return maker


def of_law(decay):
    return lambda rng, length, noise: (rng.dirichlet(length * law(decay, noise) + 1e-9),)


def law(decay, noise, kinds=30):
    p = np.arange(1.0, kinds + 1) ** -decay
    return (p / p.sum() + noise / kinds) / (1 + noise)


def of_logits(spread):
    return lambda rng, length, noise: (spread * rng.normal(size=length) + noise * rng.normal(size=length),)


def of_rank(rank):
    def maker(rng, length, noise):
        return (noisy(rng.normal(size=(length, rank)) @ rng.normal(size=(rank, 10)), rng, noise),)

    return maker


def of_state(mixed):
    """A random state of 4 levels of a larger pure one with `mixed` levels beside; noise depolarises."""

    def maker(rng, length, noise):
        psi = rng.normal(size=(4, mixed)) + 1j * rng.normal(size=(4, mixed))
        rho = (psi @ psi.conj().T) / (np.abs(psi) ** 2).sum()
        return ((rho + noise * np.eye(4) / 4) / (1 + noise),)

    return maker


def of_cycle(p, q):
    def maker(rng, length, noise):
        rates = p * np.roll(np.eye(3), 1, 1) + q * np.roll(np.eye(3), -1, 1)
        return (rates * np.exp(noise * rng.normal(size=(3, 3))),)

    return maker


def of_exponents(chaos):
    return lambda rng, length, noise: (np.array([chaos, 0.0, -chaos - 1]) + noise * rng.normal(size=3),)


def of_rotation(w):
    """A particle in a harmonic trap whose force field turns with frequency w (steps of 0.3)."""

    def maker(rng, length, noise):
        turn = np.exp(-0.3 + 0.3j * w)
        x = np.empty(length, complex)
        state, kicks = 0j, rng.normal(size=(length + 20, 2))
        for t in range(length + 20):
            state = state * turn + np.sqrt(1 - abs(turn) ** 2) * complex(*kicks[t])
            if t >= 20:
                x[t - 20] = state
        return noisy(np.stack([x.real, x.imag], -1), rng, noise), rng

    return maker


def of_currents(drift):
    return lambda rng, length, noise: (noisy(drift + np.sqrt(2) * rng.normal(size=length), rng, noise),)


def of_trap(w):
    """Drift and score, or active force and drift, of the same particle at samples of its steady state."""

    def maker(rng, length, noise):
        x = rng.normal(size=(length, 2))
        turned = w * np.stack([-x[:, 1], x[:, 0]], -1)
        return turned - x, -x + noise * rng.normal(size=x.shape)

    return maker


def of_active(w):
    def maker(rng, length, noise):
        drift, minus = of_trap(w)(rng, length, 0)
        return drift - minus, noisy(drift, rng, noise)

    return maker


def of_walk(p):
    def maker(rng, length, noise):
        steps = np.where(rng.random(length) < p, 1.0, -1.0)
        return (np.log(p / (1 - p)) * steps * (1 + noise),)

    return maker


def of_productions(mean):
    def maker(rng, length, noise):
        return (mean + np.sqrt(2 * mean) * rng.normal(size=length) + noise * rng.normal(size=length),)

    return maker


def of_jumps(p, q):
    def maker(rng, length, noise):
        forward = rng.binomial(length, (p + noise) / (p + q + 2 * noise), 3) + 1
        counts = np.zeros((3, 3))
        for i in range(3):
            counts[i, (i + 1) % 3], counts[(i + 1) % 3, i] = forward[i], length + 2 - forward[i]
        return counts, 3 * (length + 2) / (p + q)

    return maker


def of_relaxation(w):
    def maker(rng, length, noise):
        return (np.eye(2) * (1 + noise) + w * np.array([[0.0, 1.0], [-1.0, 0.0]]),)

    return maker


def of_graph(chance):
    def maker(rng, length, noise):
        nodes = min(length, 300)
        links = np.triu(rng.random((nodes, nodes)) < chance, 1) + 0.0
        links += np.diag(np.ones(nodes - 1), 1) * (1 - links)  # never without a link
        weights = links * np.exp(noise * rng.normal(size=links.shape))
        weights = np.triu(weights, 1)
        return (weights + weights.T,)

    return maker


def of_scores(rho, shift=0.0):
    """Scores of the best critic of Gaussian pairs, for all pairs of a batch of `length` (500 at most)."""

    def maker(rng, length, noise):
        size = min(length, 500)
        x = rng.normal(size=(size, 1))
        y = (rho * x + np.sqrt(1 - rho**2) * rng.normal(size=x.shape)).T
        best = -0.5 * np.log(1 - rho**2) - (rho**2 * (x**2 + y**2) - 2 * rho * x * y) / (2 * (1 - rho**2))
        return (best + shift + noise * rng.normal(size=best.shape),)

    return maker


def of_attention(spread):
    def maker(rng, length, noise):
        size = min(length, 300)
        return (spread * rng.normal(size=(size, size)) + noise * rng.normal(size=(size, size)),)

    return maker


def of_ensemble(apart, sharp):
    """Predictions of 10 classes by `length` members (500 at most): softmax of shared and own logits."""

    def maker(rng, length, noise):
        z = sharp * rng.normal(size=10) + (apart + noise) * rng.normal(size=(min(length, 500), 10))
        p = np.exp(z - z.max(-1, keepdims=True))
        return (p / p.sum(-1, keepdims=True),)

    return maker


def of_gaussian_policy(sigma):
    return lambda rng, length, noise: (np.log(sigma) + noise * rng.normal(size=4),)


def of_squashed_policy(mean):
    return lambda rng, length, noise: (np.full(4, mean), np.log(0.5 + noise) * np.ones(4))


DECAYS = {"uniform": 0.0, "rank^-1": 1.0, "rank^-2": 2.0}
GAUSSIANS = {"rho 0": 0.0, "rho 0.6": 0.6, "rho 0.9": 0.9}
ENSEMBLES = {"agree, unsure": (0.1, 0.5), "agree, sure": (0.1, 4.0), "disagree": (4.0, 0.5)}
SCORES = {name: of_scores(rho) for name, rho in GAUSSIANS.items()}
STANDARD_DATA: dict[str, dict[str, Maker]] = {
    "series": SERIES,
    "symbols": {name: as_symbols(maker) for name, maker in SERIES.items()},
    "pairs": {name: of_pair(rho) for name, rho in GAUSSIANS.items()} | {"circle": of_circle},
    "samples": {
        "Gaussian, rho 0.9": as_cloud(of_pair(0.9)),
        "Gaussian, rho 0": as_cloud(of_pair(0.0)),
        "circle": as_cloud(of_circle),
        "three clusters": of_clusters,
    },
    "two clouds": {
        "same": of_two_clouds(0, 1),
        "shifted by 1": of_two_clouds(1, 1),
        "twice as wide": of_two_clouds(0, 2),
    },
    "triples": {"z alone": of_triple(0.0), "z and a tie": of_triple(0.8)},
    "two series": {
        "x to y": of_coupled(0.8),
        "y to x": of_coupled(0.8, turned=True),
        "independent": of_coupled(0.0),
    },
    "counts": {name: of_counts(decay) for name, decay in DECAYS.items()},
    "probabilities": {name: of_law(decay) for name, decay in DECAYS.items()},
    "logits": {f"spread {spread:g}": of_logits(spread) for spread in (0.0, 1.0, 5.0)},
    "matrix": {f"rank {rank}": of_rank(rank) for rank in (1, 3, 10)},
    "density": {f"4 of 4 x {mixed}": of_state(mixed) for mixed in (1, 2, 8)},
    "rates": {"cycle 2, 1": of_cycle(2, 1), "cycle 5, 1": of_cycle(5, 1), "balanced": of_cycle(1, 1)},
    "transitions": {},
    "exponents": {f"chaos {chaos:g}": of_exponents(chaos) for chaos in (0.0, 0.5, 1.0)},
}
OF_THEIR_OWN: dict[str, dict[str, Maker]] = {
    "uncertainty_bound": {f"drift {v:g}": of_currents(v) for v in (0.0, 1.0, 2.0)},
    "pair_irreversibility": {f"turning {w:g}": of_rotation(w) for w in (0.0, 0.5, 1.0)},
    "langevin_entropy_production": {f"turning {w:g}": of_trap(w) for w in (0.0, 0.5, 1.0)},
    "active_entropy_production": {f"turning {w:g}": of_active(w) for w in (0.0, 0.5, 1.0)},
    "reversal_bound": {f"p {p:g}": of_walk(p) for p in (0.5, 0.6, 0.8)},
    "integral_fluctuation": {f"mean {mean:g}": of_productions(mean) for mean in (0.1, 1.0, 4.0)},
    "jump_path_entropy_production": {"2, 1": of_jumps(2, 1), "5, 1": of_jumps(5, 1), "balanced": of_jumps(1, 1)},
    "linear_entropy_production": {f"turning {w:g}": of_relaxation(w) for w in (0.0, 0.5, 1.0)},
    "graph_entropy": {f"links {chance:g}": of_graph(chance) for chance in (0.02, 0.2, 0.9)},
    "infonce_bound": SCORES,
    "donsker_varadhan_bound": SCORES,
    "nwj_bound": {name: of_scores(rho, 1.0) for name, rho in GAUSSIANS.items()},
    "smile_estimate": SCORES,
    "attention_entropy": {f"spread {spread:g}": of_attention(spread) for spread in (0.0, 1.0, 5.0)},
    "relative_attention_entropy": {f"spread {spread:g}": of_attention(spread) for spread in (0.0, 1.0, 5.0)},
    "predictive_entropy": {name: of_ensemble(*law) for name, law in ENSEMBLES.items()},
    "aleatoric_entropy": {name: of_ensemble(*law) for name, law in ENSEMBLES.items()},
    "epistemic_information": {name: of_ensemble(*law) for name, law in ENSEMBLES.items()},
    "gaussian_policy_entropy": {f"sigma {sigma:g}": of_gaussian_policy(sigma) for sigma in (0.1, 1.0, 3.0)},
    "tanh_gaussian_entropy": {f"mean {mean:g}": of_squashed_policy(mean) for mean in (0.0, 1.0, 2.0)},
}
NO_LENGTH = ("density", "rates", "transitions", "exponents")
FIXED = ("linear_entropy_production", "gaussian_policy_entropy", "tanh_gaussian_entropy")


# ------------------------------------------------------------------------------------------------------- pictures


def standard_data(measure: Measure) -> dict[str, Maker]:
    """What the measure's picture shows it on; empty: no picture."""
    return OF_THEIR_OWN.get(measure.name) or STANDARD_DATA.get(measure.takes, {})


def draw(measure: Measure):
    """The picture of one measure."""
    data = standard_data(measure)
    most = SLOW if "N^3" in measure.cost or "N^2" in measure.cost else STANDARD
    lengths = LENGTHS[(LENGTHS >= measure.needs) & (LENGTHS <= 2.5 * most)]
    long = measure.takes not in NO_LENGTH and measure.name not in FIXED
    figure, ((on, noise, length),) = panels(1, 3, height=1.9, gridspec_kw={"width_ratios": [1.2, 1, 1]})
    for place, (name, maker) in enumerate(data.items()):
        colour = f"C{place}"
        values = repeated(measure, maker, name, most, 0.0)
        on.plot(values, np.full(values.shape, -place) + np.linspace(-0.2, 0.2, values.size), ".", color=colour, ms=4)
        curve(noise, NOISES, [repeated(measure, maker, name, most, level) for level in NOISES], colour)
        if long:
            curve(length, lengths, [repeated(measure, maker, name, int(n), 0.0) for n in lengths], colour)
    on.set_yticks(-np.arange(len(data)), data)
    on.tick_params(axis="y", length=0)
    units = "value" if measure.units == "1" else measure.units
    on.set_xlabel(units)
    noise.set_xlabel("noise")
    noise.set_xscale("symlog", linthresh=0.02)
    noise.set_xticks([0, 0.1, 1], ["0", "0.1", "1"])
    noise.set_ylabel(units)
    if long:
        length.set_xlabel("length")
        length.set_xscale("log")
        if lengths[0] <= measure.advised <= lengths[-1]:
            length.axvline(measure.advised, color="0.7", ls=":", lw=1)
    else:
        length.axis("off")
    return figure


def repeated(measure: Measure, maker: Maker, name: str, length: int, noise: float) -> np.ndarray:
    """Values (their mean, of a measure with an axis of its own) on fresh data; NaN where it raises or is infinite."""
    values = np.full(REPEATS, np.nan)
    for repeat in range(REPEATS):
        rng = np.random.default_rng([zlib.crc32(f"{measure.name} {name}".encode()), repeat, length, int(1000 * noise)])
        try:
            found = float(np.mean(measure(*maker(rng, length, noise)).value))
        except ValueError:
            continue
        values[repeat] = found if np.isfinite(found) else np.nan
    return values


def curve(axes, x, values, colour):
    values = np.array(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of NaN throughout
        low, middle, high = np.nanpercentile(values, [10, 50, 90], axis=1)
    band(axes, x, middle, low, high, color=colour, lw=1)


def save_small(figure, path: Path) -> None:
    """Write a PNG of few colours: the page has one for each measure."""
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(48)
    small.save(path, optimize=True)


# ----------------------------------------------------------------------------------------------------------- text


NOTES = {
    "F": [
        """
Which estimate of the entropy production to trust hangs on what is known. Rates, or drift, diffusion and density, known:
take the exact ones. Drift known, state steady, density unknown: `active_entropy_production`, or the identity `<b' D^-1
b> + <div b>`, needs no density, has no bias and hardly minds the dimension; it is blind to a state that is not steady.
A score that is fitted to samples goes into `langevin_entropy_production`, whose square makes every error of the score
count upward: that of a Gaussian fails wherever the law isn't one, that of nearest neighbours in more than a few
dimensions, that of a trained network where samples are few. Without the drift only bounds are left:
`uncertainty_bound`, `pair_irreversibility`, `reversal_bound`. For jump processes seen at a regular pace, rates by
counting and by a network stand side by side in the study `markov_jump_inference`.

The picture is the figure `production` of the study `entropy_atlas`, whose claims C9 to C12 judge it.

![relative errors of five estimators of the entropy production](entropy/production_estimators.png)"""
    ]
}
"""What a section says between its table and its entries."""


def text() -> str:
    """The page."""
    parts = [HEAD]
    for section, title in SECTIONS.items():
        measures = [m for m in MEASURES.values() if m.section == section]
        parts.append(f"- [{title}](#{title.lower().replace(' ', '-')}): " + ", ".join(link(m) for m in measures))
    for section, title in SECTIONS.items():
        measures = [m for m in MEASURES.values() if m.section == section]
        parts.append(f"\n## {title}\n")
        parts.append("| measure | of | units | cost | least | advised |\n| --- | --- | --- | --- | --- | --- |")
        parts += [f"| {link(m)} | {m.takes} | {m.units} | {m.cost} | {m.needs} | {m.advised} |" for m in measures]
        parts += NOTES.get(section, [])
        parts += [entry(m) for m in measures]
    return "\n".join(parts) + "\n"


def link(measure: Measure) -> str:
    return f"[{measure.name}](#{measure.name})"


def entry(measure: Measure) -> str:
    """One measure: what, when not, defaults, source, peer, picture."""
    settings = ", ".join(f"{name}={value!r}" for name, value in measure.defaults.items())
    lines = [
        f"\n### {measure.name}\n",
        measure.measures,
        f"\n*Not for:* {measure.avoid}\n",
        f"*Shift and scale:* {under_shift_and_scale(measure)}.\n",
        f"*Source:* {measure.source}. *Module:* `{measure.function.__module__}`."
        + (f" *Settings:* `{settings}`." if settings else "")
        + (f" *Same number from:* `{measure.peer}`." if measure.peer else ""),
    ]
    if standard_data(measure):
        lines.append(f"\n![{measure.name} on standard data, against noise and length](entropy/{measure.name}.png)")
    return "\n".join(lines)


def under_shift_and_scale(measure: Measure) -> str:
    """What a x + b does to the value, and why if it does anything."""
    held, moved = ([c for c in ("shift", "scale") if (c in measure.invariant) == want] for want in (True, False))
    said = f"unchanged by {_listed(held)}" if held else f"moved by {_listed(moved)}"
    if len(measure.data) > 1 and held:
        said += " of all data alike"
        each = {name: measure.alone.get(name, ()) for name in measure.data if name not in measure.names}
        for changes in dict.fromkeys(each.values()):
            if changes:
                said += f", and by {_listed(changes)} of {' or '.join(n for n in each if each[n] == changes)} alone"
    if held and moved:
        said += f"; moved by {_listed(moved)}"
    return said + (f": {measure.moves}" if measure.moves else "")


def _listed(changes) -> str:
    return " and ".join(f"a {change}" for change in changes)


HEAD = """<!-- Made by `make docs` from the registry of measures: edit their entries, not this page. -->
# Entropies: which one, and when not

In a clone of the project everything is there (`source .venv/bin/activate`, `PYTHONPATH=workflow/scripts`). The library
alone, in an environment of your own, with what the entropies need and no Snakemake:

    pip install .                         # in a clone; or: pip install git+<the address of the repository>
    pip install ".[systems,forecasters]"  # and dysts' systems, the forecasters; `networks` for what needs PyTorch

`pesin-entropy rec.csv` (in a clone `make entropy FILE=rec.csv`) prints every measure here that suits a recording of
your own, with intervals and the warnings of this page, and writes NetCDF and a picture: see
[recordings.md](recordings.md), which also has an example the size of a notebook.

```python
import numpy as np
from pesin.entropy.registry import get

x = np.random.default_rng(0).normal(size=(1000, 500))  # 1000 series
found = get("permutation_entropy")(x, order=4)
found.value, found.bias, found.counts["patterns"], found.resampling

from pesin.entropy.resampling import resample

resample("permutation_entropy", x[0], rng=np.random.default_rng(1))  # one series: value, standard error, 95 % interval
```

Everything is in nats, standard deviations have ddof 0, distances are those of the maximum norm and match at `<=`.
A batch is any leading axes: series are (..., time), clouds (..., samples, dim); a batch of series goes to a measure of
clouds as `x[..., None]`. The record holds the value, its bias and standard error where a formula gives them, the counts
behind it, and the rule of resampling that gives its error (`resample` applies it). No match is an infinity with a
warning.

**Data** may be any real numbers in any memory: integers, float32, big-endian, read-only, strided. NaN, infinities and
masked values raise with their index: what is missing must be cut out or filled in by you, since each way biases a
measure in its own way. A measure that is unchanged by a shift or a scale is so at any level and in any unit: a series
in units of 1e-15, or 1e12 standard deviations away from 0, has the value that its digits hold (a level of 1e12 leaves
four of them). Each entry says which, and why not where it isn't.

**Choose** by what you have. One series, long, nothing known: dispersion or permutation entropy (linear cost), with the
statistical complexity beside. A few hundred points: sample entropy, and its error by blocks. An entropy rate of a
chaotic system: the Lyapunov exponents if you have equations, correlation entropy or ordinal transitions if not. Two
variables: k-NN mutual information; two series: transfer entropy, always with its shuffled null
(`pesin.entropy.neighbours.null_values`). Hidden layers of networks: diffusion spectral entropy at equal numbers of
points. Which way time runs: the section on nonequilibrium.

In the pictures lines are medians over 8 draws, bands their 10 to 90 % range, noise is in standard deviations of the
data, the dotted line is the advised length. On the left each dot is one draw. Missing points: the measure raised or was
infinite. "Least" is the fewest points that are accepted, "advised" the fewest that are of use. How fast they are:
`benchmarks/entropy_against_peers.py` and `benchmarks/entropy_growth.py`.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="draw these measures only")
    parser.add_argument("--text", action="store_true", help="draw nothing")
    given = parser.parse_args()
    PICTURES.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text(), encoding="utf-8")
    if given.text:
        return
    for name, measure in MEASURES.items():
        if standard_data(measure) and (not given.only or name in given.only):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                figure = draw(measure)
            save_small(figure, PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
