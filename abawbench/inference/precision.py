"""Decides the compute precision of a run and watches it: bfloat16 where it is fast and the results hardly change."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.base.typed import typed
from abawbench.clips.clip import Clip, Positions, part_of
from abawbench.entries.contract import encode_clip, place_in
from abawbench.entries.failures import reporting_failures
from abawbench.entries.model import Answers, DeviceEntry, FrameFeatures, Precision
from abawbench.table import Floats

PrecisionChoice = Literal["auto", "float32", "bfloat16"]
# largest difference of an answer: a tenth of a difference that moves a score visibly
LIMIT = 0.02
# largest difference as a share of a vector's length (assumed): the cosine of such vectors is above 0.998
FEATURES_LIMIT = 0.05
# number of frames by which a precision is decided, and one frame in so many that is watched afterwards
FRAMES = 64
PERIOD = 128


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of results in bfloat16 with those in float32.

    Attributes:
        deviation: largest difference; None where bfloat16 fails, or gives numbers that are not finite.
        frames: number of frames that were compared.
        units: number of units that they belong to.
    """

    deviation: float | None
    frames: int
    units: int

    def describe(self) -> str:
        """The comparison as text.

        >>> Comparison(0.00312, 64, 8).describe(), Comparison(None, 1, 1).describe()
        ('differs by 0.0031 on 64 frames of 8 units', 'fails on 1 frame of 1 unit')
        """
        differs = "fails" if self.deviation is None else f"differs by {self.deviation:.2g}"
        frames, units = f"{self.frames:,} frame{'s'[: self.frames > 1]}", f"{self.units:,} unit{'s'[: self.units > 1]}"
        return f"{differs} on {frames} of {units}"


@dataclass(frozen=True, slots=True)
class Parity:
    """The compute precision of a run, and the comparison behind it.

    Attributes:
        asked: precision that the user asked for.
        precision: precision of the run.
        compared: comparison by which it was decided; None where nothing was compared.
        exceeded: True where a run in bfloat16 passed the limit later, or failed, and began again in float32.
    """

    asked: PrecisionChoice
    precision: Precision
    compared: Comparison | None = None
    exceeded: bool = False

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> Parity | None:
        """The parity of which `asdict` made the record; None for a record of another form."""
        try:
            return typed(Parity)(record)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of the difference between an entry in bfloat16 and the same entry in float32.

    Attributes:
        of: name of the compared results, as `answers`.
        results: function that makes the results of an entry from the features of the valid frames of a clip.
        distance: function of two results that returns the largest difference of a frame.
        limit: largest difference at which bfloat16 is accepted.
    """

    of: str
    results: Callable[[DeviceEntry, FrameFeatures, Clip], Answers]
    distance: Callable[[Floats, Floats], float]
    limit: float


def _largest(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).max(initial=0))


def _relative(one: Floats, other: Floats) -> float:
    """The largest distance between the two vectors of a frame, as a share of their length."""
    length = np.linalg.norm(one, axis=1)
    return float((np.linalg.norm(one - other, axis=1) / np.where(length > 0, length, 1.0)).max(initial=0))


ANSWERS = Measure("answers", lambda entry, features, clip: entry.answer(features, clip), _largest, LIMIT)
FEATURES = Measure(
    "features", lambda _entry, features, _clip: {"features": features.astype(np.float64)}, _relative, FEATURES_LIMIT
)


class PrecisionError(Exception):
    """Raised where a run in bfloat16 passes the limit, or fails where float32 does not; its text is what was found."""


@dataclass(eq=False)
class Comparer:
    """An entry in float32 and in bfloat16, and the largest difference of their results so far.

    Attributes:
        exact: the entry in float32.
        rounded: the entry in bfloat16; None where it cannot be had.
        measure: measure of the difference, and its limit.
        batch: number of crops in a forward pass.
        largest: largest difference so far; not finite where bfloat16 failed.
        frames: number of frames compared so far.
        units: number of units that they belong to.
    """

    exact: DeviceEntry
    rounded: DeviceEntry | None
    measure: Measure
    batch: int
    largest: float = 0.0
    frames: int = 0
    units: int = 0

    @property
    def comparison(self) -> Comparison | None:
        """The comparison so far; None where nothing was compared."""
        deviation = self.largest if math.isfinite(self.largest) else None
        return Comparison(deviation, self.frames, self.units) if self.units else None

    @property
    def fits(self) -> bool:
        """True as long as no difference passed the limit; one that is no number has passed it."""
        return self.largest <= self.measure.limit

    def compare(self, clip: Clip, rows: Positions, features: FrameFeatures | None = None) -> None:
        """Compare the results for some frames of a clip of crops.

        Args:
            clip: the clip.
            rows: places of the frames among the valid frames of the clip, rising.
            features: features of all valid frames in bfloat16; where there are none, they are computed.

        Raises:
            ProblemError: E12 or another one, the entry fails in float32; F01 or E06, the crops cannot be read.
        """
        part = part_of(clip, np.flatnonzero(clip.valid)[rows])
        with reporting_failures(place_in(self.exact.card, clip.video)):
            exact = self.measure.results(self.exact, encode_clip(self.exact, part, self.batch), part)
        try:
            with reporting_failures(""):
                assert self.rounded is not None
                own = encode_clip(self.rounded, part, self.batch) if features is None else features[rows]
                other = self.measure.results(self.rounded, own, part)
                distances = [self.measure.distance(values, other[name]) for name, values in exact.items()]
        except ProblemError:
            distances = [math.nan]
        # a maximum of NumPy is NaN where one number is
        self.largest = float(np.max([self.largest, *distances]))
        self.frames, self.units = self.frames + len(rows), self.units + 1

    def watch(self, clip: Clip, features: FrameFeatures) -> None:
        """Compare a few frames of a clip that was encoded in bfloat16, see `watched_rows`.

        Raises:
            PrecisionError: a difference passes the limit.
            ProblemError: as `compare`.
        """
        rows = watched_rows(clip.video, len(features))
        if len(rows):
            self.compare(clip, rows, features)
        if not self.fits:
            raise PrecisionError(f"{self.describe()}, the last one {clip.video}")

    def retry(self, clip: Clip) -> None:
        """Encode a clip of crops in float32 that failed in bfloat16. Raises: PrecisionError, it does not fail so."""
        try:
            with reporting_failures(""):
                is_finite = bool(np.isfinite(encode_clip(self.exact, clip, self.batch)).all())
        except ProblemError:
            return
        if is_finite:
            raise PrecisionError(f"{place_in(self.exact.card, clip.video)}: bfloat16 fails where float32 does not")

    def describe(self) -> str:
        """The entry and the comparison so far, for messages."""
        assert self.comparison is not None
        return f"{self.exact.card.name}: bfloat16 {self.comparison.describe()} in its {self.measure.of}"


def move(entry: DeviceEntry, device: str, precision: Precision) -> DeviceEntry:
    """The entry on a device and in a precision. Raises: ProblemError E12, it cannot be moved there."""
    with reporting_failures(f"{entry.card.name} on {device} in {precision}", "an entry on that device"):
        return entry.at(device, precision)


def decide_precision(
    entry: DeviceEntry, device: str, choice: PrecisionChoice, clips: Sequence[Clip], batch: int, *, measure: Measure
) -> Parity:
    """Decide the precision of a run by frames that are spread over its units; float32 where there are none.

    Units that cannot be read, or on which the entry fails in float32, decide nothing: the run reports them.

    Args:
        entry: entry to run.
        device: device of the run.
        choice: precision that the user asked for; `auto` falls back to float32, `bfloat16` does not.
        clips: clips of crops of the run.
        batch: number of crops in a forward pass.
        measure: measure of the difference, and its limit.

    Raises:
        ProblemError: P05, bfloat16 was asked for and changes the results by more than the limit, or fails; with
            bfloat16 also the problems of the units, where none can be compared.
    """
    if choice == "float32" or (choice == "auto" and not has_bfloat16(device)):
        return Parity(choice, "float32")
    comparer = Comparer(move(entry, device, "float32"), _in_bfloat16(entry, device), measure, batch)
    problems: list[Problem] = []
    for clip, rows in spread_rows(clips):
        try:
            comparer.compare(clip, rows)
        except ProblemError as error:
            problems.extend(error.problems)
    if not comparer.units:
        if problems and choice == "bfloat16":
            raise ProblemError(*problems)
        return Parity(choice, "float32")
    if not comparer.fits and choice == "bfloat16":
        raise ProblemError(too_imprecise(comparer.describe(), measure))
    return Parity(choice, "bfloat16" if comparer.fits else "float32", comparer.comparison)


def too_imprecise(found: str, measure: Measure) -> Problem:
    """P05, bfloat16 was asked for and changes the results."""
    return Problem("P05", found, f"a difference of at most {measure.limit}", "ask for float32, or leave it to auto")


def note_exceeded(found: str, measure: Measure) -> Problem:
    """N51, a run in bfloat16 that passed the limit and began again."""
    fix = "nothing is to be done; --precision float32 begins in it at once"
    return Problem("N51", f"{found}; all units were computed again", f"at most {measure.limit}", fix)


def spread_rows(clips: Sequence[Clip], frames: int = FRAMES) -> Generator[tuple[Clip, Positions]]:
    """Select frames that are spread over the clips and, in each clip, over its length.

    Args:
        clips: clips of a run.
        frames: least number of frames, unless the clips have fewer; of at most so many clips.

    Yields:
        A clip, and places among its valid frames, rising. Each clip has as many as the others, or all.
    """
    filled = [clip for clip in clips if clip.valid.any()]
    chosen = [filled[place] for place in _spread(len(filled), frames)]
    counts = np.array([int(clip.valid.sum()) for clip in chosen], int)
    share = next((share for share in range(1, frames) if np.minimum(counts, share).sum() >= frames), frames)
    for clip, count in zip(chosen, counts.tolist(), strict=True):
        yield clip, _spread(count, share)


def watched_rows(unit: str, frames: int) -> Positions:
    """Places of the frames that are watched among the valid frames of a unit, one in PERIOD.

    They depend on the name and the length of the unit alone, so that a run that was stopped, or that is spread over
    machines, watches the same ones.
    """
    return np.arange(zlib.crc32(unit.encode("utf-8", "surrogateescape")) % PERIOD, frames, PERIOD)


def has_bfloat16(device: str) -> bool:
    """True for a device that multiplies matrices faster in bfloat16 than in float32."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported()
    if device != "cpu":
        return False
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("arm_bf16"))


def _in_bfloat16(entry: DeviceEntry, device: str) -> DeviceEntry | None:
    try:
        return move(entry, device, "bfloat16")
    except ProblemError:
        return None


def _spread(count: int, most: int) -> Positions:
    """At most so many of some places, evenly spread: the middle of each share of them."""
    taken = min(count, most)
    return ((np.arange(taken) + 0.5) * count / max(taken, 1)).astype(np.intp)
