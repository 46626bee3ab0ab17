"""Synthetic electrocardiogram (McSharry, Clifford, Tarassenko and Smith, IEEE Trans. Biomed. Eng. 50, 289, 2003), and
its delay embedding at the first minimum of the mutual information."""

from __future__ import annotations

import numpy as np

from pesin.integrate.ode import rk4

# The events P, Q, R, S, T: angle on the limit cycle [rad], amplitude, width [rad] (table 1 of the paper).
ANGLES = np.array([-np.pi / 3, -np.pi / 12, 0.0, np.pi / 12, np.pi / 2])
AMPLITUDES = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
WIDTHS = np.array([0.25, 0.1, 0.1, 0.1, 0.4])


def mcsharry(t, x, angular_frequency, baseline) -> np.ndarray:
    """Right-hand side of the three equations (eq. 1).

    Parameters
    ----------
    t
        Time [s].
    x : ndarray, shape (..., 3)
        Two coordinates of the limit cycle and the voltage.
    angular_frequency, baseline
        Functions of t that return shape (...): 2 pi / RR interval [rad/s], and the wandering baseline.

    Returns
    -------
    ndarray, shape (..., 3)
    """
    a, b, z = x[..., 0], x[..., 1], x[..., 2]
    omega = angular_frequency(t)
    pull = 1 - np.hypot(a, b)
    from_event = np.remainder(np.arctan2(b, a)[..., None] - ANGLES + np.pi, 2 * np.pi) - np.pi
    bumps = AMPLITUDES * from_event * np.exp(-(from_event**2) / (2 * WIDTHS**2))
    return np.stack([pull * a - omega * b, pull * b + omega * a, -bumps.sum(-1) - (z - baseline(t))], axis=-1)


def rr_intervals(
    n: int, dt: float, rng: np.random.Generator, records: int = 1, mean: float = 1.0, sd: float = 0.05
) -> np.ndarray:
    """RR interval as a function of time, with the two spectral bands of heart-rate variability.

    Low frequency at 0.1 +- 0.01 Hz with half the power of high frequency at 0.25 +- 0.01 Hz, random phases (eq. 4).

    Parameters
    ----------
    n, dt
        Number of points and their distance [s].
    rng
        Draws the phases.
    records
        Number of independent records.
    mean, sd
        Of the RR interval [s].

    Returns
    -------
    ndarray, shape (records, n)
        Interval [s] at each time.
    """
    frequency = np.fft.rfftfreq(n, dt)
    low, high = (np.exp(-((frequency - centre) ** 2) / (2 * 0.01**2)) for centre in (0.1, 0.25))
    amplitude = np.sqrt(0.5 * low + high)
    amplitude[0] = 0
    phase = rng.uniform(0, 2 * np.pi, (records, len(frequency)))
    series = np.fft.irfft(amplitude * np.exp(1j * phase), n)
    return mean + sd * series / series.std(-1, keepdims=True)


def voltage(
    n: int, dt: float, rng: np.random.Generator, records: int = 1, rr_sd: float = 0.05, transient: float = 5.0
) -> np.ndarray:
    """Voltage of independent synthetic recordings.

    Parameters
    ----------
    n, dt
        Samples and their distance [s].
    rng
        Draws heart-rate variability and the phase of breathing.
    records
        Number of recordings.
    rr_sd
        Standard deviation of the RR interval [s]; 0 gives a periodic signal.
    transient
        Time that is thrown away first [s].

    Returns
    -------
    ndarray, shape (records, n)
        In arbitrary units (not scaled to millivolts).
    """
    skip = int(round(transient / dt))
    steps = skip + n - 1
    # Runge-Kutta asks for the middle of a step too: a table at half steps, the last point doubled.
    table = 2 * np.pi / rr_intervals(2 * steps + 2, dt / 2, rng, records, sd=rr_sd)
    breathing = rng.uniform(0, 2 * np.pi, records)

    def angular_frequency(t):
        return table[:, int(round(2 * t / dt))]

    def baseline(t):
        return 0.005 * np.sin(2 * np.pi * 0.25 * t + breathing)  # a tenth of the R peak, as in ECGSYN

    start = np.tile([1.0, 0.0, 0.0], (records, 1))
    return rk4(mcsharry, start, dt, steps, args=(angular_frequency, baseline))[:, skip:, 2]


def mutual_information(x: np.ndarray, lags, bins: int = 32) -> np.ndarray:
    """Mutual information of x_t and x_{t+lag} from histograms with equally filled margins.

    Parameters
    ----------
    x : ndarray, shape (time,)
    lags : sequence of int
    bins
        Bins of each margin, equally filled.

    Returns
    -------
    ndarray, shape (lags,)
        In nats, with the bias (bins - 1)^2 / 2N taken off (Miller and Madow).
    """
    rank = np.argsort(np.argsort(x, kind="stable"), kind="stable")
    symbol = rank * bins // len(x)
    result = []
    for lag in lags:
        pair = symbol[: len(x) - lag] * bins + symbol[lag:]
        joint = np.bincount(pair, minlength=bins**2).reshape(bins, bins) / len(pair)
        product = joint.sum(1)[:, None] * joint.sum(0)
        seen = joint > 0
        plug_in = np.sum(joint[seen] * np.log(joint[seen] / product[seen]))
        result.append(plug_in - (bins - 1) ** 2 / (2 * len(pair)))
    return np.array(result)


def first_minimum_lag(x: np.ndarray, longest: int, bins: int = 32) -> int:
    """First local minimum of the mutual information along the lag (Fraser and Swinney, PRA 33, 1134, 1986).

    Parameters
    ----------
    x : ndarray, shape (time,)
    longest
        Longest lag looked at; returned if there is no minimum before.
    bins
        See `mutual_information`.
    """
    information = mutual_information(x, range(1, longest + 1), bins)
    minima = np.flatnonzero((information[1:-1] < information[:-2]) & (information[1:-1] <= information[2:]))
    return int(minima[0]) + 2 if minima.size else longest


def delay_embed(x: np.ndarray, dim: int, lag: int) -> np.ndarray:
    """Delay vectors (x_t, x_{t-lag}, ...): (..., time) -> (..., time - (dim - 1) lag, dim).

    Raises
    ------
    ValueError
        If the series is no longer than the span of one vector.
    """
    span = (dim - 1) * lag
    if x.shape[-1] <= span:
        raise ValueError(f"a series of {x.shape[-1]} points is too short for {dim} delays of {lag}")
    size = x.shape[-1] - span
    return np.stack([x[..., span - k * lag : span - k * lag + size] for k in range(dim)], axis=-1)
