"""Drawing helpers on numbers that once broke them."""

import numpy as np
import pytest

from pesin.plot.style import panels, whiskers


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
