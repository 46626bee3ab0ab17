"""Nearest neighbours and neighbour counts in clouds of points, compiled, for one cloud or a batch of them.

One dimension is a sort and a sweep; more are a k-d tree with tight boxes, built and asked in one go, which saves the
Python and allocation costs that peers pay for each cloud. Distances are those of the maximum norm, or Euclidean ones.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from pesin.compiled import njit

LEAF = 16  # points in a leaf of the tree: of 4 to 32 the fastest in two to ten dimensions


def kth_distances(x: np.ndarray, k: int, euclidean: bool = False) -> np.ndarray:
    """Distance of every point to its k-th nearest other point.

    Parameters
    ----------
    x : ndarray of float, shape (batch, samples, dim)
        Finite.
    k
        Below `samples`.
    euclidean
        Norm: Euclidean, or else the maximum norm.

    Returns
    -------
    ndarray, shape (batch, samples)
    """
    x = np.ascontiguousarray(x, float)
    if x.shape[-1] == 1:
        return _kth_on_a_line(x[..., 0], k)
    return _kth_in_space(x, k, euclidean)


def cross_distances(x: np.ndarray, y: np.ndarray, k: int, euclidean: bool = False) -> np.ndarray:
    """Distance of every point of x, (batch, samples, dim), to its k-th nearest of y, (batch, other samples, dim)."""
    return _cross_in_space(np.ascontiguousarray(x, float), np.ascontiguousarray(y, float), k, euclidean)


def count_within(x: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Number of other points strictly closer than a radius in the maximum norm.

    Parameters
    ----------
    x : ndarray of float, shape (batch, samples, dim)
        Finite.
    radius : ndarray, shape (batch, samples)
        One for each point.

    Returns
    -------
    ndarray of int, shape (batch, samples)
    """
    x, radius = np.ascontiguousarray(x, float), np.ascontiguousarray(radius, float)
    return _count_on_a_line(x[..., 0], radius) if x.shape[-1] == 1 else _count_in_space(x, radius)


# ------------------------------------------------------------------------------------------------------ one dimension


@njit(nogil=True)
def _kth_on_a_line(x, k):
    """The k nearest of a sorted line's point are k neighbours in a row: widen to the nearer side k times."""
    batch, samples = x.shape
    found = np.empty((batch, samples))
    for b in range(batch):
        order = np.argsort(x[b])
        line = x[b][order]
        for i in range(samples):
            low, high, reached = i, i, 0.0
            for _ in range(k):
                left = line[i] - line[low - 1] if low > 0 else np.inf
                right = line[high + 1] - line[i] if high + 1 < samples else np.inf
                if left <= right:
                    low, reached = low - 1, left
                else:
                    high, reached = high + 1, right
            found[b, order[i]] = reached
    return found


@njit(nogil=True)
def _count_on_a_line(x, radius):
    """Widen the window of each point in turn from where the previous point's window ended."""
    batch, samples = x.shape
    found = np.empty((batch, samples), np.int64)
    for b in range(batch):
        order = np.argsort(x[b])
        line = x[b][order]
        low, high = 0, 0
        for i in range(samples):
            r = radius[b, order[i]]
            low, high = min(low, i), max(high, i)
            while low > 0 and line[i] - line[low - 1] < r:
                low -= 1
            while low < i and line[i] - line[low] >= r:
                low += 1
            while high + 1 < samples and line[high + 1] - line[i] < r:
                high += 1
            while high > i and line[high] - line[i] >= r:
                high -= 1
            found[b, order[i]] = high - low
    return found


# ----------------------------------------------------------------------------------------------------- the k-d tree


@njit(nogil=True)
def _select(values, order, low, high, middle):
    """Reorder order[low:high] so that values[order[middle]] stands where sorting would put it (Hoare's quickselect)."""
    left, right = low, high - 1
    while left < right:
        pivot = values[order[(left + right) // 2]]
        i, j = left, right
        while i <= j:
            while values[order[i]] < pivot:
                i += 1
            while values[order[j]] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            right = j
        elif middle >= i:
            left = i
        else:
            return


@njit(nogil=True)
def _tree(points):
    """Order of the points, and of each node its span in that order, its first child (0: a leaf) and its box."""
    samples, dim = points.shape
    order = np.arange(samples)
    most = 4 * (samples // LEAF + 1) + 1
    start, stop = np.zeros(most, np.int64), np.zeros(most, np.int64)
    child = np.zeros(most, np.int64)
    lowest, highest = np.empty((most, dim)), np.empty((most, dim))
    stop[0], nodes, node = samples, 1, 0
    while node < nodes:
        widest, width = 0, -1.0
        for d in range(dim):
            least = largest = points[order[start[node]], d]
            for i in range(start[node] + 1, stop[node]):
                value = points[order[i], d]
                least, largest = min(least, value), max(largest, value)
            lowest[node, d], highest[node, d] = least, largest
            if largest - least > width:
                widest, width = d, largest - least
        if stop[node] - start[node] > LEAF and width > 0:
            middle = (start[node] + stop[node]) // 2
            _select(points[:, widest], order, start[node], stop[node], middle)
            child[node] = nodes
            start[nodes], stop[nodes] = start[node], middle
            start[nodes + 1], stop[nodes + 1] = middle, stop[node]
            nodes += 2
        node += 1
    return order, start[:nodes], stop[:nodes], child[:nodes], lowest[:nodes], highest[:nodes]


@njit(nogil=True)
def _to_box(point, lowest, highest, euclidean):
    """Distance (squared if Euclidean) of a point to the nearest point of a box."""
    distance = 0.0
    for d in range(point.size):
        below, above = lowest[d] - point[d], point[d] - highest[d]
        gap = below if below > above else above
        if gap > 0 and euclidean:
            distance += gap * gap
        elif gap > distance:
            distance = gap
    return distance


@njit(nogil=True)
def _scan(points, start, stop, point, left_out, euclidean, best):
    """Sort the distances of points[start:stop] (but one) into the k smallest so far."""
    last = best.size - 1
    for j in range(start, stop):
        distance = 0.0
        for d in range(point.size):
            gap = abs(points[j, d] - point[d])
            if euclidean:
                distance += gap * gap
            elif gap > distance:  # no max(): it would mind NaN
                distance = gap
        if distance < best[last] and j != left_out:
            place = last
            while place > 0 and best[place - 1] > distance:
                best[place] = best[place - 1]
                place -= 1
            best[place] = distance


@njit(nogil=True)
def _descend(node, distance, points, start, stop, child, lowest, highest, point, euclidean, best, stack, near):
    """Look through a subtree at the given distance, the nearer child first, as long as it can hold a neighbour."""
    stack[0], near[0], top = node, distance, 1
    while top > 0:
        top -= 1
        node = stack[top]
        if near[top] >= best[best.size - 1]:
            continue
        one = child[node]
        if one == 0:
            _scan(points, start[node], stop[node], point, -1, euclidean, best)
            continue
        first = _to_box(point, lowest[one], highest[one], euclidean)
        second = _to_box(point, lowest[one + 1], highest[one + 1], euclidean)
        if first <= second:  # the nearer one on top
            stack[top], near[top], stack[top + 1], near[top + 1] = one + 1, second, one, first
        else:
            stack[top], near[top], stack[top + 1], near[top + 1] = one, first, one + 1, second
        top += 2


@njit(nogil=True)
def _kth_in_space(x, k, euclidean):
    """From each leaf upwards: most neighbours are in the same leaf, and the rest beside the way to the root."""
    batch, samples = x.shape[:2]
    found = np.empty((batch, samples))
    best = np.empty(k)
    stack, near = np.empty(128, np.int64), np.empty(128)
    for b in range(batch):
        order, start, stop, child, lowest, highest = _tree(x[b])
        points = x[b][order]
        parent = np.zeros(child.size, np.int64)
        for node in range(child.size):
            if child[node] > 0:
                parent[child[node]] = parent[child[node] + 1] = node
        for leaf in range(child.size):
            if child[leaf] > 0:
                continue
            for rank in range(start[leaf], stop[leaf]):
                point = points[rank]
                best[:] = np.inf
                _scan(points, start[leaf], stop[leaf], point, rank, euclidean, best)
                node = leaf
                while node > 0:
                    other = node + 1 if node % 2 else node - 1  # children are pairs (odd, even)
                    distance = _to_box(point, lowest[other], highest[other], euclidean)
                    if distance < best[k - 1]:
                        _descend(
                            other, distance, points, start, stop, child, lowest, highest, point, euclidean, best,
                            stack, near,
                        )  # fmt: skip
                    node = parent[node]
                found[b, order[rank]] = np.sqrt(best[k - 1]) if euclidean else best[k - 1]
    return found


@njit(nogil=True)
def _cross_in_space(x, y, k, euclidean):
    """Distance of each x to its k-th nearest y, from the root of y's tree."""
    batch, samples = x.shape[:2]
    found = np.empty((batch, samples))
    best = np.empty(k)
    stack, near = np.empty(128, np.int64), np.empty(128)
    for b in range(batch):
        order, start, stop, child, lowest, highest = _tree(y[b])
        points = y[b][order]
        for i in range(samples):
            best[:] = np.inf
            _descend(
                0, 0.0, points, start, stop, child, lowest, highest, x[b, i], euclidean, best, stack, near
            )  # fmt: skip
            found[b, i] = np.sqrt(best[k - 1]) if euclidean else best[k - 1]
    return found


@njit(nogil=True)
def _count_in_space(x, radius):
    """Points strictly within the radius of each point: whole boxes at once where they lie inside."""
    batch, samples, dim = x.shape
    found = np.empty((batch, samples), np.int64)
    stack = np.empty(128, np.int64)
    for b in range(batch):
        order, start, stop, child, lowest, highest = _tree(x[b])
        points = x[b][order]
        for rank in range(samples):
            point, r = points[rank], radius[b, order[rank]]
            count = -1 if r > 0 else 0  # the point itself
            stack[0], top = 0, 1
            while top > 0:
                top -= 1
                node = stack[top]
                nearest = farthest = 0.0
                for d in range(dim):
                    below, above = lowest[node, d] - point[d], point[d] - highest[node, d]
                    near, far = (below, above) if below > above else (above, below)
                    if near > nearest:
                        nearest = near
                    if -far > farthest:
                        farthest = -far
                if nearest >= r:
                    continue
                if farthest < r:
                    count += stop[node] - start[node]
                elif child[node] == 0:
                    for j in range(start[node], stop[node]):
                        inside = 1
                        for d in range(dim):
                            inside &= abs(points[j, d] - point[d]) < r
                        count += inside
                else:
                    stack[top], stack[top + 1] = child[node], child[node] + 1
                    top += 2
            found[b, order[rank]] = count
    return found


# ------------------------------------------------------------------------------------------------------ local shuffles


def shuffle_among_neighbours(rng: np.random.Generator, z: np.ndarray, among: int, copies: int) -> np.ndarray:
    """Reorderings of samples that move each one only among its nearest in z.

    Parameters
    ----------
    rng
        Generator.
    z : ndarray, shape (samples, dim)
    among
        Neighbours (itself counted) of which each sample takes one that no other has taken yet, if there is such a one.
    copies
        Number of reorderings.

    Returns
    -------
    ndarray of int, shape (copies, samples)
    """
    near = cKDTree(z).query(z, among, p=np.inf)[1].reshape(len(z), among)
    orders = np.empty((copies, len(z)), np.int64)
    for copy in range(copies):
        _take_in_turn(rng.permutation(len(z)), rng.permuted(near, axis=1), orders[copy])
    return orders


@njit(nogil=True)
def _take_in_turn(turn, choices, order):
    taken = np.zeros(len(turn), np.bool_)
    for i in turn:
        order[i] = choices[i, -1]
        for j in choices[i]:
            if not taken[j]:
                order[i] = j
                break
        taken[order[i]] = True
