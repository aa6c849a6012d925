"""FERSNet: an encoder of two branches that exchange features, a classifier, and a decoder that synthesises faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.fersnet.layers import LabelMap, LabelTransform, Norm, ResidualBlock, UpStep, two_convolutions
from abawbench.models.fersnet.settings import RECOGNITION, SYNTHESIS, FersNetSettings
from abawbench.models.sharing.build import make_unit
from abawbench.models.sharing.settings import ConvFlu, Sluice, Unit
from abawbench.models.sharing.unit import SharingUnit

CHANNELS = 3
DECODER = "decoder"


@dataclass(frozen=True, eq=False)
class Encoded:
    """What the encoder makes of pictures.

    Attributes:
        recognition: deepest map of recognition, shape (pictures, channels, height, width).
        synthesis: deepest map of synthesis, of the same shape.
        skips: maps of synthesis for the decoder, the smallest first; none where the decoder has no skips.
    """

    recognition: Tensor
    synthesis: Tensor
    skips: tuple[Tensor, ...]


class FersNet(nn.Module):
    """Recognition of expressions, and synthesis of a face with a target expression.

    The target expression enters behind the last exchange, so recognition does not depend on it.

    Attributes:
        settings: settings of the network.
        classes: number of expressions.
        size: height and width of a picture in pixels.
        unit: settings of the units.
        stem: first layers of both branches in the released topology; passes pictures on in that of the paper.
        recognition: stages of the branch that recognises.
        synthesis: stages of the branch that synthesises; empty where a unit gives both streams one trunk.
        units: unit of sharing after each stage with an exchange.
        head: layers between the deepest map of recognition and the features of a picture.
        classifier: linear layer from features to the logits of the expressions.
        decoder: layers that synthesise a face.

    Source: arXiv:2007.04514; cikrhazo/FERSNet.
    """

    def __init__(self, settings: FersNetSettings, classes: int, size: int, unit: Unit) -> None:
        super().__init__()
        _refuse(settings, classes, size, unit)
        self.settings, self.classes, self.size = settings, classes, size
        self.unit, self.has_one_trunk = unit, unit.ONE_TRUNK
        first, widths = settings.widths[0], settings.stage_widths
        self.stem: nn.Module = nn.Identity()
        if settings.is_released:
            self.stem = nn.Sequential(
                nn.Conv2d(CHANNELS, first, 3, padding=1, bias=False), nn.BatchNorm2d(first), nn.ReLU()
            )
        norms: tuple[Norm, Norm] = ("batch", "instance")
        recognising, synthesising = norms if settings.recognises == "batch_norm" else norms[::-1]
        self.recognition = _stages(settings, recognising)
        self.synthesis = nn.ModuleList() if self.has_one_trunk else _stages(settings, synthesising)
        self.units = _units(unit, settings)
        deepest = widths[-1]
        self.joint = ResidualBlock(2 * deepest, 2 * deepest, "batch") if settings.has_joint else None
        self.head = nn.Sequential(
            nn.Conv2d(deepest, deepest, 3, padding=1, bias=False), nn.BatchNorm2d(deepest), nn.ReLU()
        )
        self.classifier = nn.Linear(deepest, classes)
        self.decoder = Decoder(settings, classes)

    @property
    def width(self) -> int:
        """Number of features of a picture."""
        return self.classifier.in_features

    def encode(self, pictures: Tensor) -> Encoded:
        """Run both branches with their exchanges.

        Args:
            pictures: pictures from 0 to 1, shape (pictures, 3, size, size).

        Raises:
            ProblemError: E06, pictures of another shape.
        """
        if pictures.ndim != 4 or tuple(pictures.shape[1:]) != (CHANNELS, self.size, self.size):
            expected = f"(pictures, {CHANNELS}, {self.size}, {self.size})"
            fix = "make pictures with the image input of its card"
            raise ProblemError(Problem("E06", f"pictures of shape {tuple(pictures.shape)} for FERSNet", expected, fix))
        is_released, goes_on = self.settings.is_released, self.settings.fused_to != "skip"
        maps = self.stem(pictures)
        if is_released:
            maps = functional.max_pool2d(maps, 2)
        skips = [maps] if is_released else []
        own, other, fused = maps, maps, None
        for place, stage in enumerate(self.recognition):
            if place and not is_released:
                own, other = functional.max_pool2d(own, 2), functional.max_pool2d(other, 2)
            own = stage(own)
            other = own if self.has_one_trunk else self.synthesis[place](other)
            if is_released:
                own, other = functional.max_pool2d(own, 2), functional.max_pool2d(other, 2)
            skip = other
            if place < len(self.units):
                fused = cast(SharingUnit, self.units[place])({RECOGNITION: own, SYNTHESIS: other}, fused)
                skip = fused[SYNTHESIS]
                # the one trunk of all tasks does not see what each of them attends to
                if not self.has_one_trunk:
                    own, other = fused[RECOGNITION], skip if goes_on else other
            skips.append(skip)
        if self.has_one_trunk and fused is not None and len(self.units) == len(self.recognition):
            own, other = fused[RECOGNITION], fused[SYNTHESIS]
        if self.joint is None:
            # the decoder starts from the last map, fused where there was an exchange
            other = skips.pop()
        else:
            maps = functional.max_pool2d(self.joint(torch.cat((own, other), 1)), 2)
            own, other = maps.chunk(2, 1)
        return Encoded(own, other, tuple(reversed(skips)) if self.settings.fused_to != "next" else ())

    def features(self, encoded: Encoded) -> Tensor:
        """Features of recognition, shape (pictures, width)."""
        return self.head(encoded.recognition).mean((2, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of recognition, shape (pictures, width), of pictures, shape (pictures, 3, size, size)."""
        return self.features(self.encode(pictures))

    def param_groups(self, base_lr: float) -> list[dict[str, Any]]:
        """Groups of the parameters of all units, as `SharingUnit.param_groups`."""
        return [group for unit in self._units() for group in unit.param_groups(base_lr)]

    def regulariser(self) -> Tensor | None:
        """The penalty of all units in the last forward pass; None for units without one."""
        if not isinstance(self.unit, Sluice) or not self.unit.penalty:
            return None
        return torch.stack([unit.regulariser() for unit in self._units()]).sum()

    def stats(self) -> dict[str, float]:
        """Mean gates or weights of each unit in the last forward pass, as `after 1 leak synthesis<-recognition`."""
        return {
            f"after {place} {name}": value
            for place, unit in enumerate(self._units(), start=1)
            for name, value in unit.stats().items()
        }

    def _units(self) -> list[SharingUnit]:
        """Each unit once."""
        return [cast(SharingUnit, unit) for unit in dict.fromkeys(self.units)]

    def decode(self, encoded: Encoded, pictures: Tensor, code: Tensor) -> Tensor:
        """Synthesise faces, shape (pictures, 3, size, size); values may lie a little outside of 0 to 1.

        Args:
            encoded: result of `encode` for the pictures.
            pictures: source pictures, to which a residual decoder adds.
            code: probability of each target expression, shape (pictures, classes).
        """
        made = self.decoder(encoded, code)
        return pictures + made if self.settings.residual else made


class Decoder(nn.Module):
    """From the deepest map of synthesis and the target expression to a face."""

    def __init__(self, settings: FersNetSettings, classes: int) -> None:
        super().__init__()
        *lower, deepest = settings.stage_widths
        is_adain = settings.conditioned_by == "adain"
        self.transform = LabelTransform(deepest, classes, settings.transform) if is_adain else None
        self.label = None if is_adain else LabelMap(classes, deepest)
        # the skips from the smallest to the largest map; each step is as wide as its skip
        skips = [*reversed(lower)]
        if settings.has_joint:
            skips.insert(0, deepest)
        widths = [*skips]
        if settings.is_released:
            # the stem's map is a skip too, and one more step leads to the whole picture
            skips, widths = [*skips, settings.widths[0]], [*widths, settings.widths[0], settings.widths[0]]
            skips.append(0)
        if settings.fused_to == "next":
            skips = [0] * len(skips)
        before = deepest if is_adain else 2 * deepest
        steps: list[nn.Module] = []
        for width, skip in zip(widths, skips, strict=True):
            steps.append(UpStep(before, width, skip, classes if is_adain else 0, settings.transform))
            before = width
        self.steps = nn.ModuleList(steps)
        self.out = nn.Conv2d(before, CHANNELS, 3, padding=1)

    def forward(self, encoded: Encoded, code: Tensor) -> Tensor:
        """Faces without any bound, shape (pictures, 3, size, size).

        Args:
            encoded: result of `FersNet.encode`.
            code: probability of each target expression, shape (pictures, classes).
        """
        maps = encoded.synthesis
        if self.transform is not None:
            maps = self.transform(maps, code)
        if self.label is not None:
            maps = torch.cat((maps, self.label(code, maps.shape[2])), 1)
        for place, step in enumerate(self.steps):
            maps = step(maps, encoded.skips[place] if place < len(encoded.skips) else None, code)
        return self.out(maps)


def synthesise(network: FersNet, pictures: Tensor, target: int) -> Tensor:
    """Synthesise each face with a target expression, without gradients.

    Args:
        network: trained network in evaluation mode.
        pictures: faces from 0 to 1 in the colour order of the network, shape (pictures, 3, size, size).
        target: number of the target expression, from 0.

    Returns:
        Faces from 0 to 1 in the same colour order, of the same shape.

    Raises:
        ProblemError: E06, pictures of another shape, or no such expression.
    """
    if not 0 <= target < network.classes:
        found, expected = f"target expression {target}", f"a number from 0 to {network.classes - 1}"
        raise ProblemError(Problem("E06", found, expected, "name another expression"))
    with torch.inference_mode():
        code = codes(torch.full((len(pictures),), target, device=pictures.device), network.classes)
        return network.decode(network.encode(pictures), pictures, code.to(pictures)).clamp(0, 1)


def codes(target: Tensor, classes: int) -> Tensor:
    """Codes of target expressions, float32, shape (pictures, classes): 1 for the target, else 0.

    >>> codes(torch.tensor([1]), 3)
    tensor([[0., 1., 0.]])
    """
    return functional.one_hot(target, classes).float()


def build(settings: FersNetSettings, classes: int, size: int, unit: Unit | None = None, *, seed: int = 0) -> FersNet:
    """Build a network with random weights, in evaluation mode.

    Args:
        settings: settings of the network.
        classes: number of expressions.
        size: height and width of a picture in pixels.
        unit: unit of sharing between the branches; None for ConvFLU.
        seed: seed of the weights, which leaves torch's generator as it was.

    Raises:
        ProblemError: E17, sizes and settings that do not go together.
    """
    with torch.random.fork_rng(devices=[]):
        # not torch.manual_seed, which would seed accelerators too
        torch.default_generator.manual_seed(seed)
        return FersNet(settings, classes, size, ConvFlu() if unit is None else unit).eval()


def _stages(settings: FersNetSettings, kind: Norm) -> nn.ModuleList:
    if settings.is_released:
        before, stages = settings.widths[0], list[nn.Module]()
        for width in settings.stage_widths:
            stages.append(ResidualBlock(before, width, kind))
            before = width
        return nn.ModuleList(stages)
    pairs = zip((CHANNELS, *settings.stage_widths), settings.stage_widths, strict=False)
    return nn.ModuleList(two_convolutions(before, width) for before, width in pairs)


def _units(unit: Unit, settings: FersNetSettings) -> nn.ModuleList:
    """A unit for each exchange; one and the same where the settings say so."""
    tasks, widths = (RECOGNITION, SYNTHESIS), settings.stage_widths[: settings.exchanges]
    if settings.one_unit:
        shared = make_unit(widths[0], tasks, unit, before=widths[0])
        return nn.ModuleList([shared] * len(widths))
    previous: Sequence[int | None] = (None, *widths)
    return nn.ModuleList(
        make_unit(width, tasks, unit, before=before) for before, width in zip(previous, widths, strict=False)
    )


def _refuse(settings: FersNetSettings, classes: int, size: int, unit: Unit) -> None:
    """Raises ProblemError E17 for sizes and settings that do not go together."""
    problems: list[Problem] = []
    if classes < 2:
        problems.append(Problem("E17", f"{classes} expressions", "two or more", "name the expressions"))
    pools = settings.divisor
    if size < 2 * pools or size % pools:
        # a norm over a map of one place would leave nothing
        found, expected = f"pictures of {size} pixels", f"a multiple of {pools}, {2 * pools} or more, for its pools"
        problems.append(Problem("E17", found, expected, "correct settings.size"))
    if unit.ONE_TRUNK and settings.recognises != "batch_norm":
        found = f"recognises = {settings.recognises} with the unit {unit.kind}, which has one trunk"
        problems.append(Problem("E17", found, "batch_norm", "leave recognises out"))
    if unit.kind == "mtan" and settings.one_unit:
        expected = "a unit whose first exchange is like the others"
        problems.append(Problem("E17", "one_unit with the unit mtan", expected, "leave one_unit out"))
    if unit.kind == "mtan" and settings.exchanges < settings.stages:
        found = f"the unit mtan after {settings.exchanges} of {settings.stages} stages"
        fix = f"set exchanges = {settings.stages}"
        problems.append(Problem("E17", found, "attention after the last stage too, which recognition reads", fix))
    if problems:
        raise ProblemError(*problems)
