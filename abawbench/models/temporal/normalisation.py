"""Z-scores of features before they enter a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from abawbench.base.problems import ProblemError
from abawbench.models.temporal.encoder import without_padding
from abawbench.models.temporal.settings import Mode, Normalise, network_problem


class Normalisation(nn.Module):
    """No scores, scores by the statistics of the training features, or of each sequence over time.

    Deviations divide by frames - 1, and one of 0 counts as 1 (source: AIM3-RUC/ABAW4:data/seq_dataset.py). Those of a
    single frame count as 0: assumed(choice), the release has nan there.

    Attributes:
        mean: shape (features,), of the training features; there is one for `training` only.
        std: shape (features,), likewise.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, kind: Normalise, mode: Mode) -> None:
        super().__init__()
        self.kind, self.mode = kind, mode
        if kind == "training":
            self.register_buffer("mean", torch.zeros(width))
            self.register_buffer("std", torch.ones(width))

    def learn(self, mean: Tensor, std: Tensor) -> None:
        """Keep the statistics of the training features, each of shape (features,).

        Raises:
            ProblemError: E17, another shape, or a network that does not take such statistics.
        """
        if self.kind != "training":
            raise ProblemError(network_problem(f"statistics for normalise = {self.kind!r}", "normalise = 'training'"))
        if not mean.shape == std.shape == self.mean.shape:
            found = f"statistics of shapes {tuple(mean.shape)} and {tuple(std.shape)}"
            raise ProblemError(network_problem(found, f"{tuple(self.mean.shape)} both", "take those of these features"))
        with torch.no_grad():
            self.mean.copy_(mean)
            self.std.copy_(std)

    def forward(self, features: Tensor, valid: Tensor | None) -> Tensor:
        """Scores of features, shape (sequences, frames, features).

        Padding is zero, but for `batch` in `compat`, where it is counted and scored like frames (F2).
        """
        features = without_padding(features, valid)
        if self.kind == "none":
            return features
        if self.kind == "training":
            return without_padding((features - self.mean) / _not_zero(self.std), valid)
        if self.mode == "compat":
            return _over_time(features, None)
        return _over_time(features, valid)


def _over_time(features: Tensor, valid: Tensor | None) -> Tensor:
    # in float64 the mean of a constant column is that constant, and its deviation 0
    wide = features.to(torch.float64)
    ones = wide.new_ones((*features.shape[:2], 1)) if valid is None else valid.unsqueeze(-1).to(torch.float64)
    frames = ones.sum(dim=1, keepdim=True)
    centred = (wide - wide.sum(dim=1, keepdim=True) / frames.clamp(min=1)) * ones
    std = (centred.square().sum(dim=1, keepdim=True) / (frames - 1).clamp(min=1)).sqrt()
    return (centred / _not_zero(std)).to(features.dtype)


def _not_zero(std: Tensor) -> Tensor:
    return torch.where(std == 0, 1, std)
