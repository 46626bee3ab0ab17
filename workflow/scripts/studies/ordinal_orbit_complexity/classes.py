"""Classes of the paper's series, and what becomes of a motion that has none."""

CLASSES = ("periodic", "chaotic", "stochastic")
LOST = "a motion that blew up, or never crossed its mean"
