"""Random changes of crops, on the device of the crops.

Random numbers are drawn first, on the CPU and from the caller's generator alone: for each frame, or for each clip and
shared by its frames; and for a whole batch, of which each process takes its part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from abawbench.entries.networks.frame_encoder import normalise as from_bytes
from abawbench.models.image_input import Geometry, ImageInput
from abawbench.training.settings import AugmentationSettings

# side of the blur's kernel in pixels: three deviations of the strongest blur to either side
KERNEL = 13


BLUR = (0.1, 2.0)


ERASED_AREA = (0.02, 0.2)


# least ratio of the rectangle's height to its width, and of its width to its height
ERASED_SHAPE = 0.3


@dataclass(frozen=True, eq=False)
class Draws:
    """Changes that were drawn, a row for each frame or clip, float32 except where noted.

    Attributes:
        flip: True to flip left and right, shape (rows,), bool.
        rotation: angle in degrees, clockwise, shape (rows,).
        translation: shift to the right and downwards, as a share of the side, shape (rows, 2).
        scale: factor of the size, shape (rows,).
        brightness: factor of the brightness, shape (rows,).
        contrast: factor of the contrast, shape (rows,).
        saturation: factor of the saturation, shape (rows,); 0 where colours are lost.
        blur: deviation of the blur in pixels, shape (rows,); 0 for none.
        erase: left, top, right and bottom of a rectangle as shares of the side, shape (rows, 4); all 0 for none.
    """

    flip: Tensor
    rotation: Tensor
    translation: Tensor
    scale: Tensor
    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    blur: Tensor
    erase: Tensor

    def take(self, rows: Tensor) -> Draws:
        """The changes of these rows, int64, shape (frames,): the clip of each frame, or a part of a batch."""
        return Draws(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw(settings: AugmentationSettings, count: int, generator: torch.Generator) -> Draws:
    """Draw changes for `count` frames or clips.

    The same random numbers are drawn whatever the settings, so that one more setting does not alter other changes.

    Args:
        settings: settings of the augmentation.
        count: number of frames or clips.
        generator: random generator on the CPU.
    """
    # columns: flip, rotation, translation (2), scale, brightness, contrast, saturation, grey, blur (2), erase (5)
    chance = torch.rand((count, 16), generator=generator)
    about = 2 * chance - 1
    low, high = BLUR
    blur = torch.where(chance[:, 9] < settings.blur, low + (high - low) * chance[:, 10], 0)
    return Draws(
        flip=chance[:, 0] < settings.flip,
        rotation=settings.rotation * about[:, 1],
        translation=settings.translation * about[:, 2:4],
        scale=1 + settings.scale * about[:, 4],
        brightness=1 + settings.brightness * about[:, 5],
        contrast=1 + settings.contrast * about[:, 6],
        saturation=torch.where(chance[:, 8] < settings.grey, 0, 1 + settings.saturation * about[:, 7]),
        blur=blur,
        erase=_rectangles(chance[:, 11:], settings.erase),
    )


def augment(crops: Tensor, draws: Draws) -> Tensor:
    """Apply the drawn changes to crops.

    The order is flip; rotation, scale and translation at once, with black beyond the border; colours; blur; erasure.

    Args:
        crops: crops, shape (frames, side, side, 3), uint8, RGB.
        draws: changes, a row for each frame.

    Returns:
        Shape (frames, 3, side, side), float32, from 0 to 1.
    """
    pictures = crops.permute(0, 3, 1, 2).float() / 255
    flip = draws.flip.to(pictures.device)
    pictures = torch.where(flip[:, None, None, None], pictures.flip(3), pictures).contiguous()
    pictures = _moved(pictures, draws)
    pictures = _coloured(pictures, draws)
    pictures = _blurred(pictures, draws)
    return _erased(pictures, draws)


def normalise(pictures: Tensor, image_input: ImageInput) -> Tensor:
    """Normalise pictures for a network like `ImageInput.pictures`, but on tensors and without resizing.

    Args:
        pictures: pictures, shape (frames, 3, side, side), float32, RGB, from 0 to 1.
        image_input: image input of the network.

    Returns:
        Shape (frames, channels, side, side).
    """
    if image_input.colour == "grey":
        pictures = (pictures * _column(torch.from_numpy(image_input.grey_shares), pictures)).sum(1, keepdim=True)
    elif image_input.colour == "BGR":
        pictures = pictures.flip(1)
    return (pictures - _column(torch.tensor(image_input.mean), pictures)) / _column(
        torch.tensor(image_input.std), pictures
    )


def _moved(pictures: Tensor, draws: Draws) -> Tensor:
    if not (draws.rotation.any() or draws.translation.any() or (draws.scale != 1).any()):
        return pictures
    from kornia.geometry.transform import get_affine_matrix2d, warp_affine

    side = pictures.shape[-1]
    centre = torch.full((len(pictures), 2), (side - 1) / 2)
    scale = draws.scale[:, None].expand(-1, 2)
    matrix = get_affine_matrix2d(draws.translation * side, centre, scale, draws.rotation)
    return warp_affine(pictures, matrix[:, :2].to(pictures.device), (side, side))


def _coloured(pictures: Tensor, draws: Draws) -> Tensor:
    changes = [values for values in (draws.brightness, draws.contrast, draws.saturation) if (values != 1).any()]
    if not changes:
        return pictures
    from kornia import enhance

    if (draws.brightness != 1).any():
        pictures = enhance.adjust_brightness_accumulative(pictures, draws.brightness)
    if (draws.contrast != 1).any():
        pictures = enhance.adjust_contrast_with_mean_subtraction(pictures, draws.contrast)
    if (draws.saturation != 1).any():
        pictures = enhance.adjust_saturation_with_gray_subtraction(pictures, draws.saturation)
    return pictures


def _blurred(pictures: Tensor, draws: Draws) -> Tensor:
    rows = draws.blur.nonzero()[:, 0]
    if not len(rows):
        return pictures
    from kornia.filters import gaussian_blur2d

    deviation = draws.blur[rows, None].expand(-1, 2).to(pictures.device)
    places = rows.to(pictures.device)
    blurred = gaussian_blur2d(pictures[places], KERNEL, deviation, border_type="replicate")
    return pictures.index_copy(0, places, blurred)


def _erased(pictures: Tensor, draws: Draws) -> Tensor:
    if not draws.erase.any():
        return pictures
    left, top, right, bottom = draws.erase.to(pictures.device).T[..., None]
    centre = (torch.arange(pictures.shape[-1], device=pictures.device) + 0.5) / pictures.shape[-1]
    across = (centre >= left) & (centre < right)
    down = (centre >= top) & (centre < bottom)
    return pictures.masked_fill((down[:, :, None] & across[:, None, :])[:, None], 0)


def _rectangles(chance: Tensor, share: float) -> Tensor:
    """Rectangles, shape (rows, 4), from five random numbers each: occurrence, area, shape, and two of position."""
    smallest, largest = ERASED_AREA
    area = smallest + (largest - smallest) * chance[:, 1]
    # as often high as wide; within the crop, since the area is below the flattest shape's
    shape = ERASED_SHAPE ** (2 * chance[:, 2] - 1)
    height, width = (area * shape).sqrt(), (area / shape).sqrt()
    left, top = (1 - width) * chance[:, 3], (1 - height) * chance[:, 4]
    corners = torch.stack([left, top, left + width, top + height], 1)
    return torch.where((chance[:, 0] < share)[:, None], corners, 0)


def _column(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like)[:, None, None]


def make_pictures(
    crops: Mapping[Geometry, Tensor],
    image_inputs: Sequence[ImageInput],
    settings: AugmentationSettings | None,
    lengths: Tensor,
    rows: Tensor,
    generator: torch.Generator,
) -> list[Tensor]:
    """Augment and normalise crops as pictures for each image input, shape (frames, channels, size, size).

    Args:
        crops: crops by geometry, shape (frames, size, size, 3), uint8, on their device.
        image_inputs: image inputs of the networks.
        settings: settings of the augmentation; None for no augmentation.
        lengths: number of frames of each sequence of the whole step, on the CPU.
        rows: positions of these frames in the step.
        generator: random generator of all changes, on the CPU.
    """
    if settings is None:
        return [from_bytes(crops[image_input.geometry], image_input) for image_input in image_inputs]
    # drawn for all frames of the step, although this process has a part of them
    sequence = torch.arange(len(lengths)).repeat_interleave(lengths)
    if settings.shared == "clip":
        draws = draw(settings, len(lengths), generator).take(sequence[rows])
    else:
        draws = draw(settings, len(sequence), generator).take(rows)
    # networks of other sizes get the same change
    changed = {geometry: augment(own, draws) for geometry, own in crops.items()}
    return [normalise(changed[image_input.geometry], image_input) for image_input in image_inputs]
