"""What a masked autoencoder is and how it is trained. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.backbones.presets import PRESETS, Preset

Precision = Literal["float32", "bfloat16"]

BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.05
# of the rate that is given: batches of another size get one in proportion
BASE_BATCH = 256
# 40 of 800 epochs. Source: facebookresearch/mae:PRETRAIN.md
WARM_UP = 0.05


@dataclass(frozen=True, slots=True)
class Size:
    """An encoder, the decoder that goes with it, and how long it is usually trained.

    Attributes:
        kind: name of the encoder on its card.
        encoder: its structure and the pictures it takes.
        decoder: width, layers and heads of the decoder.
        epochs: over the crops.
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


# sizes, epochs and rates of tiny and small are assumed: they
# fit two cores
SIZES: dict[str, Size] = {
    "tiny": Size("tiny_vit_mae", PRESETS["tiny_vit_mae"], (32, 1, 2), 20, 4e-3),
    "small": Size("small_vit_mae", PRESETS["small_vit_mae"], (96, 2, 3), 60, 3e-3),
    **{letter: _published(letter) for letter in ("b", "l", "h")},
}


@dataclass(frozen=True, slots=True)
class MaskedSettings:
    """One pre-training, whole: equal settings and crops give equal weights.

    Attributes:
        size: a name in `SIZES`.
        picture: height and width of the pictures in pixels, a multiple of the patches of the size.
        epochs: over the crops that are learned from.
        batch: pictures in a step; a rest of the crops smaller than that waits for the next epoch.
        base_rate: learning rate for batches of 256; it is scaled with the batch.
        warm_up: epochs in which the rate rises from 0; it falls to 0 along a cosine after that.
        mask: share of the patches that is hidden, between 0 and 1.
        held_out: share of the units that nothing is learned from, from 0 to below 1.
        seed: of weights, order, views and masks.
        precision: of the products; weights and moments are float32.
    """

    size: str
    picture: int
    epochs: int
    batch: int
    base_rate: float
    warm_up: float
    mask: float
    held_out: float
    seed: int
    precision: Precision

    @property
    def patch(self) -> int:
        """Side of a patch in pixels."""
        return int(SIZES[self.size].encoder.structure["patch_size"])

    @property
    def patches(self) -> int:
        """Patches of a picture."""
        return (self.picture // self.patch) ** 2

    @property
    def visible(self) -> int:
        """Patches that the encoder sees."""
        return int(self.patches * (1 - self.mask))

    def to_json(self) -> dict[str, Any]:
        """Every field."""
        return asdict(self)


def settings_for(
    size: str,
    *,
    picture: int | None = None,
    epochs: int | None = None,
    batch: int = 64,
    base_rate: float | None = None,
    warm_up: float | None = None,
    mask: float = 0.75,
    held_out: float = 0.1,
    seed: int = 0,
    precision: Precision = "float32",
) -> MaskedSettings:
    """Settings of a size, with its own values where None is given.

    Raises:
        ProblemError: E19, values that fit neither each other nor the size.

    Source: facebookresearch/mae:main_pretrain.py (batch, mask).
    """
    if size not in SIZES:
        raise ProblemError(Problem("E19", f"size '{size}'", f"one of {', '.join(SIZES)}", "name one of them"))
    own = SIZES[size]
    epochs = own.epochs if epochs is None else epochs
    settings = MaskedSettings(
        size=size,
        picture=own.encoder.image_input.size if picture is None else picture,
        epochs=epochs,
        batch=batch,
        base_rate=own.base_rate if base_rate is None else base_rate,
        warm_up=epochs * WARM_UP if warm_up is None else warm_up,
        mask=mask,
        held_out=held_out,
        seed=seed,
        precision=precision,
    )
    problems = _problems(settings)
    if problems:
        raise ProblemError(*problems)
    return settings


def rate_at(settings: MaskedSettings, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 0, in epochs of so many steps.

    Source: facebookresearch/mae:util/lr_sched.py (warm-up, then half a cosine, moved on at every step).
    """
    highest = settings.base_rate * settings.batch / BASE_BATCH
    epoch = step / steps
    if epoch < settings.warm_up:
        return highest * epoch / settings.warm_up
    share = (epoch - settings.warm_up) / (settings.epochs - settings.warm_up)
    return highest * 0.5 * (1 + math.cos(math.pi * share))


def _problems(settings: MaskedSettings) -> list[Problem]:
    found: list[Problem] = []

    def demand(holds: bool, name: str, expected: str) -> None:
        if not holds:
            value = getattr(settings, name)
            found.append(Problem("E19", f"{name} = {value}", expected, "correct the setting"))

    demand(settings.epochs >= 1, "epochs", "1 or more")
    demand(settings.batch >= 1, "batch", "1 or more")
    demand(0 < settings.base_rate < math.inf, "base_rate", "a number above 0")
    demand(0 <= settings.warm_up < max(settings.epochs, 1), "warm_up", f"from 0 to below {settings.epochs} epochs")
    demand(0 <= settings.held_out < 1, "held_out", "from 0 to below 1")
    demand(settings.seed >= 0, "seed", "0 or more")
    fits = settings.picture >= settings.patch and settings.picture % settings.patch == 0
    demand(fits, "picture", f"a multiple of the patches of {settings.patch} pixels of size {settings.size}")
    if 0 < settings.mask < 1:
        some = not fits or 0 < settings.visible < settings.patches
        demand(some, "mask", f"a share that hides some of {settings.patches} patches, and leaves one at least")
    else:
        demand(False, "mask", "a share between 0 and 1")
    return found
