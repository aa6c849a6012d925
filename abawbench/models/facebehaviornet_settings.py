"""What may be chosen of FaceBehaviorNet. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FaceBehaviorSettings:
    """How the heads stand on the trunk.

    Attributes:
        valence_arousal: `tanh` keeps valence and arousal between -1 and 1, where labels lie (assumed); `linear` is the
            original's (assumed(paper)).
        dropout: share of the features that training drops before the heads, from 0 to below 1. The papers drop half
            (assumed(paper)), which a VGG-FACE trunk does itself; give other trunks .5.

    Raises:
        ValueError: a dropout out of range.
    """

    valence_arousal: Literal["tanh", "linear"] = "tanh"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout:g} is not from 0 to below 1")
