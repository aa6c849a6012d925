"""Which precision a run takes: bfloat16 where the machine computes in it and the answers stay what they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip, Frames, clip_in_memory
from abawbench.entries.contract import describe_failure
from abawbench.entries.model import DeviceEntry, Precision
from abawbench.inference.batches import planned

Asked = Literal["auto", "float32", "bfloat16"]
# of a probability, or of a value in its range: a tenth of what moves a score visibly
LIMIT = 0.02
# of a vector's length, assumed: vectors so close have a cosine above 0.998, and training sees the same rounding
FEATURES_LIMIT = 0.05


@dataclass(frozen=True, slots=True)
class Parity:
    """What was decided, and on what grounds.

    Attributes:
        asked: what the run was told.
        precision: what it takes.
        deviation: largest difference between bfloat16 and float32 on the first batch; None where it was
            not compared.
    """

    asked: Asked
    precision: Precision
    deviation: float | None


@dataclass(frozen=True, slots=True)
class Measure:
    """How far an entry in bfloat16 may be from itself in float32.

    Attributes:
        of: what is compared, in a word.
        apart: from the entry in float32, the same in bfloat16, and crops, to how far they are apart.
        limit: that is still taken.
    """

    of: str
    apart: Callable[[DeviceEntry, DeviceEntry, Frames], float]
    limit: float


def _answers_apart(exact: DeviceEntry, rough: DeviceEntry, crops: Frames) -> float:
    clip = clip_in_memory("first batch", crops)
    one, other = (there.answer(there.encode(crops), clip) for there in (exact, rough))
    return max(float(np.abs(one[task] - other[task]).max(initial=0)) for task in one)


def _features_apart(exact: DeviceEntry, rough: DeviceEntry, crops: Frames) -> float:
    """The largest distance between two vectors of a crop, in proportion to their length."""
    one, other = (there.encode(crops).astype(np.float64) for there in (exact, rough))
    length = np.linalg.norm(one, axis=1)
    return float((np.linalg.norm(one - other, axis=1) / np.where(length > 0, length, 1.0)).max(initial=0))


ANSWERS = Measure("answers", _answers_apart, LIMIT)
FEATURES = Measure("features", _features_apart, FEATURES_LIMIT)


def chosen(entry: DeviceEntry, device: str, asked: Asked, crops: Frames, *, measure: Measure = ANSWERS) -> Parity:
    """The precision for a run that begins with these crops.

    Args:
        entry: whose answers count.
        device: where it runs.
        asked: `auto` falls back to float32, `bfloat16` does not.
        crops: shape (crops, side, side, 3).
        measure: how far bfloat16 may be off.

    Raises:
        ProblemError: P05, bfloat16 was asked for and changes more than the measure allows.
    """
    if asked == "float32" or (asked == "auto" and not has_bfloat16(device)):
        return Parity(asked, "float32", None)
    deviation = measure.apart(entry.at(device, "float32"), entry.at(device, "bfloat16"), crops)
    # a deviation that is no number is too large as well
    fits = deviation <= measure.limit
    if not fits and asked == "bfloat16":
        found = f"{entry.card.name}: {measure.of} that differ by {deviation:.3g} on the first batch"
        raise ProblemError(
            Problem("P05", found, f"at most {measure.limit}", "ask for float32, or leave the choice to auto")
        )
    return Parity(asked, "bfloat16" if fits else "float32", deviation)


def chosen_for(
    entry: DeviceEntry,
    clips: Sequence[Clip],
    device: str,
    asked: Asked,
    batch: int,
    *,
    measure: Measure = ANSWERS,
) -> Parity:
    """The precision for a run over these clips, from the first batch of their crops; float32 where there are none.

    Raises:
        ProblemError: P05 as `chosen`; E12, the entry fails; F01 or E06, the crops cannot be read.
    """
    pictures = [clip for clip in clips if clip.valid.any()]
    if not pictures:
        return Parity(asked, "float32", None)
    piece = next(planned(pictures, batch))[0]
    try:
        return chosen(entry, device, asked, piece.clip.read(piece.positions), measure=measure)
    except Exception as error:
        if isinstance(error, ProblemError):
            raise
        raise ProblemError(*describe_failure(entry.card, error, piece.clip.video, int(piece.clip.frame[0]))) from error


def has_bfloat16(device: str) -> bool:
    """True where a device multiplies matrices in bfloat16 faster than in float32."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported()
    if device != "cpu":
        return False
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("arm_bf16"))
