"""Tokens that move along the depth of a bare selective state space model (S6), in continuous time.

dx_l/dt = y_l, y_l = sum over j <= l of (S_C x_l)^T (S_B x_j) exp(-a sum over j < k <= l of Delta_k) Delta_j x_j, with
Delta = softplus(S_Delta x), channel by channel (the paper's sections 3 and 4). One-dimensional tokens have
mu = S_C S_B and never change their sign: they are followed as u = ln|x|.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.special import expit

from pesin.integrate.stiff import stiff_ensemble


@dataclass(frozen=True)
class Line:
    """Draws of the one-dimensional model.

    Attributes
    ----------
    mu, s_delta, a : ndarray, shape (draw,)
    sign : ndarray, shape (draw, token)
        Of the tokens, for good.
    """

    mu: np.ndarray
    s_delta: np.ndarray
    a: np.ndarray
    sign: np.ndarray

    def of(self, member: np.ndarray) -> Line:
        """Some of the draws."""
        return Line(self.mu[member], self.s_delta[member], self.a[member], self.sign[member])


class Pull(NamedTuple):
    """s_l = sum over j <= l of x_j^2 Delta_j exp(-a sum of Delta_k), so that du_l/dt = mu s_l; and its derivatives."""

    value: np.ndarray
    """Shape (draw, token)."""
    slope: np.ndarray
    """d s_l / d u_m, shape (draw, token, token)."""


def pull(u: np.ndarray, line: Line) -> Pull:
    """What all earlier tokens do to each, by the recurrence s_l = exp(-a Delta_l) s_(l-1) + x_l^2 Delta_l."""
    x = line.sign * np.exp(u)
    s = line.s_delta[:, None]
    delta, steep = np.logaddexp(0, s * x), s * expit(s * x)
    keep, own = np.exp(-line.a[:, None] * delta), x**2 * delta
    turn = 2 * own + x**3 * steep  # d own / d u
    less = -line.a[:, None] * steep * x * keep  # d keep / d u
    value, slope = np.empty_like(u), np.zeros((*u.shape, u.shape[1]))
    before, before_slope = np.zeros(len(u)), np.zeros((len(u), u.shape[1]))
    for token in range(u.shape[1]):
        slope[:, token] = keep[:, token, None] * before_slope
        slope[:, token, token] += less[:, token] * before + turn[:, token]
        before = value[:, token] = keep[:, token] * before + own[:, token]
        before_slope = slope[:, token]
    return Pull(value, slope)


def follow(line: Line, u0: np.ndarray, times: np.ndarray, rtol: float) -> np.ndarray:
    """ln|x| at the times, shape (draw, token, time), where nothing blows up: integrated along ln(1 + t).

    Tokens change by powers of t or of ln t, which an integration in t would take many small steps for.
    """

    def rate(y, member):
        scale = line.mu[member] * np.exp(y[:, -1])
        return np.column_stack([scale[:, None] * pull(y[:, :-1], line.of(member)).value, np.ones(len(y))])

    def jacobian(y, member):
        found, scale = pull(y[:, :-1], line.of(member)), line.mu[member] * np.exp(y[:, -1])
        out = np.zeros((len(y), y.shape[1], y.shape[1]))
        out[:, :-1, :-1] = scale[:, None, None] * found.slope
        out[:, :-1, -1] = scale[:, None] * found.value
        return out

    y0 = np.column_stack([u0, np.zeros(len(u0))])
    run = stiff_ensemble(rate, y0, np.log1p(times), rtol, rtol, jacobian=jacobian)
    return run.states[..., :-1].swapaxes(1, 2)


class BlowUp(NamedTuple):
    """Tokens until the first of them passes `LARGEST`."""

    log_x: np.ndarray
    """Shape (draw, token, stage); a draw stays as it was when it stopped."""
    time: np.ndarray
    """Shape (draw, stage)."""
    blew: np.ndarray
    """bool, shape (draw,)."""


LARGEST = 1e6


def blow_up(line: Line, u0: np.ndarray, stages: int, rtol: float) -> BlowUp:
    """Integrate along the sum of all tokens' |d ln|x||, of which the last, vanishing moments of time have plenty.

    In time itself doubles run out of digits before the blow-up: T* - t falls as |x|^-3. mu must be above 0.
    """

    def rate(y, member):
        value = pull(y[:, :-1], line.of(member)).value
        total = value.sum(1, keepdims=True)
        return np.column_stack([value / total, 1 / (line.mu[member][:, None] * total)])

    def jacobian(y, member):
        value, slope = pull(y[:, :-1], line.of(member))
        total, change = value.sum(1)[:, None], slope.sum(1)
        out = np.zeros((len(y), y.shape[1], y.shape[1]))
        out[:, :-1, :-1] = (slope - (value / total)[:, :, None] * change[:, None]) / total[:, :, None]
        out[:, -1, :-1] = -change / (line.mu[member][:, None] * total**2)
        return out

    def event(y, member):
        return np.log(LARGEST) - y[:, :-1].max(1)

    y0 = np.column_stack([u0, np.zeros(len(u0))])
    most = u0.shape[1] * (np.log(LARGEST) - u0.min()) + 1  # of it the largest token has a share that it can't miss
    run = stiff_ensemble(rate, y0, np.linspace(0, most, stages), rtol, rtol, event=event, jacobian=jacobian)
    return BlowUp(run.states[..., :-1].swapaxes(1, 2), run.states[..., -1], np.isfinite(run.event_time))


def quadrature_time(x0: float, mu: float, s_delta: float) -> float:
    """T* = integral from |x0| to infinity of du / (mu u^3 softplus(S u)), of a token alone with S x0 > 0.

    With w = 1/u it is the integral of w dw / (mu softplus(|S| / w)) from 0 to 1/|x0|.
    """
    steep = abs(s_delta)

    def integrand(w):
        return w / np.logaddexp(0, steep / w) if w > 0 else 0.0

    return float(quad(integrand, 0, 1 / abs(x0), epsabs=0, epsrel=1e-11)[0] / mu)


def limit_constants(a, tokens: int) -> np.ndarray:
    """Limits of x_l^2 2 |mu| ln 2 t as t grows, mu < 0: 1, then 1 - 2^-a; shape (..., token)."""
    a = np.asarray(a, float)[..., None]
    return np.where(np.arange(tokens) == 0, 1.0, 1 - 2.0**-a)


def field(x: np.ndarray, product: np.ndarray, s_delta: np.ndarray, a: float) -> np.ndarray:
    """y of tokens in any dimension: the layer itself, shape (token, dim).

    Parameters
    ----------
    x : ndarray, shape (token, dim)
    product : ndarray, shape (dim, dim)
        S_C^T S_B.
    s_delta : ndarray, shape (dim, dim)
    """
    delta = np.logaddexp(0, x @ s_delta.T)
    elapsed = delta.cumsum(0)
    decay = np.exp(-a * np.maximum(elapsed[:, None] - elapsed[None], 0))  # (l, j, dim), 1 where j > l
    weights = np.tril(x @ product @ x.T)
    return np.einsum("lj,ljd,jd,jd->ld", weights, decay, delta, x)
