"""Walkers made of discs and capsules: who walks, how a sequence was taken, joints, and the label of each pixel.

Sizes are pixels of a frame of 32 rows, and are scaled to the frame's own rows.
"""

from __future__ import annotations

import numpy as np

LABELS = (
    "background",
    "head",
    "torso",
    "left arm",
    "right arm",
    "left hand",
    "right hand",
    "left leg",
    "right leg",
    "left foot",
    "right foot",
    "dress",
)
"""Of a pixel, in the order of Gait3D-Parsing."""
JOINTS = ("crown", "head", "neck") + tuple(
    f"{side} {joint}"
    for side in ("left", "right")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")
)
BODY = {
    "leg": (13.0, 0.3),
    "thigh": (0.52, 0.03),  # share of the leg
    "arm": (10.0, 0.5),
    "torso": (3.4, 0.15),  # half the width
    "head": (2.3, 0.1),
    "leg_width": (1.6, 0.1),  # of the capsule, its radius
    "arm_width": (1.2, 0.18),
    "swing": (0.45, 0.07),  # rad
    "arm_swing": (0.45, 0.18),
    "bend": (0.6, 0.12),
    "arm_phase": (0.0, 0.25),
    "elbow": (0.5, 0.3),
    "lean": (0.0, 0.06),
    "tempo": (1.0, 0.08),
}
"""Mean and standard deviation of what makes an identity."""
DRESSES = (0.0, 5.0, 7.0, 9.0)
CONDITIONS = {
    "clean": (),
    "view": ("view",),
    "dress": ("dress",),
    "erased": ("erased",),
    "wild": ("view", "dress", "erased"),
}
"""What hinders recognition in a test set; all else is the same in all of them."""
CHUNK = 400
"""Frames drawn at once."""


def bodies(rng: np.random.Generator, people: int) -> dict[str, np.ndarray]:
    """Draw identities: each of `BODY`, shape (people,)."""
    return {
        name: np.maximum(mean + sd * rng.standard_normal(people), 0.2 * mean) if mean else sd * rng.normal(size=people)
        for name, (mean, sd) in BODY.items()
    }


def shots(rng: np.random.Generator, people: int, each: int, frames: int) -> dict[str, np.ndarray]:
    """Draw how sequences were taken: shape (people * each,), those of a person side by side, or (..., frames).

    The dresses of a person differ, as far as there are as many.
    """
    many = people * each
    order = rng.permuted(np.tile(np.arange(len(DRESSES)), (people, 1)), axis=1)
    block = rng.uniform(0, 1, (many, frames, 2))
    return {
        "view": rng.uniform(-1, 1, many),
        "dress": np.array(DRESSES)[order[:, np.arange(each) % len(DRESSES)]].ravel(),
        "coat": rng.uniform(0, 1.6, many),
        "sole": 0.3 * rng.standard_normal(many),
        "across": rng.uniform(-2, 2, many),
        "phase": rng.uniform(0, 2 * np.pi, many),
        "erased": np.where(rng.random((many, frames)) < 0.3, rng.uniform(2, 5, (many, frames)), 0.0),
        "block_x": block[..., 0],
        "block_y": block[..., 1],
    }


def under(condition: str, taken: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same sequences with only the hindrances of a condition."""
    off = [name for name in CONDITIONS["wild"] if name not in CONDITIONS[condition]]
    return taken | {name: np.zeros_like(taken[name]) for name in off}


def joints(person: dict[str, np.ndarray], taken: dict[str, np.ndarray], rows: int, columns: int) -> np.ndarray:
    """Places of the joints, (x, y) in pixels from the upper left corner, shape (sequences, frames, 17, 2).

    Parameters
    ----------
    person
        `bodies`, one for each sequence.
    taken
        `shots`, under any condition.
    """
    frames = taken["erased"].shape[1]
    p = {name: values[:, None] for name, values in person.items()}
    t = {name: values[:, None] for name, values in taken.items() if values.ndim == 1}
    along, beside = np.cos(t["view"]), np.sin(t["view"])
    walked = t["phase"] + 2 * np.pi * p["tempo"] * np.arange(frames) / frames
    scale = rows / 32
    hip = np.stack([columns / 2 / scale + t["across"] + 0 * walked, 16.0 + 0 * walked], -1)
    neck = hip + 9 * _turned(p["lean"] + 0 * walked, -along)
    head = neck + np.stack([0 * walked, 0 * walked - p["head"] - 0.5], -1)
    crown = head - np.stack([0 * walked, 0 * walked + p["head"]], -1)
    places = [crown, head, neck]
    leg = p["leg"] + t["sole"]
    for side, phase in ((-1, 0.0), (1, np.pi)):
        apart = np.stack([side * beside + 0 * walked, 0 * walked], -1)
        step, arm = walked + phase, p["arm_swing"] * np.sin(walked + phase + np.pi + p["arm_phase"])
        thigh = p["swing"] * np.sin(step)
        shank = thigh - p["bend"] * np.maximum(np.cos(step), 0)
        shoulder = neck + apart + [0, 1]
        elbow = shoulder + (p["arm"] / 2)[..., None] * _turned(arm, along)
        wrist = elbow + (p["arm"] / 2)[..., None] * _turned(arm + np.abs(p["elbow"]), along)
        start = hip + apart
        knee = start + (leg * p["thigh"])[..., None] * _turned(thigh, along)
        ankle = knee + (leg * (1 - p["thigh"]))[..., None] * _turned(shank, along)
        toe = ankle + 2.5 * _turned(shank + np.pi / 2, along)
        places += [shoulder, elbow, wrist, start, knee, ankle, toe]
    return np.stack(places, 2) * scale


def _turned(angle: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Direction at an angle from straight down, shortened across by the view; upwards if `along` is negative."""
    return np.stack([np.sin(angle) * np.abs(along), np.cos(angle) * np.sign(along)], -1)


def drawn(
    person: dict[str, np.ndarray], taken: dict[str, np.ndarray], rows: int, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Label maps, uint8 of shape (sequences, frames, rows, columns), and what a detector finds of the joints.

    Joints of shape (sequences, frames, 17, 2) are rounded to pixels; one under an erased block is found at the neck.
    """
    places = joints(person, taken, rows, columns)
    flat = places.reshape(-1, len(JOINTS), 2).astype(np.float32)
    frames = places.shape[1]
    grid = np.stack(np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5), -1).reshape(-1, 2).astype(np.float32)
    repeated = {name: np.repeat(values, frames) for name, values in person.items()}
    repeated |= {name: np.repeat(taken[name], frames) for name in ("coat", "dress")}
    labels = np.zeros((len(flat), len(grid)), np.uint8)
    for start in range(0, len(flat), CHUNK):
        part = slice(start, start + CHUNK)
        _paint(labels[part], flat[part], {n: v[part] for n, v in repeated.items()}, grid, rows / 32)
    side = (taken["erased"] * rows / 32).reshape(-1, 1)
    corner = np.stack([taken["block_x"] * columns, taken["block_y"] * rows], -1).reshape(-1, 1, 2) - side[..., None] / 2
    labels[_within(grid, corner, side)] = 0
    lost = _within(flat, corner, side)[..., None]
    found = np.rint(np.where(lost, flat[:, [JOINTS.index("neck")]], flat))
    return labels.reshape(*places.shape[:2], rows, columns), found.reshape(places.shape).astype(np.float32)


def _within(points: np.ndarray, corner: np.ndarray, side: np.ndarray) -> np.ndarray:
    inside = (points >= corner) & (points < corner + side[..., None])
    return inside.all(-1)


def _paint(labels: np.ndarray, places: np.ndarray, size: dict[str, np.ndarray], grid: np.ndarray, scale: float) -> None:
    """Draw the parts over each other, those of the far (left) side first."""

    def at(name: str) -> np.ndarray:
        return places[:, JOINTS.index(name)]

    def capsule(one: np.ndarray, other: np.ndarray, radius: np.ndarray, label: str, where=slice(None)) -> None:
        inside = _near(grid, one, other, (scale * radius).astype(np.float32))
        labels[inside if isinstance(where, slice) else inside & where[:, None]] = LABELS.index(label)

    hip = (at("left hip") + at("right hip")) / 2
    hem = hip + np.stack([0 * size["dress"], size["dress"] * scale], -1).astype(np.float32)
    width = size["torso"] + size["coat"]
    for side in ("left", "right"):
        for name, one, other in (("leg", "hip", "knee"), ("leg", "knee", "ankle")):
            capsule(at(f"{side} {one}"), at(f"{side} {other}"), size["leg_width"], f"{side} {name}")
        capsule(at(f"{side} ankle"), at(f"{side} toe"), 0.7 * size["leg_width"], f"{side} foot")
        if side == "right":
            capsule(hip, hem, width, "dress", size["dress"] > 0)
            _trunk(capsule, at, hip, width, size)
        for one, other in (("shoulder", "elbow"), ("elbow", "wrist")):
            capsule(at(f"{side} {one}"), at(f"{side} {other}"), size["arm_width"], f"{side} arm")
        capsule(at(f"{side} wrist"), at(f"{side} wrist"), 1.1 * size["arm_width"], f"{side} hand")


def _trunk(capsule, at, hip: np.ndarray, width: np.ndarray, size: dict[str, np.ndarray]) -> None:
    middle = (at("neck") - hip) / np.linalg.norm(at("neck") - hip, axis=-1, keepdims=True)
    inner = width[:, None].astype(np.float32) * middle * 0.8
    capsule(hip, at("neck") - inner, width, "torso")
    capsule(at("neck"), at("head"), 0.5 * size["head"], "head")
    capsule(at("head"), at("head"), size["head"], "head")


def _near(grid: np.ndarray, one: np.ndarray, other: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Which points lie within `radius` of the line from one to the other, shape (frames, points)."""
    x, y = grid[:, 0] - one[:, :1], grid[:, 1] - one[:, 1:]
    along = other - one
    length = np.maximum((along**2).sum(-1, keepdims=True), 1e-9)
    share = np.clip((x * along[:, :1] + y * along[:, 1:]) / length, 0, 1)
    return (x - share * along[:, :1]) ** 2 + (y - share * along[:, 1:]) ** 2 <= radius[:, None] ** 2
