"""The shape of a backbone: a card, and one vector for each picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import Tensor, nn

from abawbench.models.image_input import ImageInput

Pooling = Literal["class", "mean", "average", "embedding"]


@dataclass(frozen=True, slots=True)
class BackboneCard:
    """What a backbone is, takes and gives.

    Attributes:
        kind: its name in the register, as `iresnet50`.
        image_input: pictures it takes.
        layer: which hidden layer is read, counted from the first (0: what enters it) or from the last (-1: what leaves
            it).
        pooling: `class` token, `mean` of the patch tokens, `average` over the map, or the network's own `embedding`.
        width: numbers it gives for each picture.
    """

    kind: str
    image_input: ImageInput
    layer: int
    pooling: Pooling
    width: int

    def to_json(self) -> dict[str, Any]:
        """Every field, as entry cards and run folders keep them."""
        return {
            "kind": self.kind,
            "intake": asdict(self.image_input),
            "layer": self.layer,
            "pooling": self.pooling,
            "width": self.width,
        }


class Backbone(nn.Module):
    """A network that makes one vector of a picture.

    Attributes:
        card: what it is.
    """

    def __init__(self, card: BackboneCard) -> None:
        super().__init__()
        self.card = card

    def forward(self, pictures: Tensor) -> Tensor:
        """Vectors, shape (pictures, width), of normalised pictures, shape (pictures, channels, size, size)."""
        raise NotImplementedError
