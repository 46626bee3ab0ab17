"""Known answers of the similarities of representations."""

import numpy as np
import pytest

from pesin.stats.similarity import kernel_alignment, linear_cka

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 200, 4))


def test_rotated_shifted_and_scaled_features_are_the_same():
    turn, _ = np.linalg.qr(RNG.normal(size=(4, 4)))
    np.testing.assert_allclose(linear_cka(X, 7 * X @ turn + 3), 1)


def test_one_of_two_equal_features_and_unrelated_ones():
    """X'X = n (1, 0; 0, 1), Y the first column: |X'Y|^2 / (|X'X| |Y'Y|) = n^2 / (sqrt(2) n n)."""
    x = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1.0]])
    assert linear_cka(x, x[:, :1]) == pytest.approx(1 / 2**0.5)
    assert linear_cka(x[:, :1], x[:, 1:]) == pytest.approx(0, abs=1e-15)


def test_few_samples_look_alike_and_many_do_not():
    few, many = (linear_cka(*RNG.normal(size=(2, n, 30))) for n in (10, 3000))
    assert few > 0.6 and many < 0.02


def test_alignment_with_the_kernel_of_features_is_cka():
    y = RNG.normal(size=(3, 200, 2))
    np.testing.assert_allclose(kernel_alignment(X @ X.swapaxes(-1, -2), y), linear_cka(X, y))


def test_a_kernel_made_of_the_labels_is_aligned_and_the_identity_nearly_not():
    labels = np.repeat([[1.0], [-1.0]], 50, 0)
    assert kernel_alignment(labels @ labels.T + 5, labels) == pytest.approx(1)
    assert kernel_alignment(np.eye(100), labels) == pytest.approx(1 / 99**0.5)  # centred: n - 1 eigenvalues of 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: linear_cka(X, X[:, :50]), "200 and 50"),
        (lambda: linear_cka(X[0], np.ones((200, 2))), "no column of y varies"),
        (lambda: linear_cka(X[0, 0], X[0, 0]), "the shape"),
        (lambda: kernel_alignment(np.arange(9.0).reshape(3, 3), np.arange(3.0)[:, None]), "symmetric"),
        (lambda: kernel_alignment(np.eye(4), X[0]), "don't fit"),
        (lambda: kernel_alignment(X[0, :, 0] + X[0, :, :1], X[0]), "zero once centred"),
    ],
)
def test_what_does_not_fit_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
