"""Entropy production: how fast a process shows which way its time runs, in nats per unit of time (or per step).

Estimators from data are biased upwards: noise looks irreversible. Subtract the value of time-symmetrised surrogates,
which `pair_irreversibility` gives as its bias. Bounds from below are marked as such.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.linalg import solve_continuous_lyapunov
from scipy.sparse.csgraph import connected_components
from scipy.special import logsumexp

from pesin.declared import Declared
from pesin.door import enough, finite, samples, series, symmetric, varying
from pesin.entropy.estimate import BLOCKS, BOOTSTRAP, EXACT, Estimate
from pesin.entropy.measure import Measure
from pesin.entropy.neighbours import kl_divergence

ONE_WAY = ("infinite", "leave out")


def stationary_distribution(rates) -> np.ndarray:
    """Stationary probabilities of a Markov jump process.

    Parameters
    ----------
    rates : array_like, shape (..., states, states)
        rates[i, j] from state i to j; the diagonal does not count.

    Returns
    -------
    ndarray, shape (..., states)

    Raises
    ------
    ValueError
        If a rate is negative, or the process falls apart into parts that don't reach each other: there is no single
        stationary law then.
    """
    flow = _rates(rates)
    return np.array([law_of_chain(one) for one in flow.reshape(-1, *flow.shape[-2:])]).reshape(flow.shape[:-1])


def law_of_chain(weights: np.ndarray) -> np.ndarray:
    """Stationary law of one chain from rates or probabilities (states, states), 0 or more; the diagonal doesn't count.

    By the elimination of Grassmann, Taksar and Heyman (Oper. Res. 33, 1107, 1985), which subtracts nothing: each entry
    is right to about as many digits as its weights, however far apart they are. Raises as `stationary_distribution`.
    """
    flow = weights * (1 - np.eye(len(weights)))
    number, part = connected_components(flow > 0, connection="strong")
    closed = [k for k in range(number) if not (flow[part == k][:, part != k] > 0).any()]
    if len(closed) > 1:
        raise ValueError("the states fall apart into groups that don't reach each other: no single stationary law")
    states = np.flatnonzero(part == closed[0])
    a, x = flow[np.ix_(states, states)], np.ones(states.size)
    for n in range(states.size - 1, 0, -1):
        a[:n, n] /= a[n, :n].sum()
        a[:n, :n] += np.outer(a[:n, n], a[n, :n])
    for n in range(1, states.size):
        x[n] = x[:n] @ a[:n, n]
    law = np.zeros(len(weights))
    law[states] = x / x.sum()
    return law


def jump_entropy_production(rates, probabilities=None, one_way: str = "infinite") -> Estimate:
    """Entropy production rate of a Markov jump process (Schnakenberg, Rev. Mod. Phys. 48, 571, 1976).

    1/2 sum_ij (p_i f_ij - p_j f_ji) ln(p_i f_ij / (p_j f_ji)), f_ij the rate from i to j.

    Parameters
    ----------
    rates : array_like, shape (..., states, states)
        The diagonal does not count.
    probabilities : array_like, shape (..., states), optional
        Of the states; the stationary ones if not given.
    one_way
        What a link that is never taken back counts: "infinite" (the definition), or "leave out".

    Returns
    -------
    Estimate
        In nats per unit of time, 0 exactly for detailed balance. Counts of `links` and of those `one_way`.
    """
    if one_way not in ONE_WAY:
        raise ValueError(f"one_way must be one of {', '.join(map(repr, ONE_WAY))}, it is {one_way!r}")
    flow = _rates(rates)
    if probabilities is None:
        p = stationary_distribution(flow)
    else:
        p = finite(probabilities, "probabilities")
        if p.shape != flow.shape[:-1] or (p < 0).any() or not np.allclose(p.sum(-1), 1):
            raise ValueError(f"probabilities must have shape {flow.shape[:-1]}, be 0 or more, and sum to 1")
    value, links, alone = _affinity(p[..., None] * flow)
    return _of_links(value, links, alone, one_way, "jump entropy production", EXACT)


def jump_path_entropy_production(counts, duration, one_way: str = "infinite") -> Estimate:
    """Entropy production rate of a jump process from its counted jumps: sum_i<j (n_ij - n_ji) ln(n_ij / n_ji) / T.

    Parameters
    ----------
    counts : array_like of int, shape (..., states, states)
        Jumps from i to j, seen without gaps over the duration, in a steady state.
    duration : array_like, shape (...)
        Time.
    one_way
        As in `jump_entropy_production`: a link seen one way only is likely one not seen for long enough.

    Returns
    -------
    Estimate
        In nats per unit of time. Bias 2 / T for each independent cycle (links - states + 1 of them: only their currents
        are free), to second order near balance and somewhat more far from it. Counts of `links` and of those `one_way`.
    """
    if one_way not in ONE_WAY:
        raise ValueError(f"one_way must be one of {', '.join(map(repr, ONE_WAY))}, it is {one_way!r}")
    jumps, time = _rates(counts, "counts"), finite(duration, "duration")
    if (time <= 0).any():
        raise ValueError("duration must be positive")
    value, links, alone = _affinity(jumps)
    visited = ((jumps.sum(-1) + jumps.sum(-2)) > 0).sum(-1)
    bias = 2 * np.maximum(links - visited + 1, 0) / time
    return _of_links(value / time, links, alone, one_way, "jump path entropy production", BLOCKS, bias)


def langevin_entropy_production(drift, score, diffusion) -> Estimate:
    """Entropy production rate of an overdamped diffusion from drift and score: <v' D^-1 v>, v = b - D grad ln rho.

    Parameters
    ----------
    drift, score : array_like, shape (..., samples, dim)
        b and grad ln rho (of the steady density) at independent samples of it.
    diffusion : float, or array_like, shape (dim, dim)
        D of dx = b dt + sqrt(2 D) dW, the same everywhere.

    Returns
    -------
    Estimate
        In nats per unit of time, with the standard error of a mean of independent samples.
    """
    b, batch = samples(drift, 2, "Langevin entropy production", "drift")
    s, other = samples(score, 2, "Langevin entropy production", "score")
    if batch != other or b.shape != s.shape:
        raise ValueError(f"drift {np.shape(drift)} and score {np.shape(score)} must have the same shape")
    d = _diffusion(diffusion, b.shape[-1])
    velocity = b - s @ d
    local = (velocity * np.linalg.solve(d, np.swapaxes(velocity, -1, -2)).swapaxes(-1, -2)).sum(-1)
    return _mean(batch, local)


def active_entropy_production(force, drift, temperature: float = 1.0) -> Estimate:
    """Entropy production rate of particles in a potential with an active force, without a score: <f . b> / T.

    b = -grad U + f is the whole drift at unit mobility; the potential's part of the power averages to 0 in the steady
    state, so that no density is needed.

    Parameters
    ----------
    force, drift : array_like, shape (..., samples, dim)
        f and b at independent samples of the steady state.
    temperature
        T of dx = b dt + sqrt(2 T) dW.

    Returns
    -------
    Estimate
        In nats per unit of time, with the standard error of a mean of independent samples.
    """
    f, batch = samples(force, 2, "active entropy production", "force")
    b, other = samples(drift, 2, "active entropy production", "drift")
    if batch != other or f.shape != b.shape:
        raise ValueError(f"force {np.shape(force)} and drift {np.shape(drift)} must have the same shape")
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, it is {temperature}")
    return _mean(batch, (f * b).sum(-1) / temperature)


def linear_entropy_production(relaxation, diffusion) -> Estimate:
    """Exact entropy production rate of the linear process dx = -K x dt + sqrt(2 D) dW.

    C solves K C + C K' = 2 D; the mean local velocity is (D C^-1 - K) x, so the rate is
    tr[(D C^-1 - K)' D^-1 (D C^-1 - K) C].

    Parameters
    ----------
    relaxation : array_like, shape (dim, dim)
        K; real parts of its eigenvalues positive.
    diffusion : float, or array_like, shape (dim, dim)
        D.

    Returns
    -------
    Estimate
        In nats per unit of time; 2 w^2 / k for K = k 1 - w J in the plane.
    """
    k = finite(relaxation, "relaxation")
    if k.ndim != 2 or k.shape[0] != k.shape[1]:
        raise ValueError(f"relaxation has shape (dim, dim), this one {k.shape}")
    if np.linalg.eigvals(k).real.min() <= 0:
        raise ValueError("the process is not stationary: an eigenvalue of relaxation has a real part of 0 or less")
    d = _diffusion(diffusion, len(k))
    c = solve_continuous_lyapunov(k, 2 * d)
    velocity = d @ np.linalg.inv(c) - k
    return Estimate(float(np.trace(velocity.T @ np.linalg.solve(d, velocity) @ c)), EXACT)


def uncertainty_bound(currents, duration: float) -> Estimate:
    """Bound from below on the entropy production rate by the thermodynamic uncertainty relation, 2 <J>^2 / (T var J).

    Barato and Seifert, PRL 114, 158101 (2015). It holds for steady jump processes and overdamped diffusions in
    continuous time; the better the current, the tighter.

    Parameters
    ----------
    currents : array_like, shape (..., runs)
        A current that changes sign under time reversal (a displacement, a winding number), integrated over each run.
    duration
        Length of a run.

    Returns
    -------
    Estimate
        A lower bound, in nats per unit of time. Bias 2 / (T runs), of <J>^2; standard error by the delta method for
        Gaussian currents. Counts of `runs`.
    """
    j, batch = series(currents, 3, "the uncertainty bound", "currents")
    varying(j, "the uncertainty bound")
    if not duration > 0:
        raise ValueError(f"duration must be positive, it is {duration}")
    runs = j.shape[1]
    mean, variance = j.mean(1), j.var(1, ddof=1)
    value = 2 * mean**2 / (duration * variance)
    error = np.sqrt((4 / duration) ** 2 * mean**2 / (variance * runs) + value**2 * 2 / (runs - 1))
    bias = np.full(len(j), 2 / (duration * runs))
    return Estimate.of(batch, value, BOOTSTRAP, standard_error=error, bias=bias, runs=np.full(len(j), runs))


def pair_irreversibility(x, rng: np.random.Generator, lag: int = 1, k: int = 4, surrogates: int = 10) -> Estimate:
    """Irreversibility of a series: k-NN divergence of (x_t, x_t+lag) from (x_t+lag, x_t).

    A bound from below on the entropy production in `lag` steps, for variables that time reversal leaves as they are
    (positions, not velocities). The k-NN divergence nears large values from below, so that it stays a bound. Forward
    pairs come from the first half of the series, backward ones from the second, so that no point is in both.

    Parameters
    ----------
    x : array_like, shape (..., time, dim), or (time,)
        Stationary.
    rng
        Generator, for the surrogates.
    lag
        Samples between the two points of a pair.
    k
        Neighbour.
    surrogates
        Time-symmetric copies, each pair turned round with probability 1/2; their mean value is the bias.

    Returns
    -------
    Estimate
        In nats per `lag` steps; value - bias is 0 for a reversible series. Counts of `pairs` and the surrogates'
        standard deviation `null_deviation`.
    """
    x = finite(x)
    if lag < 1 or surrogates < 2:
        raise ValueError(f"lag must be 1 or more and surrogates 2 or more, they are {lag} and {surrogates}")
    clouds, batch = samples(x[:, None] if x.ndim == 1 else x, 2 * (k + 1 + lag), "pair irreversibility")
    dim, half = clouds.shape[2], (clouds.shape[1] - lag) // 2
    pairs = np.concatenate([clouds[:, :-lag], clouds[:, lag:]], -1)
    first, second = pairs[:, :half], np.roll(pairs[:, half + lag - 1 :], dim, -1)
    value = np.asarray(kl_divergence(first, second, k).value)
    null = []
    for _ in range(surrogates):
        one, other = (
            np.where(rng.random((*part.shape[:2], 1)) < 0.5, np.roll(part, dim, -1), part) for part in (first, second)
        )
        null.append(np.asarray(kl_divergence(one, other, k).value))
    return Estimate.of(
        batch,
        value,
        BLOCKS,
        bias=np.mean(null, 0),
        pairs=np.full(len(value), half),
        null_deviation=np.std(null, 0, ddof=1),
    )


def reversal_bound(antisymmetric) -> Estimate:
    """What a trained estimator of entropy production has reached, <S - exp(-S)> + 1 (Kim et al., PRL 125, 140604).

    Its maximum over antisymmetric functions S(x, x') = -S(x', x) is the entropy production per step, reached at
    S = ln p(x, x') / p(x', x): every other S stays below, up to the sampling error.

    Parameters
    ----------
    antisymmetric : array_like, shape (..., pairs)
        S at pairs of successive states, of data that S was not trained on.

    Returns
    -------
    Estimate
        A lower bound, in nats per step, with the standard error of a mean of independent pairs.
    """
    s, batch = series(antisymmetric, 2, "the reversal bound", "antisymmetric")
    return _mean(batch, s - np.exp(-s) + 1)


def integral_fluctuation(entropy) -> Estimate:
    """Mean of exp(-entropy production) over runs: 1 by the integral fluctuation theorem (Seifert, PRL 95, 040602).

    The mean rests on the rare runs of negative entropy production: trust it only if `effective_runs` is large.

    Parameters
    ----------
    entropy : array_like, shape (..., runs)
        Total entropy production of each run (that of the system's end and start included), in nats.

    Returns
    -------
    Estimate
        Standard error of the mean; count `effective_runs` = (sum w)^2 / sum w^2 of the weights w = exp(-entropy).
    """
    s, batch = series(entropy, 2, "the fluctuation theorem", "entropy")
    runs = s.shape[1]
    log_sum, log_square = logsumexp(-s, -1), logsumexp(-2 * s, -1)
    value = np.exp(log_sum - np.log(runs))
    effective = np.exp(2 * log_sum - log_square)
    error = value * np.sqrt(np.maximum(1 / effective - 1 / runs, 0) * runs / (runs - 1))
    return Estimate.of(
        batch, value, BOOTSTRAP, standard_error=error, runs=np.full(len(s), runs), effective_runs=effective
    )


# -------------------------------------------------------------------------------------------------------------- parts


def _affinity(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum of (J_ij - J_ji) ln(J_ij / J_ji) over links that are taken both ways; their number; that of the others."""
    back = np.swapaxes(flow, -1, -2)
    both, either = (flow > 0) & (back > 0), (flow > 0) | (back > 0)
    ratio = np.log(np.where(both, flow, 1)) - np.log(np.where(both, back, 1))
    value = 0.5 * ((flow - back) * ratio).sum((-2, -1))
    return value, either.sum((-2, -1)) // 2, (either & ~both).sum((-2, -1)) // 2


def _of_links(value, links, alone, one_way: str, measure: str, resampling: str, bias=None) -> Estimate:
    value = np.asarray(value, float)
    if one_way == "infinite" and (alone > 0).any():
        warnings.warn(
            f"{measure}: {int(alone.sum())} links are taken one way only, the value is infinite; "
            "one_way='leave out' leaves them out",
            RuntimeWarning,
            stacklevel=3,
        )
        value = np.where(alone > 0, np.inf, value)
    flat = {"links": np.reshape(links, -1), "one_way": np.reshape(alone, -1)}
    bias = None if bias is None else np.reshape(bias, -1)
    return Estimate.of(value.shape, value.reshape(-1), resampling, bias=bias, **flat)


def _mean(batch, local: np.ndarray) -> Estimate:
    size = local.shape[-1]
    error = local.std(-1, ddof=1) / np.sqrt(size)
    return Estimate.of(batch, local.mean(-1), BOOTSTRAP, standard_error=error, samples=np.full(len(local), size))


def _rates(rates, name: str = "rates") -> np.ndarray:
    flow = finite(rates, name)
    if flow.ndim < 2 or flow.shape[-1] != flow.shape[-2]:
        raise ValueError(f"{name} must have shape (..., states, states), not {flow.shape}")
    enough(flow.shape[-1], 2, "entropy production", "states")
    flow = flow * (1 - np.eye(flow.shape[-1]))
    if (flow < 0).any():
        raise ValueError(f"{name} off the diagonal must be 0 or more")
    return flow


def _diffusion(diffusion, dim: int) -> np.ndarray:
    d = finite(diffusion, "diffusion")
    d = d * np.eye(dim) if d.ndim == 0 else d
    if d.shape != (dim, dim) or not symmetric(d) or np.linalg.eigvalsh(d).min() <= 0:
        raise ValueError(f"diffusion must be a positive number or a symmetric positive ({dim}, {dim}) matrix")
    return d


_F: dict[str, Any] = {"section": "F"}
_POSITIVE = (0.0, float("inf"))
MEASURES = (
    Measure(
        "jump_entropy_production",
        jump_entropy_production,
        follows="unit",
        moves="rates go with the unit of time; one added to all links is another process",
        takes="rates",
        units="nat per unit of time",
        measures="How fast a jump process with known rates produces entropy: 0 exactly for detailed balance.",
        avoid="Rates estimated from few jumps: errors make every cycle look driven.",
        source="Schnakenberg, Rev. Mod. Phys. 48, 571 (1976)",
        cost="states^3",
        needs=2,
        advised=2,
        bounds=_POSITIVE,
        **_F,
    ),
    Measure(
        "jump_path_entropy_production",
        jump_path_entropy_production,
        names=("duration",),
        follows="unit",
        moves="counted jumps go with the time seen; one added to all links is another process",
        takes="other",
        units="nat per unit of time",
        measures="The same from counted jumps.",
        avoid="Links seen only one way; states that are lumps of hidden ones (a bound from below then).",
        source="Schnakenberg, Rev. Mod. Phys. 48, 571 (1976)",
        cost="states^2",
        needs=2,
        advised=2,
        bounds=_POSITIVE,
        **_F,
    ),
    Measure(
        "langevin_entropy_production",
        langevin_entropy_production,
        moves="drift and score have different units and zeros of their own",
        takes="other",
        units="nat per unit of time",
        measures="Entropy production of a diffusion whose drift and score (learned or exact) are known at samples.",
        avoid="Scores with errors: their squares add to the value; underdamped motion.",
        source="Seifert, Rep. Prog. Phys. 75, 126001 (2012)",
        cost="N d^2",
        needs=2,
        advised=1000,
        bounds=_POSITIVE,
        parameters={"diffusion": 1.0},
        **_F,
    ),
    Measure(
        "active_entropy_production",
        active_entropy_production,
        follows="square",
        moves="a power is a product of forces: it goes with the square of their unit, and their zero is rest",
        takes="other",
        units="nat per unit of time",
        measures="Entropy production of particles with an active force in any potential, from forces alone.",
        avoid="Before the steady state; forces that time reversal turns round.",
        source="Fodor et al., PRL 117, 038103 (2016); Seifert, Rep. Prog. Phys. 75, 126001 (2012)",
        cost="N d",
        needs=2,
        advised=1000,
        **_F,
    ),
    Measure(
        "linear_entropy_production",
        linear_entropy_production,
        follows="unit",
        moves="rates go with the unit of time; a number added to all entries is another process",
        takes="other",
        units="nat per unit of time",
        measures="Exact entropy production of a linear diffusion: a truth to test estimators by.",
        avoid="Nonlinear drifts.",
        source="Godreche and Luck, J. Phys. A 52, 035002 (2019)",
        cost="d^3",
        needs=1,
        advised=1,
        bounds=_POSITIVE,
        parameters={"diffusion": 1.0},
        **_F,
    ),
    Measure(
        "uncertainty_bound",
        uncertainty_bound,
        moves="the mean current is what drives: its zero is balance",
        takes="runs",
        units="nat per unit of time",
        measures="A lower bound on the entropy production from the mean and variance of any current over many runs.",
        avoid="Underdamped or discrete-time dynamics, or a transient: the bound does not hold there.",
        source="Barato and Seifert, PRL 114, 158101 (2015)",
        cost="N",
        needs=3,
        advised=100,
        bounds=_POSITIVE,
        invariant=("scale",),
        parameters={"duration": 1.0},
        **_F,
    ),
    Measure(
        "pair_irreversibility",
        pair_irreversibility,
        takes="other",
        units="nat per step",
        measures="How well successive pairs tell the direction of time: a lower bound on the entropy production.",
        avoid="Velocities; uncorrected values (subtract the bias); more than a few dimensions.",
        source="Roldan and Parrondo, PRL 105, 150607 (2010), with the k-NN divergence of Wang et al. (2009)",
        cost="N log N",
        needs=12,
        advised=1000,
        invariant=("shift", "scale"),
        **_F,
    ),
    Measure(
        "reversal_bound",
        reversal_bound,
        moves="entropy productions are logarithms of ratios with a zero of their own",
        takes="other",
        units="nat per step",
        measures="Lower bound that a trained time-reversal estimator (NEEP) has reached on held-out pairs.",
        avoid="The pairs it was trained on.",
        source="Kim, Bae, Lee and Jeong, PRL 125, 140604 (2020)",
        cost="N",
        needs=2,
        advised=1000,
        **_F,
    ),
    Measure(
        "integral_fluctuation",
        integral_fluctuation,
        moves="entropy productions are logarithms of ratios with a zero of their own",
        takes="other",
        units="1",
        measures="Check of entropy productions of single runs: their mean exp(-s) must be 1.",
        avoid="Mean entropy productions above about ln(runs): the runs that matter are not seen.",
        source="Seifert, PRL 95, 040602 (2005)",
        cost="N",
        needs=2,
        advised=1000,
        bounds=_POSITIVE,
        **_F,
    ),
)


DECLARED = (
    Declared(
        stationary_distribution, ("rates",), invariant=("scale",), moves="a rate added to all links mixes the states"
    ),
)
