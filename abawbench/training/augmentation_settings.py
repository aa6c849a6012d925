"""How crops may be changed while a network learns. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class AugmentationSettings:
    """Random changes of crops; those that are 0 are not made.

    Attributes:
        shared: whether a change is drawn for each `frame`, or for all frames of a `clip` alike.
        flip: how often left and right change places, from 0 to 1.
        rotation: at most, in degrees, to either side.
        translation: at most, as a share of the side, in every direction.
        scale: at most; .1 for sizes from .9 to 1.1.
        brightness: at most; .2 for factors from .8 to 1.2.
        contrast: as brightness, about the mean of the crop.
        saturation: as brightness; 0 would be grey.
        grey: how often colours are lost, from 0 to 1.
        blur: how often a crop is blurred, from 0 to 1, by a deviation of .1 to 2 pixels.
        erase: how often a rectangle of 2 to 20 % of the crop is blackened, from 0 to 1.

    Raises:
        ValueError: a number out of range.
    """

    shared: Literal["frame", "clip"] = "frame"
    flip: float = 0.5
    rotation: float = 0.0
    translation: float = 0.0
    scale: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "translation", "brightness", "contrast", "saturation", "grey", "blur", "erase"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name):g} is not from 0 to 1")
        if not 0 <= self.scale < 1:
            raise ValueError(f"scale = {self.scale:g} is not from 0 to below 1")
        if not 0 <= self.rotation <= 180:
            raise ValueError(f"rotation = {self.rotation:g} is not from 0 to 180")


@dataclass(frozen=True, slots=True)
class MixingSettings:
    """MixAugment: mixtures of two crops learn beside the crops themselves.

    Attributes:
        alpha: of the Beta distribution that the share of the first crop is drawn from (value assumed).
        virtual: weight of the loss of the mixtures.
        real: weight of the losses of the crops that were mixed.

    Raises:
        ValueError: a number out of range.

    Source: arXiv:2205.04442, form assumed(paper).
    """

    alpha: float = 0.2
    virtual: float = 1.0
    real: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise ValueError(f"alpha = {self.alpha:g} is not above 0")
        for name in ("virtual", "real"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} = {getattr(self, name):g} is not at least 0")
