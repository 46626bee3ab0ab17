"""Known answers of the scores of continual learning."""

import numpy as np
import pytest

from pesin.forecast.continual import average_final, backward_transfer, forgetting

MATRIX = np.array([[0.9, 0.1, 0.2], [0.95, 0.8, 0.3], [0.5, 0.6, 0.7]])


def test_scores_of_a_matrix_by_hand():
    assert average_final(MATRIX) == pytest.approx(1.8 / 3)
    assert backward_transfer(MATRIX) == pytest.approx(((0.5 - 0.9) + (0.6 - 0.8)) / 2)
    assert forgetting(MATRIX) == pytest.approx(((0.95 - 0.5) + (0.8 - 0.6)) / 2)


def test_what_is_not_forgotten_and_batches():
    kept = np.triu(np.full((4, 4), 0.1), 1) + np.tril(np.full((4, 4), 0.9))
    both = np.stack([kept, np.eye(4)])
    np.testing.assert_allclose(forgetting(both), [0, 1])
    np.testing.assert_allclose(backward_transfer(both), [0, -1])
    np.testing.assert_allclose(average_final(both), [0.9, 0.25])


@pytest.mark.parametrize("bad", [np.ones((2, 3)), np.ones((1, 1)), np.ones(3)])
def test_other_shapes_are_refused(bad):
    with pytest.raises(ValueError, match="two tasks at least"):
        average_final(bad)
