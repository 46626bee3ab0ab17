"""Classification by nearest centroid, and its scores: AUC, Cohen's kappa, macro-F1."""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared
from pesin.door import finite, numbers, ordered, whole_numbers, yes_no
from pesin.stats.intervals import ranks

MOST = 10_000  # classes of a table that has a row and a column for each


def nearest_centroid(points, centroids) -> np.ndarray:
    """Index of the centroid nearest to each point (Euclidean).

    Parameters
    ----------
    points : array_like, shape (..., features)
    centroids : array_like, shape (classes, features)

    Returns
    -------
    ndarray of int, shape (...)
        -1 where a feature isn't finite.
    """
    points = numbers(points, "points")
    distance = ((points[..., None, :] - finite(centroids, "centroids")) ** 2).sum(-1)
    bad = ~np.isfinite(distance).all(-1)
    return np.where(bad, -1, np.where(bad[..., None], 0, distance).argmin(-1))


def area_under_curve(positive, negative) -> np.ndarray:
    """Probability that a positive scores above a negative (Mann-Whitney; a tie counts half).

    Parameters
    ----------
    positive, negative : array_like, shapes (..., n) and (..., m)
        Scores; NaN is refused, since it has no rank.

    Returns
    -------
    ndarray, shape (...)
    """
    positive, negative = ordered(positive, "positive"), ordered(negative, "negative")
    n, m = positive.shape[-1], negative.shape[-1]
    ranked = ranks(np.concatenate([positive, negative], -1))
    return (ranked[..., :n].sum(-1) - n * (n + 1) / 2) / (n * m)


def cohens_kappa(first, second) -> float:
    """Agreement of two yes/no labels beyond chance (Cohen 1960).

    Parameters
    ----------
    first, second : array_like of bool, shape (n,)

    Returns
    -------
    float
        1 for full agreement, 0 for chance; NaN if both labels are constant and equal, where chance explains all.
    """
    first, second = yes_no(first, "first"), yes_no(second, "second")
    observed = (first == second).mean()
    expected = first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean())
    return float((observed - expected) / (1 - expected)) if expected < 1 else float("nan")


def confusion(truth, predicted, classes: int) -> np.ndarray:
    """Counts[true class, predicted class] of integer labels of shape (n,); predictions of -1 are in no column."""
    truth, predicted = whole_numbers(truth, "truth", 0, classes), whole_numbers(predicted, "predicted", -1, classes)
    if classes > MOST:
        raise ValueError(f"{classes} x {classes} classes are too many for a table: number the labels with np.unique")
    given = predicted >= 0
    return np.bincount(truth[given] * classes + predicted[given], minlength=classes**2).reshape(classes, classes)


def macro_f1(truth, predicted, classes: int) -> float:
    """Mean over the classes of F1 = 2 TP / (2 TP + FP + FN), of integer labels of shape (n,)."""
    truth, predicted = whole_numbers(truth, "truth", 0, classes), whole_numbers(predicted, "predicted", -1, classes)
    hits, total = (
        np.bincount(found, minlength=classes)
        for found in (truth[truth == predicted], np.concatenate([truth, predicted[predicted >= 0]]))
    )
    return float((2 * hits / np.maximum(total, 1)).mean())


_LABELS = "labels are names, not sizes"
_RANK = "an infinite score has a rank"
DECLARED = (
    Declared(
        nearest_centroid,
        ("points", "centroids"),
        invariant=("shift", "scale"),
        moves="moved or stretched alone, points come nearer to other centroids",
        missing={"points": "a point that isn't finite has no class (-1)"},
    ),
    Declared(
        area_under_curve,
        ("positive", "negative"),
        invariant=("shift", "scale", "monotone"),
        moves="scores of one class moved alone are other scores",
        infinite={"positive": _RANK, "negative": _RANK},
    ),
    Declared(cohens_kappa, ("first", "second"), names=("first", "second"), moves=_LABELS),
    Declared(confusion, ("truth", "predicted"), names=("truth", "predicted"), moves=_LABELS),
    Declared(macro_f1, ("truth", "predicted"), names=("truth", "predicted"), moves=_LABELS),
)
