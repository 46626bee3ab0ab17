"""Types of the parameters of the point between two goals, on which learned policies are looked at."""

from studies.soft_actor_critic.agents import TaskParams


class Params(TaskParams):
    """Parameters of one case."""
