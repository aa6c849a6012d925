"""What a temporal encoder is told. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from abawbench.base.problems import Problem

Mode = Literal["fixed", "compat"]
Kind = Literal["none", "lstm", "bilstm", "gru", "transformer", "windowed_transformer", "tcn"]
Normalise = Literal["none", "training", "batch"]

RECURRENT = ("lstm", "bilstm", "gru")
ATTENTIVE = ("transformer", "windowed_transformer")
CONVOLVING = ("windowed_transformer", "tcn")
# rows of the position table of the release (source: aim3_mtl section 4)
COMPAT_POSITIONS = 512


@dataclass(frozen=True, slots=True)
class TemporalSettings:
    """A sequence encoder, and how a video is cut for it.

    Attributes:
        encoder: `none` looks at each frame alone.
        width: of a hidden vector; a bidirectional encoder gives twice as much.
        layers: shared and private layers together.
        attention_heads: of the shared attentive layers; private ones keep the width of a head.
        feed_forward: hidden width between two attentions of the `transformer`.
        dropout: chance that a value is dropped, of every kind of encoder.
        kernel: frames a convolution sees, odd (`tcn`, `windowed_transformer`).
        window: distance up to which relative positions are told apart (`windowed_transformer`).
        segment: frames that are seen together; 0 is the whole video.
        stride: frames from the start of a segment to the next; None is `segment`, so that none overlap.
        carry_state: whether a recurrent encoder goes on where the segment before ended.
        mode: `compat` repeats the faults of the release, `fixed` mends them (source: aim3_mtl section 8).
        normalise: z-scores from stored `training` statistics, or over the time of each sequence (`batch`).
    """

    encoder: Kind = "none"
    width: int = 256
    layers: int = 4
    attention_heads: int = 4
    feed_forward: int = 1024
    dropout: float = 0.1
    kernel: int = 5
    window: int = 4
    segment: int = 64
    stride: int | None = None
    carry_state: bool = True
    mode: Mode = "fixed"
    normalise: Normalise = "none"


def temporal_problems(settings: TemporalSettings) -> list[Problem]:
    """Every E17 of the settings alone; empty where they hold together."""
    choices = [
        network_problem(f"{name} = {value!r}", f"one of {', '.join(known)}")
        for name, value, known in (
            ("encoder", settings.encoder, get_args(Kind)),
            ("mode", settings.mode, get_args(Mode)),
            ("normalise", settings.normalise, get_args(Normalise)),
        )
        if value not in known
    ]
    ranges = [
        network_problem(f"{name} = {value}", f"{least} or more")
        for name, value, least in (
            ("width", settings.width, 1),
            ("layers", settings.layers, 1),
            ("attention_heads", settings.attention_heads, 1),
            ("feed_forward", settings.feed_forward, 1),
            ("kernel", settings.kernel, 1),
            ("window", settings.window, 0),
            ("segment", settings.segment, 0),
        )
        if value < least
    ]
    return choices + ranges + dropout_problems("dropout", settings.dropout) + _joint_problems(settings)


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


def dropout_problems(name: str, value: float) -> list[Problem]:
    """E17 of a chance that is none, or certain."""
    return [] if 0 <= value < 1 else [network_problem(f"{name} = {value}", "from 0 to below 1")]


def network_problem(found: str, expected: str, fix: str = "correct the setting") -> Problem:
    """E17, a network that does not hold together."""
    return Problem("E17", found, expected, fix)
