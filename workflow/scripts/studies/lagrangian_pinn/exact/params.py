"""Parameters of the exact fields: the problems alone."""

from __future__ import annotations

from pesin.params import Model
from studies.lagrangian_pinn.problems import Problems


class Params(Model):
    """Parameters of one case."""

    problems: Problems
