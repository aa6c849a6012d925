"""Crops of a step as its networks see them: augmented where that is asked for, and normalised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from abawbench.entries.sight import normalised
from abawbench.models.intake import Intake
from abawbench.training import augmentation
from abawbench.training.augmentation_settings import AugmentationSettings


def pictures_of(
    crops: Mapping[int, Tensor],
    intakes: Sequence[Intake],
    settings: AugmentationSettings | None,
    lengths: Tensor,
    generator: torch.Generator,
) -> list[Tensor]:
    """Pictures for each intake, shape (frames, channels, size, size).

    Args:
        crops: by size, shape (frames, size, size, 3), uint8, on their device.
        intakes: of the networks.
        settings: of the augmentation; None for none.
        lengths: frames of each sequence, on the CPU.
        generator: that all random changes come from, on the CPU.
    """
    if settings is None:
        return [normalised(crops[intake.size], intake) for intake in intakes]
    frames = int(lengths.sum())
    if settings.shared == "clip" and len(lengths) > 1:
        sequence = torch.arange(len(lengths)).repeat_interleave(lengths)
        draws = augmentation.draw(settings, len(lengths), generator).take(sequence)
    else:
        draws = augmentation.draw(settings, frames, generator)
    # networks of other sizes see the same change
    changed = {size: augmentation.augmented(given, draws) for size, given in crops.items()}
    return [augmentation.normalised(changed[intake.size], intake) for intake in intakes]
