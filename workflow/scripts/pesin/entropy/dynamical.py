"""Dynamical entropies: Pesin's sum of exponents, the largest exponent and the correlation entropy from data."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.spatial import cKDTree

from pesin.compiled import njit
from pesin.declared import Declared
from pesin.door import centred, finite, series, varying
from pesin.entropy.estimate import BLOCKS, EXACT, Estimate, log_of_counts
from pesin.entropy.measure import Measure

GROUPS = 10  # of neighbouring reference points, left out in turn (jackknife)


def pesin_entropy(exponents, covariance=None) -> Estimate:
    """Kolmogorov-Sinai entropy by Pesin's formula: the sum of the positive Lyapunov exponents.

    Equality holds for measures that are smooth along unstable directions (SRB); else it is an upper bound (Ruelle).

    Parameters
    ----------
    exponents : array_like, shape (..., exponents)
        In nats per unit of time.
    covariance : array_like, shape (..., exponents, exponents), optional
        Their covariance; exponents within two standard errors of 0 then count as 0.

    Returns
    -------
    Estimate
        In nats per unit of time; standard error if a covariance was given; count `positive`.
    """
    values = finite(exponents, "exponents")
    if values.ndim == 0:
        raise ValueError("exponents must be (exponents,) or (batch, exponents), they are a single number")
    rows = values.reshape(-1, values.shape[-1])
    if covariance is None:
        positive, error = rows > 0, None
    else:
        spread = finite(covariance, "covariance").reshape(*rows.shape, rows.shape[-1])
        positive = rows > 2 * np.sqrt(np.diagonal(spread, axis1=-2, axis2=-1))
        error = np.sqrt(np.einsum("bi,bij,bj->b", positive, spread, positive))
    value = np.where(positive, rows, 0).sum(-1)
    return Estimate.of(values.shape[:-1], value, EXACT, error, positive=positive.sum(-1))


# ---------------------------------------------------------------------------------------------- largest exponent


def rosenstein_exponent(
    x, m: int = 3, delay: int = 1, theiler: int = 10, steps: int = 12, references: int = 2000
) -> Estimate:
    """Largest Lyapunov exponent from the divergence of nearest neighbours (Rosenstein et al., Physica D 65, 117, 1993).

    Slope of the mean of ln(distance) to the one nearest neighbour against time. The window of the fit is fixed by a
    rule: from step 1 to the first step at which the curve has covered 70 % of its way from step 0 to its largest value
    (at least three points).

    Parameters
    ----------
    x : array_like, shape (..., time)
    m, delay
        Delay coordinates.
    theiler
        Neighbours closer in time than this many samples don't count.
    steps
        How far neighbours are followed, in samples; the curve must saturate within it.
    references
        Points from which neighbours are sought, evenly spread over the series.

    Returns
    -------
    Estimate
        In nats per sample; jackknife standard error over ten groups of neighbouring references; counts `fitted` points
        of the curve and `references`.

    Raises
    ------
    ValueError
        If a value isn't finite, the series is too short, or every neighbour is at distance 0 (constant or periodic).
    """
    return _exponent(x, m, delay, theiler, steps, references, 1, True, "Rosenstein's exponent")


def kantz_exponent(
    x, m: int = 3, delay: int = 1, theiler: int = 10, steps: int = 12, references: int = 2000, neighbours: int = 8
) -> Estimate:
    """Largest Lyapunov exponent from the divergence of neighbourhoods (Kantz, Phys. Lett. A 185, 77, 1994).

    Slope of the mean of ln(mean distance of the neighbourhood in the last coordinate). Each neighbourhood holds a fixed
    number of neighbours rather than a fixed radius, so that no reference is lost where points are rare.

    Parameters and result as in `rosenstein_exponent`, and
    neighbours
        Points in a neighbourhood.
    """
    return _exponent(x, m, delay, theiler, steps, references, neighbours, False, "Kantz's exponent")


def _exponent(x, m, delay, theiler, steps, references, neighbours, is_nearest, measure) -> Estimate:
    span = (m - 1) * delay
    rows, batch = series(x, span + steps + 2 * theiler + 2 * neighbours + 2, measure)
    rows = centred(rows)
    varying(rows, measure)
    found = [_slope_of(row, m, delay, theiler, steps, references, neighbours, is_nearest, measure) for row in rows]
    value, error, fitted, number = np.array(found, float).reshape(-1, 4).T
    return Estimate.of(batch, value, BLOCKS, error, fitted=fitted, references=number)


def _slope_of(row, m, delay, theiler, steps, references, neighbours, is_nearest, measure):
    points = row.size - (m - 1) * delay - steps
    cloud = np.stack([row[k * delay : k * delay + points + steps] for k in range(m)], -1)
    chosen = np.unique(np.linspace(0, points - 1, min(references, points)).astype(np.int64))
    # Enough neighbours that those too close in time can be dropped.
    wanted = min(neighbours + 2 * theiler + 1, points)
    near = cKDTree(cloud[:points]).query(cloud[chosen], wanted, p=2 if is_nearest else np.inf)[1].reshape(-1, wanted)
    curves = _divergence(cloud, chosen, near, theiler, steps, neighbours, is_nearest)
    usable = np.isfinite(curves).all(1)
    if usable.sum() < 2:
        raise ValueError(f"{measure} is not defined: neighbours stay at distance 0 (a constant or periodic series)")
    curves = curves[usable]
    mean = curves.mean(0)
    reached = mean >= mean[0] + 0.7 * (mean.max() - mean[0])
    last = min(max(int(reached[1:].argmax()) + 1, 3), steps)
    window = np.arange(1, last + 1)
    groups = [group for group in np.array_split(curves[:, window], GROUPS) if len(group)]
    slopes = np.array([np.polyfit(window, group.mean(0), 1)[0] for group in groups])
    error = slopes.std(ddof=1) / np.sqrt(len(slopes)) if len(slopes) > 1 else np.inf
    return np.polyfit(window, mean[window], 1)[0], error, window.size, len(curves)


@njit()
def _divergence(cloud, chosen, near, theiler, steps, neighbours, is_nearest):
    """ln of the distance after 0 .. steps samples, (references, steps + 1); NaN where there is no distance to log."""
    curves = np.full((chosen.size, steps + 1), np.nan)
    dim = cloud.shape[1]
    for a in range(chosen.size):
        i = chosen[a]
        distance = np.zeros(steps + 1)
        used = 0
        for j in near[a]:
            if abs(i - j) <= theiler or used == neighbours:
                continue
            used += 1
            for n in range(steps + 1):
                if is_nearest:
                    square = 0.0
                    for k in range(dim):
                        square += (cloud[i + n, k] - cloud[j + n, k]) ** 2
                    distance[n] += np.sqrt(square)
                else:
                    distance[n] += abs(cloud[i + n, dim - 1] - cloud[j + n, dim - 1])
        if used and distance.min() > 0:
            curves[a] = np.log(distance / used)
    return curves


# ------------------------------------------------------------------------------------------- correlation entropy


def correlation_entropy(x, dimensions=(2, 3, 4), radii=(0.1, 0.2, 0.4), theiler: int = 1) -> Estimate:
    """Correlation entropy K2, a lower bound of the Kolmogorov-Sinai entropy (Grassberger and Procaccia, PRA 28, 2591).

    ln(C_m(r) / C_(m+1)(r)) where it no longer depends on the dimension m and the radius r; the median over the table
    of both is taken, and its width reported.

    Parameters
    ----------
    x : array_like, shape (..., time)
    dimensions : sequence of int
        m, delay 1.
    radii : sequence of float
        r in standard deviations (ddof 0), maximum norm.
    theiler
        Pairs less than this many samples apart in time don't count; take a correlation time for flows.

    Returns
    -------
    Estimate
        In nats per sample; counts `spread` (largest less smallest finite entry: no plateau if it is large)
        and `pairs` (fewest matches behind an entry). Entries without a match are inf;
        the value is inf, with a warning, if half of them are.
    """
    table = correlation_table(x, max(dimensions) + 1, radii, theiler)
    batch = table.shape[:-2]
    pairs = table.reshape(-1, *table.shape[-2:])
    chosen = np.asarray(dimensions) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        entries = np.log(pairs[..., chosen] / pairs[..., chosen + 1]).reshape(len(pairs), -1)
    entries = np.where(np.isfinite(entries), entries, np.inf)
    value = np.median(entries, -1)
    log_of_counts(np.isfinite(value), "correlation entropy")
    highest = np.where(np.isfinite(entries), entries, -np.inf).max(-1)
    spread = np.where(np.isfinite(value), highest - entries.min(-1), np.inf) if len(pairs) else value
    return Estimate.of(batch, value, BLOCKS, spread=spread, pairs=pairs[..., chosen + 1].min((-1, -2)))


def correlation_table(x, largest: int = 6, radii=(0.1,), theiler: int = 1) -> np.ndarray:
    """Pairs of matching stretches of 1 .. largest samples at each radius.

    Parameters
    ----------
    x, radii, theiler
        As in `correlation_entropy`.
    largest
        Longest stretch; the first N - largest + 1 samples start one.

    Returns
    -------
    ndarray, shape (..., radii, largest)
        Unordered pairs, so that C_m = pairs / all of them.
    """
    rows, batch = series(x, largest + theiler + 1, f"correlation entropy to dimension {largest}")
    rows, radii = centred(rows), np.atleast_1d(np.asarray(radii, float))
    out = np.zeros((len(rows), radii.size, largest))
    for b, row in enumerate(rows):
        starts = row.size - largest + 1
        order = np.argsort(row[:starts], kind="stable")
        for k, radius in enumerate(radii * row.std()):
            _runs(row, order, radius, theiler, out[b, k])
    return out.reshape(*batch, radii.size, largest)


@njit()
def _runs(x, order, radius, theiler, pairs):
    for a in range(order.size):
        i = order[a]
        for b in range(a + 1, order.size):
            j = order[b]
            if x[j] - x[i] > radius:
                break
            if abs(i - j) < theiler:
                continue
            n = 0
            while n < pairs.size and abs(x[i + n] - x[j + n]) <= radius:
                pairs[n] += 1
                n += 1


_measure = partial(Measure, section="C")
_of_series = partial(_measure, takes="series", units="nat per sample")
MEASURES = (
    _measure(
        "pesin_entropy",
        pesin_entropy,
        follows="unit",
        moves="exponents are rates: they go with the unit of time, and their zero is marginal stability",
        takes="exponents",
        units="nat per unit of time",
        measures="How fast a known system makes information: the Kolmogorov-Sinai entropy from its Lyapunov exponents.",
        avoid="Exponents fitted to data; measures that are not smooth along unstable directions (an upper bound then).",
        source="Pesin, Russ. Math. Surv. 32, 55 (1977)",
        cost="exponents",
        needs=1,
        advised=1,
        bounds=(0, float("inf")),
    ),
    _of_series(
        "rosenstein_exponent",
        rosenstein_exponent,
        measures="How fast nearest neighbours part: the largest Lyapunov exponent from data.",
        avoid="Noise, which parts neighbours at once and looks like a large exponent; a curve without a straight part "
        "(look at it); no Theiler window on flows.",
        source="Rosenstein, Collins and De Luca, Physica D 65, 117 (1993)",
        cost="N log N",
        needs=38,
        advised=1000,
        peer="nolds.lyap_r(x, emb_dim=3, lag=1, min_tsep=10)",
        invariant=("shift", "scale"),
    ),
    _of_series(
        "kantz_exponent",
        kantz_exponent,
        measures="How fast neighbourhoods grow: the largest Lyapunov exponent from data, steadier against noise than "
        "single neighbours.",
        avoid="Noise above a few percent; a curve without a straight part (look at it).",
        source="Kantz, Phys. Lett. A 185, 77 (1994)",
        cost="N log N",
        needs=52,
        advised=1000,
        invariant=("shift", "scale"),
    ),
    _of_series(
        "correlation_entropy",
        correlation_entropy,
        measures="How fast longer stretches stop matching: a lower bound of the Kolmogorov-Sinai entropy.",
        avoid="Short or noisy series, which leave no radius with both matches and a plateau (see `spread`).",
        source="Grassberger and Procaccia, PRA 28, 2591 (1983)",
        cost="N^2 r",
        needs=7,
        advised=2000,
        constant=0.0,
        invariant=("shift", "scale"),
    ),
)


DECLARED = (Declared(correlation_table, ("x",), invariant=("shift", "scale")),)
