"""Entropies inside networks: attention, tokens, codebooks, and the parts of an ensemble's predictive entropy. In nats.

Everything is taken to float64 first: log-probabilities in half precision lose the tail, and with it entropy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import entr, log_softmax

from pesin.declared import Declared
from pesin.door import below_infinity, finite
from pesin.entropy.estimate import BOOTSTRAP, EXACT, Estimate
from pesin.entropy.measure import Measure
from pesin.entropy.policy import categorical_entropy, checked_logits

MASKS = ("causal", "none")


def attention_entropy(scores, mask: str = "causal") -> Estimate:
    """Entropy of each row of an attention matrix softmax(scores).

    Parameters
    ----------
    scores : array_like, shape (..., queries, keys)
        Before the softmax; -inf masks a key.
    mask
        "causal": query i sees keys 1 .. i only, as many of them as queries; "none": what the scores say.

    Returns
    -------
    Estimate
        Value of shape (..., queries). Counts of `keys` that each row sees: its maximum is ln of that, ln i in a causal
        row, so that means over rows mix different maxima: see `relative_attention_entropy`.
    """
    z = _masked(scores, mask)
    value = categorical_entropy(z)
    keys = np.isfinite(z).sum(-1)
    shape = value.shape[:-1]
    return Estimate.of(shape, value.reshape(-1, value.shape[-1]), EXACT, keys=keys.reshape(-1, keys.shape[-1]))


def relative_attention_entropy(scores, mask: str = "causal") -> Estimate:
    """Mean over the rows of attention entropy / ln(keys that the row sees): 1 for uniform attention, 0 for a hard one.

    Parameters
    ----------
    scores, mask
        As in `attention_entropy`.

    Returns
    -------
    Estimate
        Value of shape (...), in [0, 1]. Rows that see one key have nothing to choose and are left out; count of the
        `rows` that are not.

    Raises
    ------
    ValueError
        If no row sees two keys.
    """
    z = _masked(scores, mask)
    entropy, keys = categorical_entropy(z), np.isfinite(z).sum(-1)
    choice = keys > 1
    if not choice.any(-1).all():
        raise ValueError("relative attention entropy is not defined where no row sees more than one key")
    ratio = np.where(choice, entropy / np.log(np.where(choice, keys, 2)), 0)
    rows = choice.sum(-1)
    value = ratio.sum(-1) / rows
    return Estimate.of(value.shape, value.reshape(-1), EXACT, rows=rows.reshape(-1))


def attention_entropy_bound(norm, keys) -> np.ndarray:
    """Least entropy of softmax(z) over all z of `keys` scores whose distance from their mean is at most `norm`. Tight.

    ln(1 + (T - 1) b) + s sqrt(T (T - 1)) b / (1 + (T - 1) b), b = exp(-s sqrt(T / (T - 1))), for s = norm and T = keys;
    `extremal_scores` reach it. In attention, the spectral norm of W_K W_Q' times that of X X', over the square root of
    the head's width, is such an s for every row (Zhai et al., ICML 2023, theorem 3.1).

    Parameters
    ----------
    norm : array_like
        0 or more.
    keys : array_like of int
        2 or more; broadcast with norm.

    Returns
    -------
    ndarray
        In nats: ln T at norm 0, about T s exp(-s) where 1 << s << T.
    """
    s, t = finite(norm, "norm"), finite(keys, "keys")
    if (s < 0).any() or (t < 2).any():
        raise ValueError("norm must be 0 or more, and keys 2 or more")
    delta = s * np.sqrt(t / (t - 1))
    rest = (t - 1) * np.exp(-delta)  # exp(-z_small) of all other keys over exp of the largest
    return np.log1p(rest) + delta * rest / (1 + rest)


def extremal_scores(norm, keys: int) -> np.ndarray:
    """Scores whose softmax has the entropy `attention_entropy_bound`: one high, the others alike, mean 0, given norm.

    Shape (...) -> (..., keys).
    """
    s = finite(norm, "norm")[..., None]
    high, low = s * np.sqrt((keys - 1) / keys), -s / np.sqrt(keys * (keys - 1))
    return np.concatenate([high, np.broadcast_to(low, (*s.shape[:-1], keys - 1))], -1)


def token_entropy(logits, top: int | None = None) -> Estimate:
    """Entropy of the next token.

    Parameters
    ----------
    logits : array_like, shape (..., vocabulary)
    top
        Keep only the `top` most likely tokens and normalise them, as services that return few log-probabilities force
        one to: biased downwards, the more the larger the entropy.

    Returns
    -------
    Estimate
        In nats. Count `kept`: the probability of the tokens kept.
    """
    z = checked_logits(logits)
    if top is None:
        value, kept = categorical_entropy(z), np.ones(z.shape[:-1])
    else:
        if not 1 <= top <= z.shape[-1]:
            raise ValueError(f"top must lie between 1 and the {z.shape[-1]} tokens, it is {top}")
        log_p = np.partition(log_softmax(z, -1), z.shape[-1] - top, -1)[..., z.shape[-1] - top :]
        value, kept = categorical_entropy(log_p), np.exp(log_p).sum(-1)
    return Estimate.of(value.shape, value.reshape(-1), EXACT, kept=np.reshape(kept, -1))


def codebook_perplexity(counts) -> Estimate:
    """Perplexity exp(H) of how often each code of a codebook is used (van den Oord et al., NeurIPS 2017).

    Parameters
    ----------
    counts : array_like, shape (..., codes)
        Uses of each code, or their probabilities.

    Returns
    -------
    Estimate
        Between 1 (collapse) and the number of codes. Biased downwards by about (used - 1) / 2 in a relative sense over
        the number of uses. Counts of `uses` and of codes `used`.
    """
    n = finite(counts, "counts")
    if n.ndim == 0 or (n < 0).any() or (n.sum(-1) == 0).any():
        raise ValueError("counts must have shape (..., codes), be 0 or more, and hold a use in every row")
    total, used = n.sum(-1), (n > 0).sum(-1)
    value = np.exp(entr(n / total[..., None]).sum(-1))
    return Estimate.of(value.shape, value.reshape(-1), BOOTSTRAP, uses=total.reshape(-1), used=used.reshape(-1))


def predictive_entropy(probabilities) -> Estimate:
    """Entropy of an ensemble's mean prediction: the whole uncertainty, `aleatoric_entropy` + `epistemic_information`.

    Parameters
    ----------
    probabilities : array_like, shape (..., members, classes)
        Each member's; they sum to 1.

    Returns
    -------
    Estimate
        In nats, at most ln(classes). Count of `members`.
    """
    p = _members(probabilities)
    return _of_members(entr(p.mean(-2)).sum(-1), p)


def aleatoric_entropy(probabilities) -> Estimate:
    """Mean entropy of an ensemble's members: the uncertainty that they agree on. Arguments of `predictive_entropy`."""
    p = _members(probabilities)
    return _of_members(entr(p).sum(-1).mean(-1), p)


def epistemic_information(probabilities) -> Estimate:
    """Mutual information of prediction and member (BALD; Houlsby et al., arXiv 1112.5745): how far members disagree.

    Arguments of `predictive_entropy`. At most ln(members), whatever the truth: few members hide disagreement.
    """
    p = _members(probabilities)
    # The mean divergence of the members from their mean; the difference of entropies would round below 0.
    mean = p.mean(-2, keepdims=True)
    ratio = np.where(p > 0, p / np.where(mean > 0, mean, 1), 1)
    return _of_members(np.maximum((p * np.log(ratio)).sum(-1).mean(-1), 0), p)


# -------------------------------------------------------------------------------------------------------------- parts


def _masked(scores, mask: str) -> np.ndarray:
    if mask not in MASKS:
        raise ValueError(f"mask must be one of {', '.join(map(repr, MASKS))}, it is {mask!r}")
    z = below_infinity(scores, "scores")
    if z.ndim < 2:
        raise ValueError(f"scores must have shape (..., queries, keys), not {z.shape}")
    if mask == "causal":
        if z.shape[-1] != z.shape[-2]:
            raise ValueError(f"causal attention has as many keys as queries, not {z.shape[-1]} and {z.shape[-2]}")
        future = np.triu(np.ones(z.shape[-2:], bool), 1)
        z = np.where(future, -np.inf, z)
    return checked_logits(z, "scores")


def _members(probabilities) -> np.ndarray:
    p = finite(probabilities, "probabilities")
    if p.ndim < 2:
        raise ValueError(f"probabilities must have shape (..., members, classes), not {p.shape}")
    if (p < 0).any() or not np.allclose(p.sum(-1), 1, atol=1e-6):
        raise ValueError("each member's probabilities must be 0 or more and sum to 1")
    return p


def _of_members(value, p: np.ndarray) -> Estimate:
    members = np.full(value.size, p.shape[-2])
    return Estimate.of(value.shape, np.reshape(value, -1), EXACT, members=members)


_G: dict[str, Any] = {"section": "G", "units": "nat", "bounds": (0.0, float("inf")), "needs": 1, "advised": 1}
_ENSEMBLE: dict[str, Any] = {**_G, "takes": "other", "cost": "members x classes"}
MEASURES = (
    Measure(
        "attention_entropy",
        attention_entropy,
        invariant=("shift",),
        moves="a scale of logits is a temperature",
        infinite={"scores": "-inf forbids an entry"},
        takes="other",
        measures="How many keys each query attends to, as ln of their number.",
        avoid="Means over causal rows, whose maxima differ; scores kept in half precision.",
        source="Zhai et al., ICML (2023)",
        cost="queries x keys",
        **_G,
    ),
    Measure(
        "relative_attention_entropy",
        relative_attention_entropy,
        invariant=("shift",),
        moves="a scale of logits is a temperature",
        infinite={"scores": "-inf forbids an entry"},
        takes="other",
        measures="Attention entropy over its maximum, mean over rows: 1 for uniform attention at any length.",
        avoid="Very short contexts, whose few rows scatter.",
        source="Zhai et al., ICML (2023), with each row's own maximum",
        cost="queries x keys",
        **(_G | {"units": "1", "bounds": (0.0, 1.0)}),
    ),
    Measure(
        "token_entropy",
        token_entropy,
        invariant=("shift",),
        moves="a scale of logits is a temperature",
        infinite={"logits": "-inf forbids an entry"},
        takes="logits",
        measures="How undecided a language model is about the next token.",
        avoid="Truncated logits: what is cut off is entropy lost (see `kept`).",
        source="Shannon (1948)",
        cost="vocabulary",
        peer="torch.distributions.Categorical(logits=logits).entropy()",
        **_G,
    ),
    Measure(
        "codebook_perplexity",
        codebook_perplexity,
        invariant=("scale",),
        moves="a use added to all codes makes them more alike",
        takes="counts",
        measures="Number of codes in effective use.",
        avoid="Batches with fewer uses than codes: it cannot exceed the number of uses.",
        source="van den Oord, Vinyals and Kavukcuoglu, NeurIPS (2017)",
        cost="codes",
        **(_G | {"units": "codes", "bounds": (1.0, float("inf")), "advised": 10}),
    ),
    Measure(
        "predictive_entropy",
        predictive_entropy,
        moves="probabilities have no unit: they sum to 1",
        measures="Whole uncertainty of an ensemble's prediction.",
        avoid="Telling ignorance from noise: take its two parts.",
        source="Depeweg et al., ICML (2018)",
        **_ENSEMBLE,
    ),
    Measure(
        "aleatoric_entropy",
        aleatoric_entropy,
        moves="probabilities have no unit: they sum to 1",
        measures="The part of the predictive entropy that the members agree on: noise in the data, as they see it.",
        avoid="Overconfident members.",
        source="Depeweg et al., ICML (2018)",
        **_ENSEMBLE,
    ),
    Measure(
        "epistemic_information",
        epistemic_information,
        moves="probabilities have no unit: they sum to 1",
        measures="The part of the predictive entropy that comes from the members' disagreement: what more data could "
        "remove.",
        avoid="Few members (at most ln(members)); members that share their errors.",
        source="Houlsby, Huszar, Ghahramani and Lengyel, arXiv 1112.5745 (2011)",
        **_ENSEMBLE,
    ),
)


DECLARED = (
    Declared(attention_entropy_bound, ("norm", "keys"), moves="exp(-norm) is a temperature's, with a zero of its own"),
)
