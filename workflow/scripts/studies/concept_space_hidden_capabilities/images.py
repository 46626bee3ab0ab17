"""Discs of two colours and two sizes: the renderer, its conditions, and the readout of a picture's concepts."""

from __future__ import annotations

import numpy as np

from studies.concept_space_hidden_capabilities.params import Point, Simulate

CONCEPTS = ("colour", "size")
CLASSES = ("00", "01", "10", "11")
"""Colour (0 red, 1 blue), then size (0 large, 1 small)."""
UNSEEN = "11"
GREEN, JITTER, SIZE_JITTER = 0.3, 0.05, 0.125


def places(names=CLASSES) -> np.ndarray:
    """Concept coordinates 0 or 1 of classes, shape (classes, 2)."""
    return np.array([[int(digit) for digit in name] for name in names], float)


def factors(world: Simulate, point: Point, place: np.ndarray, jitter: np.ndarray | float = 0.0) -> np.ndarray:
    """Colour and radius of discs.

    Parameters
    ----------
    place : ndarray, shape (..., 2)
        Coordinates in concept space, 0 and 1 at the classes.
    jitter : ndarray, shape (..., 2)
        Between -1 and 1.

    Returns
    -------
    ndarray, shape (..., 2)
        Blue less 1/2 (red is 1/2 less that), and radius in pixels.
    """
    spread = np.array([JITTER, SIZE_JITTER * point.size])
    step = np.array([point.colour, -point.size])
    return np.array([0, world.radius]) + (place - 0.5) * step + spread * jitter


def render(world: Simulate, factor: np.ndarray) -> np.ndarray:
    """Centred discs with soft edges on white, shapes (..., 2) -> (..., channel, y, x)."""
    at = np.arange(world.image_size) - (world.image_size - 1) / 2
    far = np.hypot(at[:, None], at)
    blue, radius = factor[..., 0], factor[..., 1, None, None]
    cover = 1 / (1 + np.exp(-2 * (radius - far)))
    colour = np.stack([0.5 - blue, np.full_like(blue, GREEN), 0.5 + blue], -1)
    return 1 - cover[..., None, :, :] * (1 - colour[..., None, None])


def condition(world: Simulate, factor: np.ndarray) -> np.ndarray:
    """What the network is told: red, green and blue from -1 to 1, and the radius; (..., 2) -> (..., 4)."""
    blue, radius = factor[..., 0], factor[..., 1]
    return np.stack([-2 * blue, np.full_like(blue, 2 * GREEN - 1), 2 * blue, (radius / world.radius - 1) / 0.6], -1)


def measured(image: np.ndarray) -> np.ndarray:
    """Mean of B - R over the ink, and the radius of a disc of that much ink; (..., channel, y, x) -> (..., 2).

    Ink is what is missing of white in green, the one channel that doesn't know the colour. A picture without any has
    colour and radius 0.
    """
    red, green, blue = (image[..., channel, :, :] for channel in range(3))
    ink = np.clip(1 - green, 0, 1).sum((-2, -1)) / (1 - GREEN)
    tint = (blue - red).sum((-2, -1))
    colour = np.divide(tint, ink, out=np.zeros_like(tint), where=ink > 1e-3)
    return np.stack([colour, np.sqrt(ink / np.pi)], -1)


def coordinates(world: Simulate, point: Point, image: np.ndarray) -> np.ndarray:
    """Coordinates in concept space, 0 and 1 at the classes' own pictures; (..., channel, y, x) -> (..., 2)."""
    ends = measured(render(world, factors(world, point, np.array([[0.0, 0.0], [1.0, 1.0]]))))
    return (measured(image) - ends[0]) / (ends[1] - ends[0])


def concept_signal(world: Simulate, point: Point) -> np.ndarray:
    """|dG/dz| of each concept between the classes, root mean square over pixels and channels, shape (2,).

    Central differences; z goes from 0 to 1 between the classes (the paper's definition of concept signal).
    """
    step = 0.05 * np.eye(2)
    up, down = (render(world, factors(world, point, 0.5 + sign * step)) for sign in (1, -1))
    return np.sqrt((((up - down) / 0.1) ** 2).mean((-3, -2, -1)))
