"""Entropy of what a network can be shown: per pixel, as a code, and place by place; silhouettes, parts, joints."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import xarray as xr

from pesin.entropy.amplitude import miller_madow_entropy, shannon_entropy
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.gait_parsing_sequence.params import Params
from studies.gait_parsing_sequence.representations import CLASSES, merged
from studies.gait_parsing_sequence.walkers import LABELS

MAPS = (*CLASSES, "shuffled")


def entropy(case: Case[Params], data: xr.DataTree) -> xr.Dataset:
    """Entropies of the test set under the wild condition."""
    test: Any = data["wild"]
    labels, person = test["labels"].values, test["person"].values
    parsing = case.params.entropy.parsing
    maps = {kind: merged(labels, parsing if kind == "parsing" else kind) for kind in CLASSES}
    maps["shuffled"] = test["shuffled"].values
    counts = {kind: counted(found.reshape(*found.shape[:2], -1)) for kind, found in maps.items()}
    plain = {kind: in_bits(shannon_entropy(many)) for kind, many in counts.items()}
    corrected = np.stack([in_bits(miller_madow_entropy(counts[kind])) for kind in MAPS])
    shown = maps | {"skeleton": np.clip(test["joints"].values, 0, 255).astype(np.uint8)}
    codes = np.stack([deflated(found) for found in shown.values()])
    one_by_one = np.stack([placewise(found) for found in shown.values()])
    gain = plain["parsing"] - plain["silhouette"]
    dims = ("seed", "sequence")
    return xr.Dataset(
        {
            "bits": labelled(
                ("map", "walker"), by_person(corrected, person), "entropy of a pixel's label", "bit", may_be_constant=1
            ),
            "gain": labelled(
                dims, gain, "parsing's entropy of a pixel less the silhouette's", "bit", may_be_constant=1
            ),
            "parts_given_figure": labelled(
                dims,
                parts_given_figure(counts["parsing"]),
                "entropy of the part given the figure, times the figure's share",
                "bit",
                may_be_constant=1,
            ),
            "code_bits": labelled(
                ("representation", "walker"), by_person(codes, person), "length of a frame's code (deflate)", "bit"
            ),
            "marginal_bits": labelled(
                ("representation", "seed"), one_by_one, "sum of the entropies of a frame's pixels or coordinates", "bit"
            ),
        },
        {"map": list(MAPS), "representation": list(shown), "seed": test["seed"].values},
    )


def counted(labels: np.ndarray) -> np.ndarray:
    """How often each label stands in the last axis: (..., pixels) -> (..., 12)."""
    return np.stack([(labels == label).sum(-1) for label in range(len(LABELS))], -1)


def in_bits(found) -> np.ndarray:
    """Value of an estimate in nats."""
    return np.asarray(found.value) / np.log(2)


def parts_given_figure(counts: np.ndarray) -> np.ndarray:
    """P(figure) H(part | figure), in bits, from counts (..., labels) with the background first."""
    figure = counts[..., 1:].sum(-1)
    return figure / counts.sum(-1) * in_bits(shannon_entropy(counts[..., 1:]))


def deflated(found: np.ndarray) -> np.ndarray:
    """Bits of a frame if a sequence is written by deflate at level 9, without header: (seed, sequence, frame, ...)."""

    def bits(sequence: np.ndarray) -> float:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return 8 * len(packer.compress(sequence.tobytes()) + packer.flush()) / len(sequence)

    return np.array([[bits(np.ascontiguousarray(sequence)) for sequence in of_seed] for of_seed in found])


def placewise(found: np.ndarray) -> np.ndarray:
    """Sum over the places of a frame of the entropy of what stands there, over all frames of a seed, shape (seeds,).

    An upper bound of the entropy of a frame, up to what the frames are too few for.
    """
    flat = found.reshape(len(found), -1, int(np.prod(found.shape[3:])))
    kinds = np.unique(flat)
    counts = np.stack([(flat == kind).sum(1) for kind in kinds], -1)  # (seeds, places, kinds)
    return in_bits(miller_madow_entropy(counts)).sum(-1)


def by_person(values: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Mean over each walker's sequences, the walkers of all seeds in a row: (..., seed, sequence) -> (..., walker)."""
    people = person.max() + 1
    own = person[..., None] == np.arange(people)
    total = np.einsum("...sq,sqp->...sp", values, own) / own.sum(1)
    return total.reshape(*values.shape[:-2], -1)
