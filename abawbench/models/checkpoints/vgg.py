"""Files of VGG-FACE and VGG16, by the names of Caffe, of prlz77/vgg-face.pytorch, and of torchvision (ours too)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isqrt
from typing import Literal, cast

from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.backbones import Overrides
from abawbench.models.backbones.vgg import CONVOLUTIONS, POINTS, SHRINKING, STRUCTURES, Structure, Widths
from abawbench.models.checkpoints.fit import (
    Branch,
    Detected,
    Fitted,
    Layout,
    Preset,
    build_kind,
    first_and_last,
    fit_own,
    unknown_network,
    wrong_shape,
)
from abawbench.models.image_input import ImageInput, half, imagenet

# number of convolutions -> name in torchvision
_DEPTHS = {8: "vgg11", 10: "vgg13", 13: "vgg16", 16: "vgg19"}
# mean of VGG-FACE's pictures, red, green and blue. Source: VGG-FACE of Oxford, averageImage
_MEAN = (129.1863, 104.7624, 93.5940)
# numbers of the convolutions in torchvision's VGG16, one after the other
_PLACES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
# rows of the last layer in torchvision's files, and in those of VGG-FACE
_OBJECTS, _PEOPLE = 1000, 2622
_UNSAID = ("colour", "mean", "std")


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of one project.

    Attributes:
        described: projects that have these names, for a card.
        convolutions: names of the thirteen convolutions, in order.
        connected: names of the two fully connected layers.
        last: name of the last layer, a head, whose vectors are not read.
        any_convolution: pattern of the names of the weights of convolutions in deeper networks too.
        preset: function that gives the pictures, of a size and the rows of the last layer (0 without it).
    """

    described: str
    convolutions: tuple[str, ...]
    connected: tuple[str, str]
    last: str
    any_convolution: re.Pattern[str]
    preset: Callable[[int, int], Preset]

    def layout(self, title: str) -> Layout:
        """The layout of files with these names."""
        first, second = self.connected
        signature = (f"{self.convolutions[0]}.weight", f"{first}.weight", f"{second}.weight")
        further = tuple(f"{name}.weight" for name in self.convolutions[1:])
        return Layout(title, signature, further, self._detect, self._fit)

    def _detect(self, branch: Branch) -> Detected:
        names = [name for name in branch.tensors if self.any_convolution.fullmatch(name)]
        convolutions = [name for name in names if branch.tensors[name].ndim == 4]
        network = _DEPTHS.get(len(convolutions), f"a VGG with {len(convolutions)} convolutions")
        if any(name.endswith("running_mean") for name in branch.tensors):
            network = f"{network}_bn"
        if network != "vgg16":
            raise unknown_network(
                network, "VGG-FACE or vgg16, which has 13 convolutions and no norms", "name another file"
            )
        tensors = self._current(branch)
        hidden, columns = first_and_last(tensors["classifier.0.weight"])
        blocks = [sum(CONVOLUTIONS[:block]) for block in range(len(CONVOLUTIONS))]
        firsts = [tensors.get(f"features.{_PLACES[place]}.weight") for place in blocks]
        widths = cast(Widths, tuple(0 if tensor is None else first_and_last(tensor)[0] for tensor in firsts))
        has_landmarks = not _grid(columns, widths[-1]) and _grid(columns - POINTS, widths[-1]) > 0
        for kind, structure in STRUCTURES.items():
            if structure == Structure(widths, hidden, has_landmarks):
                return Detected(kind, self.described)
        found = f"a VGG of widths {', '.join(map(str, (*widths, hidden)))}"
        raise unknown_network(found, "the widths of VGG16: 64, 128, 256, 512, 512, 4096", "name another file")

    def _fit(self, branch: Branch, detected: Detected, preset: Preset | None, overrides: Overrides) -> Fitted:
        tensors, structure = self._current(branch), STRUCTURES[detected.kind]
        hidden, columns = first_and_last(tensors["classifier.0.weight"])
        grid = _grid(columns - POINTS * structure.has_landmarks, structure.widths[-1])
        if not grid:
            expected = (hidden, structure.widths[-1] * (224 // SHRINKING) ** 2)
            raise ProblemError(wrong_shape(f"{self.connected[0]}.weight", (hidden, columns), expected))
        size = grid * SHRINKING
        if overrides.size is not None and overrides.size // SHRINKING != grid:
            found = f"size {overrides.size} for a first fully connected layer of {columns:,} columns"
            expected = f"{size} to {size + SHRINKING - 1} pixels"
            raise ProblemError(Problem("E17", found, expected, "leave the size as it is"))
        last = branch.tensors.get(f"{self.last}.weight")
        own = preset or self.preset(size, 0 if last is None else first_and_last(last)[0])
        fitted = fit_own(build_kind(detected.kind), tensors, own, overrides)
        head = [name for name in branch.tensors if name.startswith(f"{self.last}.")]
        return replace(fitted, unexpected=(*fitted.unexpected, *head))

    def _current(self, branch: Branch) -> dict[str, Tensor]:
        """The tensors by the names of the backbone, without the last layer."""
        ours = [*(f"features.{place}" for place in _PLACES), "classifier.0", "classifier.3"]
        names = dict(zip((*self.convolutions, *self.connected), ours, strict=True))
        current: dict[str, Tensor] = {}
        for name, tensor in branch.tensors.items():
            module, _, part = name.rpartition(".")
            if module != self.last:
                current[f"{names.get(module, module)}.{part}".lstrip(".")] = _connected(
                    tensor, module in self.connected
                )
        return current


def _connected(tensor: Tensor, is_connected: bool) -> Tensor:
    """The weights of a fully connected layer as a matrix, where they are the kernel of a convolution over the map."""
    return tensor.flatten(1) if is_connected and tensor.ndim == 4 else tensor


def _grid(columns: int, width: int) -> int:
    """The side of the last map, of so many channels, that has so many numbers; 0 where no map has."""
    side = isqrt(max(columns, 0) // width) if width else 0
    return side if side * side * width == columns else 0


def _of_faces(colour: Literal["RGB", "BGR"], source: str) -> Callable[[int, int], Preset]:
    mean = _MEAN if colour == "RGB" else _MEAN[::-1]

    def preset(size: int, rows: int) -> Preset:
        del rows
        # bytes less the mean, as the network takes them
        scaled = tuple(value / 255 for value in mean)
        return Preset(ImageInput(size, colour, scaled, (1 / 255,) * 3), f"assumed: {source}", _UNSAID)

    return preset


def _of_torchvision(size: int, rows: int) -> Preset:
    if rows == _PEOPLE:
        return _of_faces("RGB", "RGB less the mean of VGG-FACE, as the 2,622 people of its last layer say")(size, rows)
    if rows:
        objects = " of ImageNet" if rows == _OBJECTS else ""
        return Preset(imagenet(size), f"assumed: torchvision's, by a last layer{objects}", ("mean", "std"))
    # torchvision's files have a last layer
    return Preset(half(size), "assumed: preset of vggface, from -1 to 1", _UNSAID)


def _by_blocks(form: str) -> tuple[str, ...]:
    return tuple(form.format(block, n) for block, count in enumerate(CONVOLUTIONS, 1) for n in range(1, count + 1))


_CAFFE = _Names(
    "VGG-FACE, names of Caffe and albanie/pytorch-mcn",
    _by_blocks("conv{}_{}"),
    ("fc6", "fc7"),
    "fc8",
    re.compile(r"conv\d_\d\.weight"),
    _of_faces("RGB", "RGB as vgg_face_dag of albanie/pytorch-mcn; direct conversions of Caffe's file take BGR"),
)
_LUA = _Names(
    "VGG-FACE, prlz77/vgg-face.pytorch",
    _by_blocks("conv_{}_{}"),
    ("fc6", "fc7"),
    "fc8",
    re.compile(r"conv_\d_\d\.weight"),
    _of_faces("BGR", "BGR as the Lua file that prlz77/vgg-face.pytorch converts, with Caffe's mean in that order"),
)
_TORCHVISION = _Names(
    "VGG16, names of torchvision and abawbench",
    tuple(f"features.{place}" for place in _PLACES),
    ("classifier.0", "classifier.3"),
    "classifier.6",
    re.compile(r"features\.\d+\.weight"),
    _of_torchvision,
)
VGG: tuple[Layout, ...] = (
    _CAFFE.layout("VGG-FACE (conv1_1)"),
    _LUA.layout("VGG-FACE (conv_1_1)"),
    _TORCHVISION.layout("VGG16 of torchvision"),
)
