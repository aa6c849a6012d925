"""Backbones of an entry, made with their weights and run on a device and in a precision; entries built on them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError, Problems, did_you_mean
from abawbench.clips.clip import Clip, Frames
from abawbench.entries.contract import predict_frame_wise
from abawbench.entries.model import Answers, Card, FrameFeatures, Precision, Weights, no_file, weights_of
from abawbench.models import backbones
from abawbench.models.backbones import Backbone
from abawbench.models.backbones.mixed_precision import is_transformer, mix
from abawbench.models.image_input import ImageInput, Overrides
from abawbench.models.sizes import Size, size_of

DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
BRING = 'add weights = {file = "..."}, or seed = 0 for a network that knows nothing'
Prepared = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of weights that a user brings.

    Attributes:
        file: path of the file.
        sha256: hash that it must have; empty for any.
        licence: licence of the weights, as SPDX id or in words.
        source: place where the file is published.
    """

    file: Path
    sha256: str = ""
    licence: str = ""
    source: str = ""

    def on_card(self, role: str) -> Weights:
        """Describe the file for a card. Raises: ProblemError E11 there is no such file, E04 its hash is another."""
        return weights_of(role, self.file, sha256=self.sha256, licence=self.licence, source=self.source)


@dataclass(frozen=True, slots=True)
class BackboneSettings(Overrides):
    """Settings of a backbone: its kind, its file, and the values that replace those of its preset or file.

    Attributes:
        kind: kind of backbone, as `iresnet50`; where it is given, a file of weights must be of this kind.
        weights: checkpoint of any kind that `load_checkpoint` reads; without one the weights are random.
        branch: part of the checkpoint that is meant, as `model_ema`, where it holds several networks.
    """

    kind: str = ""
    weights: WeightsFile | None = None
    branch: str = ""


def make_backbone(
    settings: BackboneSettings, role: str, seed: int | None
) -> tuple[Backbone, Weights | None, dict[str, Any]]:
    """Make a backbone, the description of its file, and the facts about it for a card.

    Args:
        settings: settings of the backbone.
        role: purpose of the backbone in the entry, as `trunk`.
        seed: seed of random weights; None where weights must come from a file.

    Raises:
        ProblemError: E11 there is neither a file nor a seed; E04 E08 E09 E10 the file cannot be read, or holds another
            network; E01 E17 the settings are wrong.
    """
    overrides = settings.over(Overrides())
    if settings.weights is not None:
        from abawbench.models.checkpoints import load_checkpoint

        file = settings.weights.on_card(role)
        loaded = load_checkpoint(settings.weights.file, overrides=overrides, branch=settings.branch)
        if settings.kind and loaded.kind != settings.kind:
            fix = "bring the weights of that kind, or correct the kind"
            place = str(settings.weights.file)
            raise ProblemError(Problem("E08", f"weights of {loaded.kind}", settings.kind, fix, place))
        return loaded.backbone, file, {"role": role, **loaded.facts(), **loaded.backbone.card.to_json()}
    if settings.branch:
        found, expected = f"branch = {settings.branch} for {role}, without weights", "a branch of a file of weights"
        raise ProblemError(Problem("E17", found, expected, "add weights, or leave the branch out"))
    if seed is None:
        found = f"no weights for {role} ({settings.kind})"
        raise ProblemError(Problem("E11", found, "a file of weights", BRING))
    backbone = backbones.build(settings.kind, seed=seed, overrides=overrides)
    return backbone, None, {"role": role, **backbone.card.to_json()}


@dataclass(frozen=True, eq=False)
class FrameEncoder:
    """Modules that each make a vector of a picture; the features of a frame are their vectors end to end.

    Attributes:
        modules: modules that map normalised pictures, (pictures, *shape of a picture), to (pictures, width).
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

    @property
    def size(self) -> Size:
        """Parameters of the modules, and their multiply-adds for one crop."""
        pictures = [
            torch.zeros((1, *_picture_shape(image_input)), dtype=_precision(module))
            for module, image_input in zip(self.modules, self.image_inputs, strict=True)
        ]
        sizes = [size_of(module, picture) for module, picture in zip(self.modules, pictures, strict=True)]
        return Size(sum(size.parameters for size in sizes), sum(size.multiply_adds for size in sizes))

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

    @property
    def width(self) -> int:
        """Number of features of a frame."""
        raise NotImplementedError

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


@dataclass(frozen=True, eq=False)
class EncoderAlone(EncoderEntry):
    """An entry of features alone, as a backbone or a layer makes them of each crop; it answers nothing.

    Attributes:
        features: number of features of a frame.
    """

    features: int

    @property
    def width(self) -> int:
        """Number of features of a frame."""
        return self.features


def freeze(modules: Sequence[nn.Module]) -> tuple[nn.Module, ...]:
    """Prepare modules for inference: evaluation mode, no gradients, convolutions in the channels-last layout."""
    for module in modules:
        module.eval().requires_grad_(False)
        torch.nn.utils.convert_conv2d_weight_memory_format(module, torch.channels_last)
    return tuple(modules)


def normalise(crops: Tensor, image_input: ImageInput) -> Tensor:
    """Turn bytes, (crops, size, size, 3), into float32, (crops, *shape of a picture), channels last in memory."""
    values = crops.permute(0, 3, 1, 2).float()
    if image_input.colour == "grey":
        shares = torch.from_numpy(image_input.grey_shares).to(values)
        values = torch.einsum("nchw,c->nhw", values, shares)[:, None]
    elif image_input.colour == "BGR":
        values = values.flip(1)
    mean, std = (
        torch.tensor(part, device=values.device)[:, None, None] for part in (image_input.mean, image_input.std)
    )
    values = values.mul_(1 / (255 * std)).sub_(mean / std)
    return values if image_input.layout == "NCHW" else values.permute(0, 2, 3, 1).contiguous()


def fill_heads(module: nn.Module, weights: WeightsFile | None, seed: int | None) -> tuple[Weights, ...]:
    """Put the weights of a file into the heads of an entry, and describe the file for a card.

    Raises:
        ProblemError: E11 there is neither a file nor a seed, E04 or E08 the file holds other tensors.
    """
    problems = missing_heads(weights, seed)
    if problems:
        raise ProblemError(*problems)
    if weights is None:
        return ()
    file = weights.on_card("heads")
    load_state(module, weights.file)
    return (file,)


def missing_heads(weights: WeightsFile | None, seed: int | None) -> tuple[Problem, ...]:
    """E11 for heads that have neither a file that is there nor a seed."""
    if weights is None:
        return () if seed is not None else (Problem("E11", "no weights for the heads", "a file of weights", BRING),)
    return () if weights.file.is_file() else (no_file(weights.file, weights.source),)


def load_state(module: nn.Module, path: Path) -> None:
    """Put the tensors of a file into a module that has the same tensors.

    Raises:
        ProblemError: E04 the file is no safetensors file, E08 every tensor that is missing, surplus or misshapen,
            E22 numbers that are not finite.
    """
    from abawbench.models.checkpoints.tensors import check_tensors, read_state

    found = read_state(path)
    wanted = module.state_dict()
    problems = Problems()
    for name in sorted(wanted.keys() | found.keys()):
        shape, other = (tuple(part[name].shape) if name in part else None for part in (wanted, found))
        if shape != other:
            had, expected = (f"{name} {'missing' if size is None else size}" for size in (other, shape))
            wish = f"no {name}" if shape is None else expected
            problems.add(Problem("E08", had, wish, "bring the weights of this very network", str(path)))
    problems.raise_if_any()
    check_tensors(found, path.stat().st_size, str(path))
    module.load_state_dict(found)


def _moved(module: nn.Module, device: str, precision: Precision) -> nn.Module:
    moved = copy.deepcopy(module)
    if (device, precision) == ("cpu", "bfloat16") and is_transformer(moved):
        mix(moved)
        return moved
    return moved.to(device, DTYPES[precision])


def _picture_shape(image_input: ImageInput) -> tuple[int, int, int]:
    channels, size = image_input.channels, image_input.size
    return (channels, size, size) if image_input.layout == "NCHW" else (size, size, channels)


def _precision(module: nn.Module) -> torch.dtype:
    """The precision of the pictures that a module takes: that of its first weights; float32 where it has none."""
    return next((parameter.dtype for parameter in module.parameters()), torch.float32)
