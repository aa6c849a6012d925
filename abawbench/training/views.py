"""Crops of a step as its networks see them: augmented where that is asked for, and normalised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from abawbench.entries.networks.sight import normalised
from abawbench.models.intake import Intake
from abawbench.training import augmentation
from abawbench.training.augmentation_settings import AugmentationSettings


def pictures_of(
    crops: Mapping[int, Tensor],
    intakes: Sequence[Intake],
    settings: AugmentationSettings | None,
    lengths: Tensor,
    rows: Tensor,
    generator: torch.Generator,
) -> list[Tensor]:
    """Pictures for each intake, shape (frames, channels, size, size).

    Args:
        crops: by size, shape (frames, size, size, 3), uint8, on their device.
        intakes: of the networks.
        settings: of the augmentation; None for none.
        lengths: frames of each sequence of the whole step, on the CPU.
        rows: which of the frames of the step these are.
        generator: that all random changes come from, on the CPU.
    """
    if settings is None:
        return [normalised(crops[intake.size], intake) for intake in intakes]
    # drawn for the whole step, whichever of its frames are seen here
    sequence = torch.arange(len(lengths)).repeat_interleave(lengths)
    if settings.shared == "clip":
        draws = augmentation.draw(settings, len(lengths), generator).take(sequence[rows])
    else:
        draws = augmentation.draw(settings, len(sequence), generator).take(rows)
    # networks of other sizes see the same change
    changed = {size: augmentation.augmented(given, draws) for size, given in crops.items()}
    return [augmentation.normalised(changed[intake.size], intake) for intake in intakes]
