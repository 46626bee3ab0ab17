"""Classes of the paper's series."""

CLASSES = ("periodic", "chaotic", "stochastic")
