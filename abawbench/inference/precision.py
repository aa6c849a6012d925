"""Decides the compute precision of a run: bfloat16 where the machine is fast in it and the results hardly change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip, Frames, clip_in_memory
from abawbench.entries.contract import place_in
from abawbench.entries.failures import reporting_failures
from abawbench.entries.model import DeviceEntry, Precision

PrecisionChoice = Literal["auto", "float32", "bfloat16"]
# largest difference of an answer: a tenth of a difference that moves a score visibly
LIMIT = 0.02
# largest difference as a share of a vector's length (assumed): the cosine of such vectors is above 0.998
FEATURES_LIMIT = 0.05


@dataclass(frozen=True, slots=True)
class Parity:
    """The compute precision of a run, and the comparison behind it.

    Attributes:
        asked: precision that the user asked for.
        precision: precision of the run.
        deviation: largest difference between bfloat16 and float32 on the first batch; None where they were not
            compared.
    """

    asked: PrecisionChoice
    precision: Precision
    deviation: float | None


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of the difference between an entry in bfloat16 and the same entry in float32.

    Attributes:
        of: name of the compared results, as `answers`.
        distance: function of the entry in float32, the entry in bfloat16, and crops that returns their distance.
        limit: largest distance at which bfloat16 is accepted.
    """

    of: str
    distance: Callable[[DeviceEntry, DeviceEntry, Frames], float]
    limit: float


def _answer_distance(exact: DeviceEntry, rounded: DeviceEntry, crops: Frames) -> float:
    clip = clip_in_memory("first batch", crops)
    one, other = (each.answer(each.encode(crops), clip) for each in (exact, rounded))
    return max(float(np.abs(one[task] - other[task]).max(initial=0)) for task in one)


def _feature_distance(exact: DeviceEntry, rounded: DeviceEntry, crops: Frames) -> float:
    """The largest distance between the two vectors of a crop, as a share of their length."""
    one, other = (each.encode(crops).astype(np.float64) for each in (exact, rounded))
    length = np.linalg.norm(one, axis=1)
    return float((np.linalg.norm(one - other, axis=1) / np.where(length > 0, length, 1.0)).max(initial=0))


ANSWERS = Measure("answers", _answer_distance, LIMIT)
FEATURES = Measure("features", _feature_distance, FEATURES_LIMIT)


def decide_precision(
    entry: DeviceEntry, device: str, choice: PrecisionChoice, crops: Frames, *, measure: Measure
) -> Parity:
    """Decide the precision of a run that begins with these crops.

    Args:
        entry: entry to run.
        device: device of the run.
        choice: precision that the user asked for; `auto` falls back to float32, `bfloat16` does not.
        crops: crops of the first batch, shape (crops, side, side, 3).
        measure: measure of the difference, and its limit.

    Raises:
        ProblemError: P05, bfloat16 was asked for and changes the results by more than the limit.
    """
    if choice == "float32" or (choice == "auto" and not has_bfloat16(device)):
        return Parity(choice, "float32", None)
    deviation = measure.distance(entry.at(device, "float32"), entry.at(device, "bfloat16"), crops)
    # a deviation that is no number is too large as well
    fits = deviation <= measure.limit
    if not fits and choice == "bfloat16":
        found = f"{entry.card.name}: {measure.of} that differ by {deviation:.3g} on the first batch"
        raise ProblemError(
            Problem("P05", found, f"at most {measure.limit}", "ask for float32, or leave the choice to auto")
        )
    return Parity(choice, "bfloat16" if fits else "float32", deviation)


def decide_on_first_batch(
    entry: DeviceEntry, device: str, choice: PrecisionChoice, clips: Sequence[Clip], batch: int, *, measure: Measure
) -> Parity:
    """Decide the precision of a run by the first batch of crops in these clips; float32 where they have none.

    Args:
        entry: entry to run.
        device: device of the run.
        choice: precision that the user asked for.
        clips: clips of the run.
        batch: number of crops in a batch.
        measure: measure of the difference, and its limit.

    Raises:
        ProblemError: P05 as `decide_precision`; E12, the entry fails; F01 or E06, the crops cannot be read.
    """
    first = next((clip for clip in clips if clip.valid.any()), None)
    if first is None:
        return Parity(choice, "float32", None)
    positions = np.flatnonzero(first.valid)[:batch]
    with reporting_failures(place_in(entry.card, first.video, int(first.frame[0]))):
        return decide_precision(entry, device, choice, first.read(positions), measure=measure)


def has_bfloat16(device: str) -> bool:
    """True for a device that multiplies matrices faster in bfloat16 than in float32."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported()
    if device != "cpu":
        return False
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("arm_bf16"))
