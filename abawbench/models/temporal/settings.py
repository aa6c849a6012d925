"""Settings of temporal encoders. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from re import findall
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from abawbench.base.problems import Problem, did_you_mean

Mode = Literal["fixed", "compat"]
Kind = Literal["none", "lstm", "bilstm", "gru", "transformer", "windowed_transformer", "tcn"]
Normalise = Literal["none", "training", "batch"]
Positive = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
# chance that a value is dropped
Dropout = Annotated[float, Field(ge=0, lt=1)]

RECURRENT = ("lstm", "bilstm", "gru")
ATTENTIVE = ("transformer", "windowed_transformer")
CONVOLVING = ("windowed_transformer", "tcn")
# rows of the position table of the release (source: aim3_mtl section 4)
COMPAT_POSITIONS = 512


@dataclass(frozen=True, slots=True)
class TemporalSettings:
    """Settings of a sequence encoder, and of the segments that a video is cut into for it.

    Attributes:
        encoder: kind of encoder; `none` treats each frame alone.
        width: width of a hidden vector; a bidirectional encoder gives twice as much.
        layers: number of layers, shared and private together.
        attention_heads: number of heads of the shared attentive layers; private layers keep the width of a head, and
            in `compat` have heads 64 wide.
        feed_forward: hidden width between two attentions of the `transformer`.
        dropout: chance that a value is dropped, for every kind of encoder.
        kernel: number of frames under a convolution, odd (`tcn`, `windowed_transformer`).
        window: distance up to which relative positions are distinguished (`windowed_transformer`).
        segment: number of frames that are encoded together; 0 for the whole video.
        stride: number of frames from the start of a segment to the next; None for `segment`, without overlap.
        carry_state: whether a recurrent encoder starts a segment in the state at the end of the one before.
        mode: `compat` repeats the faults of the release, `fixed` mends them (source: aim3_mtl section 8).
        normalise: z-scores by stored `training` statistics, or over the time of each sequence (`batch`).
    """

    encoder: Kind = "none"
    width: Positive = 256
    layers: Positive = 4
    attention_heads: Positive = 4
    feed_forward: Positive = 1024
    dropout: Dropout = 0.1
    kernel: Positive = 5
    window: Natural = 4
    segment: Natural = 64
    stride: int | None = None
    carry_state: bool = True
    mode: Mode = "fixed"
    normalise: Normalise = "none"


def temporal_problems(settings: TemporalSettings) -> list[Problem]:
    """Every E17 of the settings alone."""
    return field_problems(settings) + _joint_problems(settings)


def field_problems(settings: Any, prefix: str = "") -> list[Problem]:
    """An E17 for each field of a settings dataclass whose value its annotation does not allow.

    Args:
        settings: the settings.
        prefix: text before the name of a field, as `heads.`.
    """
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    try:
        _adapter(type(settings)).validate_python(values)
    except ValidationError as error:
        return [
            network_problem(
                f"{prefix}{'.'.join(str(part) for part in fault['loc'])} = {fault['input']!r}",
                fault["msg"][0].lower() + fault["msg"][1:],
                _correction(str(fault["input"]), fault.get("ctx", {})),
            )
            for fault in error.errors()
        ]
    return []


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _joint_problems(settings: TemporalSettings) -> list[Problem]:
    found: list[Problem] = []
    heads, stride, segment = settings.attention_heads, settings.stride, settings.segment
    if settings.encoder in ATTENTIVE and heads >= 1 and settings.width % heads:
        found.append(
            network_problem(f"width = {settings.width} with attention_heads = {heads}", "heads that divide the width")
        )
    if settings.encoder in CONVOLVING and settings.kernel % 2 == 0:
        found.append(network_problem(f"kernel = {settings.kernel}", "an odd number, so that a frame is its centre"))
    if stride is not None and segment == 0:
        found.append(network_problem(f"stride = {stride} with segment = 0", "no stride for a whole video"))
    elif stride is not None and not 1 <= stride <= max(segment, 1):
        found.append(network_problem(f"stride = {stride} with segment = {segment}", "a stride from 1 to the segment"))
    if settings.mode == "compat" and settings.encoder == "transformer" and segment > COMPAT_POSITIONS:
        found.append(
            network_problem(f"mode = 'compat' with segment = {segment}", f"at most {COMPAT_POSITIONS} positions")
        )
    return found


def _correction(value: str, context: Mapping[str, Any]) -> str:
    return did_you_mean(value, findall(r"'([^']*)'", str(context.get("expected", ""))), "correct the setting")


def network_problem(found: str, expected: str, fix: str = "correct the setting") -> Problem:
    """E17, settings from which no network can be built."""
    return Problem("E17", found, expected, fix)
