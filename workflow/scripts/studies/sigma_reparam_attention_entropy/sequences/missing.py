"""What a missing value of a layer stands for: training and the steps after it say it in the same words."""

from pesin.steps.labels import DIVERGED

NO_LAYER = f"{DIVERGED}, or a layer that a shallower network doesn't have"
