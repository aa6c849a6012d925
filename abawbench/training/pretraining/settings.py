"""Settings of masked-autoencoder pre-training. Needs no torch."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.backbones.presets import PRESETS, Preset
from abawbench.training.settings import unknown_name

Precision = Literal["float32", "bfloat16"]

BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.05
# batch of a base rate; the rate is proportional to the batch
BASE_BATCH = 256
# 40 of 800 epochs. Source: facebookresearch/mae:PRETRAIN.md
WARM_UP = 0.05


@plain_dataclass(frozen=True, slots=True)
class Size:
    """An encoder with its decoder and its usual training.

    Attributes:
        kind: name of the encoder on its card.
        encoder: structure and image input of the encoder.
        decoder: width, layers and heads of the decoder.
        epochs: usual number of epochs.
        base_rate: learning rate for batches of 256.
    """

    kind: str
    encoder: Preset
    decoder: tuple[int, int, int]
    epochs: int
    base_rate: float


def _published(letter: str) -> Size:
    # decoder, epochs and rate. Source: facebookresearch/mae:models_mae.py, PRETRAIN.md
    kind = f"mae_vit_{letter}"
    return Size(kind, PRESETS[kind], (512, 8, 16), 800, 1.5e-4)


# sizes, epochs and rates of tiny and small are assumed: they fit two cores
SIZES: dict[str, Size] = {
    "tiny": Size("tiny_vit_mae", PRESETS["tiny_vit_mae"], (32, 1, 2), 20, 4e-3),
    "small": Size("small_vit_mae", PRESETS["small_vit_mae"], (96, 2, 3), 60, 3e-3),
    **{letter: _published(letter) for letter in ("b", "l", "h")},
}


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class PretrainSettings:
    """Settings of a pre-training: equal settings and crops give equal weights.

    Attributes:
        size: name of a size in `SIZES`.
        picture: height and width of the pictures in pixels, a multiple of the patches of the size.
        epochs: passes over the crops that are learned from.
        batch: number of pictures in a step; a rest smaller than that is left out of the epoch.
        base_rate: learning rate for batches of 256; it is scaled with the batch.
        warm_up: epochs in which the rate rises from 0; after that it falls to 0 along a cosine.
        mask: share of the patches that is hidden.
        held_out: share of the units that are held out.
        seed: seed of weights, order, views and masks.
        precision: precision of the products; weights and moments are float32.
    """

    size: str
    picture: int
    epochs: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1)]
    base_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    warm_up: Annotated[float, Field(ge=0)]
    mask: Annotated[float, Field(gt=0, lt=1)]
    held_out: Annotated[float, Field(ge=0, lt=1)]
    seed: Annotated[int, Field(ge=0)]
    precision: Precision

    @property
    def patch(self) -> int:
        """Side of a patch in pixels."""
        return patch_of(self.size)

    @property
    def patches(self) -> int:
        """Number of patches of a picture."""
        return (self.picture // self.patch) ** 2

    @property
    def rate(self) -> float:
        """The highest learning rate."""
        return self.base_rate * self.batch / BASE_BATCH

    def to_json(self) -> dict[str, Any]:
        """Every field."""
        return asdict(self)

    @field_validator("picture")
    @classmethod
    def _has_whole_patches(cls, picture: int, info: ValidationInfo) -> int:
        patch = patch_of(info.data["size"])
        if picture < patch or picture % patch:
            raise ValueError(f"a multiple of the patches of {patch} pixels of size {info.data['size']}")
        return picture

    @field_validator("warm_up")
    @classmethod
    def _ends_in_time(cls, warm_up: float, info: ValidationInfo) -> float:
        epochs = info.data.get("epochs", 1)
        if warm_up >= epochs:
            raise ValueError(f"from 0 to below {epochs} epochs")
        return warm_up

    @field_validator("mask")
    @classmethod
    def _hides_some(cls, mask: float, info: ValidationInfo) -> float:
        if "picture" in info.data:
            patches = (info.data["picture"] // patch_of(info.data["size"])) ** 2
            if not 0 < int(patches * (1 - mask)) < patches:
                raise ValueError(f"a share that hides some of {patches} patches, and leaves one at least")
        return mask


def patch_of(size: str) -> int:
    """Side of a patch of a size, in pixels."""
    return int(SIZES[size].encoder.structure["patch_size"])


def settings_for(size: str, **options: Any) -> PretrainSettings:
    """Make the settings of a size.

    Args:
        size: name of a size in `SIZES`.
        options: further settings by name; None for the usual value.

    Raises:
        ProblemError: E19, an unknown size, or every setting that does not fit the size or the other settings.

    Source: facebookresearch/mae:main_pretrain.py (batch, mask).
    """
    if size not in SIZES:
        raise ProblemError(unknown_name(f"size '{size}'", size, SIZES))
    own, chosen = SIZES[size], {name: value for name, value in options.items() if value is not None}
    epochs = chosen.get("epochs", own.epochs)
    usual: dict[str, Any] = {
        "picture": own.encoder.image_input.size,
        "epochs": epochs,
        "batch": 64,
        "base_rate": own.base_rate,
        "warm_up": max(epochs, 0) * WARM_UP,
        "mask": 0.75,
        "held_out": 0.1,
        "seed": 0,
        "precision": "float32",
    }
    try:
        return PretrainSettings(size=size, **{**usual, **chosen})
    except ValidationError as error:
        raise ProblemError(*(_problem(dict(fault)) for fault in error.errors())) from error


def _problem(fault: dict[str, Any]) -> Problem:
    expected = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return Problem("E19", f"{fault['loc'][0]} = {fault['input']}", expected, "correct the setting")
