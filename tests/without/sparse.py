"""Stands before the package of this name, which comes with a peer of the tests and which the workflow doesn't have.

xarray would load it in every job, and numba with it, half a second of each.
"""

raise ImportError("kept away from the workflow's jobs by tests/without")
