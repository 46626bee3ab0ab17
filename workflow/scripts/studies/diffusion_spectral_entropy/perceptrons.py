"""What all trainings of perceptrons on labelled images have in common: inputs, labels, loss."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.losses import runs_cross_entropy
from pesin.models.mlp import Parameters
from pesin.models.ragged import Ragged, apply_ragged
from pesin.steps.case import Case

LOSS_SAMPLES = 2000  # training images on which losses and accuracies are taken, at most


def standardised(data: xr.Dataset, pixels: np.ndarray) -> np.ndarray:
    """Flatten images and bring every pixel to mean 0 and standard deviation 1 over the training images."""
    reference = data["train_images"].values.reshape(data.sizes["train_sample"], -1)
    spread = reference.std(0)
    flat = pixels.reshape(*pixels.shape[:-3], -1)
    return ((flat - reference.mean(0)) / np.where(spread > 0, spread, 1)).astype(np.float32)


def inputs(case: Case, data: xr.Dataset) -> dict[str, torch.Tensor]:
    """Standardised images of each split, shape (samples, pixels)."""
    return {
        split: torch.as_tensor(standardised(data, data[f"{split}_images"].values), device=case.device)
        for split in ("train", "test")
    }


def labels(case: Case, data: xr.Dataset) -> dict[str, torch.Tensor]:
    """Labels of each split, shape (modes * seeds, samples)."""
    return {
        split: torch.as_tensor(data[f"{split}_label"].values.astype(np.int64), device=case.device).flatten(0, 1)
        for split in ("train", "test")
    }


def classification(shape: Ragged, parameters: Parameters, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each run, shape (runs,); x (runs or 1, batch, inputs), label (runs, batch)."""
    logits, _ = apply_ragged(shape, parameters, x)
    return runs_cross_entropy(logits, label)
