"""Settings of sharing units: what the streams of several tasks exchange, and where. Needs no torch."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")
# weight of a stream's own maps at the start; that of the others adds up to the rest
Own = Annotated[float, Field(gt=0, le=1)]
RateFactor = Annotated[float, Field(gt=0)]
Kernel = Literal[1, 3]


@dataclass(frozen=True, slots=True, config=_STRICT)
class Separate:
    """No unit: the streams know nothing of each other.

    Attributes:
        kind: `none`.
    """

    ONE_TRUNK: ClassVar[bool] = False
    kind: Literal["none"] = "none"


@dataclass(frozen=True, slots=True, config=_STRICT)
class Hard:
    """Hard sharing: all tasks have one trunk.

    Attributes:
        kind: `hard`.
    """

    ONE_TRUNK: ClassVar[bool] = True
    kind: Literal["hard"] = "hard"


@dataclass(frozen=True, slots=True, config=_STRICT)
class CrossStitch:
    """Cross-stitch: each stream becomes a weighted sum of all streams. Source: arXiv:1604.03539.

    Attributes:
        kind: `cross_stitch`.
        per_channel: True for weights of each channel, False for one weight of each pair of streams.
        own: weight of the own stream at the start; .9 for two tasks and .8 for five in the source.
        rate_factor: learning rate of the unit, in rates of the training; 100 to 1000 (assumed(paper)) is for plain
            gradient descent.
    """

    ONE_TRUNK: ClassVar[bool] = False
    kind: Literal["cross_stitch"] = "cross_stitch"
    per_channel: bool = True
    own: Own = 0.9
    rate_factor: RateFactor = 100.0


@dataclass(frozen=True, slots=True, config=_STRICT)
class Sluice:
    """Sluice: subspaces of all streams are mixed, then the stages of each stream. Source: arXiv:1705.08142.

    Attributes:
        kind: `sluice`.
        subspaces: number of subspaces of a stream, which divides its channels; the penalty keeps them orthogonal.
        own: mean weight of the own subspace at the start.
        spread: standard deviation of the weights at the start.
        penalty: weight of the penalty in the loss (assumed).
        rate_factor: learning rate of the weights, in rates of the training.
    """

    ONE_TRUNK: ClassVar[bool] = False
    kind: Literal["sluice"] = "sluice"
    subspaces: Annotated[int, Field(ge=1)] = 2
    own: Own = 0.9
    spread: Annotated[float, Field(ge=0)] = 0.1
    penalty: Annotated[float, Field(ge=0)] = 0.01
    rate_factor: RateFactor = 1.0


@dataclass(frozen=True, slots=True, config=_STRICT)
class Nddr:
    """NDDR: each stream becomes a 1x1 convolution of all streams, with norm and ReLU. Source: arXiv:1801.08297.

    Attributes:
        kind: `nddr`.
        own: weight of a channel of the own stream at the start.
        rate_factor: learning rate of the unit, in rates of the training; 100 is for plain gradient descent.
    """

    ONE_TRUNK: ClassVar[bool] = False
    kind: Literal["nddr"] = "nddr"
    own: Own = 0.9
    rate_factor: RateFactor = 100.0


@dataclass(frozen=True, slots=True, config=_STRICT)
class Mtan:
    """MTAN: all tasks have one trunk, and each attends to its maps. Source: arXiv:1803.10704.

    Attributes:
        kind: `mtan`.
        kernel: side of the convolution that refines the maps of the stage before; 3 in the source.
        rate_factor: learning rate of the attention, in rates of the training.
    """

    ONE_TRUNK: ClassVar[bool] = True
    kind: Literal["mtan"] = "mtan"
    kernel: Kernel = 3
    rate_factor: RateFactor = 1.0


@dataclass(frozen=True, slots=True, config=_STRICT)
class ConvFlu:
    """ConvFLU, the convolutional feature leaky unit: gates choose what a stream takes. Source: arXiv:2007.04514.

    Attributes:
        kind: `convflu`.
        kernel: side of its convolutions; the two releases differ.
        orientation: whether the leak is the share of the proposal (`paper`) or of what is kept (`code`).
        leak_bias: learned bias of the share of the proposal, as it starts; -2 lets a stream keep 88 % of itself. None
            for no bias, as in the source.
        post_norm: whether a batch norm follows (assumed), since a proposal lies between -1 and 1 and maps do not.
        rate_factor: learning rate of the unit, in rates of the training.
    """

    ONE_TRUNK: ClassVar[bool] = False
    kind: Literal["convflu"] = "convflu"
    kernel: Kernel = 1
    orientation: Literal["paper", "code"] = "paper"
    leak_bias: float | None = None
    post_norm: bool = False
    rate_factor: RateFactor = 1.0


Unit = Separate | Hard | CrossStitch | Sluice | Nddr | Mtan | ConvFlu


@dataclass(frozen=True, slots=True, config=_STRICT)
class SharingSettings:
    """Settings of a trunk with a stream for each task.

    Attributes:
        unit: kind of the units, with its options.
        streams: tasks of each stream; empty for a stream for each task.
        after: numbers of the stages that a unit stands behind, from 1; empty for all but the last, as in ConvFLU's
            source, and for `mtan` for all.
    """

    unit: Annotated[Unit, Field(discriminator="kind")]
    streams: tuple[tuple[str, ...], ...] = ()
    after: tuple[int, ...] = ()
