"""Drawing helpers on numbers that once broke them."""

import itertools

import numpy as np
import pytest

from pesin.plot.style import name_points, panels, whiskers


def test_whiskers_span_the_interval_even_if_the_point_lies_outside():
    _, ((axes,),) = panels()
    whiskers(axes, [0, 1, 2], [0.5, 0.9, 0.1], [0.2, 0.2, 0.2], [0.8, 0.8, np.inf], linestyle="-", capsize=0)
    (bars,) = (c for c in axes.collections if hasattr(c, "get_segments"))
    drawn = [segment[:, 1] for segment in bars.get_segments() if segment.size]
    np.testing.assert_allclose(drawn, [[0.2, 0.8], [0.2, 0.8]])
    assert axes.lines[0].get_linestyle() == "-"
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.5, 0.9, 0.1])


def test_panels_come_as_a_grid():
    figure, axes = panels(2, 3, height=1.5)
    assert axes.shape == (2, 3) and figure.get_size_inches()[1] == pytest.approx(3.0)


def test_names_beside_points_do_not_meet():
    """Twelve points in three tight clusters: no name stands on another one, and all are inside."""
    figure, axes = panels(1, 1, width=4, height=3)
    axes = axes[0, 0]
    x = np.repeat([0.2, 0.5, 0.8], 4) + np.tile([0.0, 0.01, 0.02, 0.03], 3)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    name_points(axes, x, x, [f"model {i}" for i in range(12)], (230, 170))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == 12 and not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    edge = axes.get_window_extent()
    assert all(edge.x0 <= box.x0 and box.x1 <= edge.x1 + 5 for box in boxes)
    name_points(axes, x, x, [f"model {i}" for i in range(12)], (230, 170), named=[3])
    assert len(axes.texts) == 13
