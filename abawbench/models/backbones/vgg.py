"""VGG16 in the form of VGG-FACE, as FaceBehaviorNet and the models of Aff-Wild use it.

Source of the structure: dkollias/Aff-Wild-models:affwildnet/vggface_gru.py and vggface/readme. The group's files are
TensorFlow's; the names here are our choice, those of torchvision's VGG16 without its last layer: `features.{0..28}` for
the convolutions, `classifier.0` and `classifier.3` for the fully connected layers. The first of these is made for one
size of pictures: 96 pixels in the group's models, 224 in VGG-FACE itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.backbones.model import Backbone, BackboneCard, refuse_other_pictures, resolve_card
from abawbench.models.image_input import Overrides, half

SIZE = 96
CONVOLUTIONS = (2, 2, 3, 3, 3)
# pixels of a picture that are one place of the last map
SHRINKING = 32
LANDMARKS = 68
# numbers that landmarks add to the last pool
POINTS = 2 * LANDMARKS
Widths = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Structure:
    """The structure of a network.

    Attributes:
        widths: number of channels between two pools.
        hidden: width of each of the two fully connected layers.
        has_landmarks: True where 68 points enter the first fully connected layer beside the last pool.
    """

    widths: Widths = (64, 128, 256, 512, 512)
    hidden: int = 4096
    has_landmarks: bool = False


_TINY = Structure((4, 8, 8, 16, 16), 32)
STRUCTURES = {
    "vggface": Structure(),
    "vggface_landmarks": Structure(has_landmarks=True),
    "tiny_vggface": _TINY,
    "tiny_vggface_landmarks": replace(_TINY, has_landmarks=True),
}


class VggFace(Backbone):
    """Thirteen convolutions, five pools, two fully connected layers with dropout .5.

    Attributes:
        has_landmarks: True where the network takes landmarks too.
    """

    def __init__(self, card: BackboneCard, structure: Structure) -> None:
        super().__init__(card)
        self.has_landmarks = structure.has_landmarks
        self._widths = structure.widths
        parts: list[nn.Module] = []
        before = 3
        for width, convolutions in zip(structure.widths, CONVOLUTIONS, strict=True):
            for _ in range(convolutions):
                parts += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
                before = width
            parts.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*parts)
        grid = card.image_input.size // SHRINKING
        pooled = before * grid**2 + (POINTS if structure.has_landmarks else 0)
        hidden = structure.hidden
        self.classifier = nn.Sequential(
            nn.Linear(pooled, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout()
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(cast(Tensor, module.bias))

    def forward(self, pictures: Tensor, landmarks: Tensor | None = None) -> Tensor:
        """Vectors, shape (pictures, width).

        Args:
            pictures: normalised pictures, shape (pictures, 3, size, size) with the size of the card.
            landmarks: points of each face, shape (pictures, 68, 2), on a scale of the caller's choice.

        Raises:
            ProblemError: E06, pictures or landmarks of another shape, landmarks missing, or landmarks for a network
                that takes none.
        """
        refuse_other_pictures(self.card, pictures)
        self._refuse_other_landmarks(pictures, landmarks)
        return self.finish(self.features(pictures), landmarks)

    @property
    def stages(self) -> Sequence[nn.Module]:
        """The convolutions before each pool, with the pool."""
        ends = [place + 1 for place, part in enumerate(self.features) if isinstance(part, nn.MaxPool2d)]
        return [self.features[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]

    @property
    def channels(self) -> Sequence[int]:
        """The number of channels after each stage."""
        return self._widths

    def begin(self, pictures: Tensor) -> Tensor:
        """The pictures."""
        return pictures

    def finish(self, maps: Tensor, landmarks: Tensor | None = None) -> Tensor:
        """Vectors, shape (pictures, width), of the last pool and the landmarks."""
        pooled = torch.flatten(maps, 1)
        if landmarks is not None:
            pooled = torch.cat((pooled, torch.flatten(landmarks, 1)), 1)
        return cast(Tensor, self.classifier(pooled))

    def _refuse_other_landmarks(self, pictures: Tensor, landmarks: Tensor | None) -> None:
        expected = (len(pictures), LANDMARKS, 2) if self.has_landmarks else None
        shape = None if landmarks is None else tuple(landmarks.shape)
        if shape != expected:
            fix = "give landmarks to kinds that end in _landmarks, and to no others"
            found = f"landmarks of shape {shape} for {self.card.kind}"
            raise ProblemError(Problem("E06", found, f"shape {expected}", fix))


def create(kind: str, overrides: Overrides) -> VggFace:
    """Make the network of this name with random weights.

    Raises:
        ProblemError: E17, an override that it cannot follow.
    """
    structure = STRUCTURES[kind]
    card = resolve_card(kind, half(SIZE), overrides, pooling="embedding", width=structure.hidden, least=SHRINKING)
    return VggFace(card, structure).eval()
