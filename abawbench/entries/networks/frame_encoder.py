"""Torch modules that encode crops on a device and in a precision of choice, and entries built on them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.clips.clip import Clip, Frames
from abawbench.entries.contract import predict_frame_wise
from abawbench.entries.model import Answers, Card, FrameFeatures, Precision
from abawbench.models.backbones.mixed_precision import is_transformer, mix
from abawbench.models.image_input import LUMA, ImageInput

DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
Prepared = tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class FrameEncoder:
    """Modules that each make a vector of a picture; the features of a frame are their vectors end to end.

    Attributes:
        modules: modules that map normalised pictures, shape (pictures, channels, size, size), to (pictures, width).
        image_inputs: pictures that each module takes.
        device: device on which the modules run.
        precision: precision in which they run; their features are float32.
    """

    modules: tuple[nn.Module, ...]
    image_inputs: tuple[ImageInput, ...]
    device: str = "cpu"
    precision: Precision = "float32"

    def at(self, device: str, precision: Precision) -> FrameEncoder:
        """The same modules on another device or in another precision; these here stay as they are.

        Raises:
            ProblemError: C02, a precision that is not known.
        """
        if precision not in DTYPES:
            found, expected = f"precision {precision}", f"one of {', '.join(DTYPES)}"
            raise ProblemError(Problem("C02", found, expected, did_you_mean(precision, DTYPES)))
        if (device, precision) == (self.device, self.precision):
            return self
        moved = [_moved(module, device, precision) for module in self.modules]
        return replace(self, modules=freeze(moved), device=device, precision=precision)

    def prepare(self, crops: Frames) -> Prepared:
        """Resize and cut crops for each module, still as bytes, which other threads can do during a forward pass."""
        return tuple(torch.from_numpy(image_input.resized(crops)) for image_input in self.image_inputs)

    def forward(self, prepared: Prepared) -> FrameFeatures:
        """Features of prepared crops, shape (crops, width), float32."""
        parts: list[Tensor] = []
        with torch.inference_mode():
            for module, image_input, crops in zip(self.modules, self.image_inputs, prepared, strict=True):
                pictures = normalise(crops.to(self.device, non_blocking=True), image_input)
                parts.append(module(pictures.to(_precision(module))).float())
            return torch.cat(parts, 1).cpu().numpy()

    def encode(self, crops: Frames) -> FrameFeatures:
        """Features of crops, shape (crops, width), float32."""
        return self.forward(self.prepare(crops))


@dataclass(frozen=True, eq=False)
class EncoderEntry:
    """The parts that are common to all entries built on torch modules.

    Attributes:
        card: description of the entry.
        encoder: modules that encode crops.
    """

    card: Card
    encoder: FrameEncoder

    def at(self, device: str, precision: Precision) -> Self:
        """The same entry with its encoder on another device or in another precision."""
        return replace(self, encoder=self.encoder.at(device, precision))

    def prepare(self, crops: Frames) -> Prepared:
        """Resize and cut crops for each module."""
        return self.encoder.prepare(crops)

    def forward(self, prepared: Prepared) -> FrameFeatures:
        """Features of prepared crops, shape (crops, width)."""
        return self.encoder.forward(prepared)

    def encode(self, crops: Frames) -> FrameFeatures:
        """Features of crops, shape (crops, width)."""
        return self.forward(self.prepare(crops))

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answer for a clip from the features of its valid frames."""
        raise NotImplementedError

    def predict(self, clip: Clip) -> Answers:
        """Encode every valid crop, then answer for the clip."""
        return predict_frame_wise(self, clip)


def freeze(modules: Sequence[nn.Module]) -> tuple[nn.Module, ...]:
    """Prepare modules for inference: evaluation mode, no gradients, convolutions in the channels-last layout."""
    for module in modules:
        module.eval().requires_grad_(False)
        torch.nn.utils.convert_conv2d_weight_memory_format(module, torch.channels_last)
    return tuple(modules)


def _moved(module: nn.Module, device: str, precision: Precision) -> nn.Module:
    moved = copy.deepcopy(module)
    if (device, precision) == ("cpu", "bfloat16") and is_transformer(moved):
        mix(moved)
        return moved
    return moved.to(device, DTYPES[precision])


def _precision(module: nn.Module) -> torch.dtype:
    """The precision of the pictures that a module takes: that of its first weights; float32 where it has none."""
    return next((parameter.dtype for parameter in module.parameters()), torch.float32)


def normalise(crops: Tensor, image_input: ImageInput) -> Tensor:
    """Turn bytes, (crops, size, size, 3), into float32, (crops, channels, size, size), channels last in memory."""
    values = crops.permute(0, 3, 1, 2).float()
    if image_input.colour == "grey":
        weights = torch.from_numpy(LUMA).to(values)
        values = torch.einsum("nchw,c->nhw", values, weights)[:, None]
    elif image_input.colour == "BGR":
        values = values.flip(1)
    mean, std = (
        torch.tensor(part, device=values.device)[:, None, None] for part in (image_input.mean, image_input.std)
    )
    return values.mul_(1 / (255 * std)).sub_(mean / std)
