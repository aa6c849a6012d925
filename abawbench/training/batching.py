"""The steps of an epoch: which frames are learned together, and in what order. Functions of seed and epoch alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from abawbench.models.temporal.segments import windows
from abawbench.models.temporal.settings import TemporalSettings
from abawbench.table import Floats
from abawbench.training.data import Part, Places
from abawbench.training.sampling import epoch_batches, packs, video_order


@dataclass(frozen=True, eq=False)
class Step:
    """Frames that are learned together.

    Attributes:
        places: shape (frames,), in a part; one sequence behind the other.
        lengths: shape (sequences,), frames of each.
        goes_on: whether these are the next segments of the first sequences of the step before, whose state they take.
    """

    places: Places
    lengths: Places
    goes_on: bool = False


def frames_plan(
    databases: Mapping[str, Places], batch: int, seed: int, epoch: int, weights: Mapping[str, Floats] | None = None
) -> list[Step]:
    """Steps of single frames, in each of them some of every database.

    Args:
        databases: places by name.
        batch: frames of a step.
        seed: of the training.
        epoch: its number.
        weights: by database, how often each place is wanted; None to see each once.
    """
    sizes = {name: len(places) for name, places in databases.items()}
    steps: list[Step] = []
    for drawn in epoch_batches(sizes, batch, seed=seed, epoch=epoch, weights=weights):
        places = np.concatenate([databases[name][chosen] for name, chosen in drawn.items()])
        steps.append(Step(places, np.ones(len(places), np.int64)))
    return steps


def databases_of(part: Part, kind: Literal["one", "labels"]) -> dict[str, Places]:
    """The labelled places of a part: all together, or by the tasks that they have labels for, as `va+expression`."""
    places = np.flatnonzero(part.labelled)
    if kind == "one":
        return {"all": places}
    known = part.labelled_for[places]
    sets, member = np.unique(known, axis=0, return_inverse=True)
    tasks = list(part.targets)
    return {
        "+".join(task for task, has in zip(tasks, row, strict=True) if has): places[member.ravel() == number]
        for number, row in enumerate(sets.tolist())
    }


def segments_plan(
    part: Part, temporal: TemporalSettings, time: Literal["rows", "frames"], batch: int, seed: int, epoch: int
) -> list[Step]:
    """Steps of segments that have a label, packed by length until they hold about `batch` frames."""
    spans = np.concatenate([_spans(part, clip, temporal, time) for clip in range(len(part.clips))])
    labels = np.concatenate([[0], np.cumsum(part.labelled)])
    spans = spans[labels[spans[:, 1]] > labels[spans[:, 0]]]
    lengths = spans[:, 1] - spans[:, 0]
    return [_step(spans[pack]) for pack in packs(lengths, batch, seed=seed, epoch=epoch)]


def videos_plan(
    part: Part, temporal: TemporalSettings, time: Literal["rows", "frames"], videos: int, seed: int, epoch: int
) -> list[Step]:
    """Whole clips, so many together, a segment of each in a step; those that are longer stand first.

    Source: aim3_mtl section 2.3. That ended clips leave their step, in the place of padding: assumed(choice).
    """
    order = video_order(len(part.clips), seed=seed, epoch=epoch)
    steps: list[Step] = []
    for begin in range(0, len(order), videos):
        clips = [_spans(part, clip, temporal, time) for clip in order[begin : begin + videos].tolist()]
        clips.sort(key=len, reverse=True)
        for number in range(len(clips[0])):
            spans = np.stack([clip[number] for clip in clips if len(clip) > number])
            steps.append(_step(spans, goes_on=number > 0))
    return steps


def _step(spans: Places, *, goes_on: bool = False) -> Step:
    places = np.concatenate([np.arange(start, stop) for start, stop in spans.tolist()])
    return Step(places, spans[:, 1] - spans[:, 0], goes_on)


def _spans(part: Part, clip: int, temporal: TemporalSettings, time: Literal["rows", "frames"]) -> Places:
    """First place and place behind the last of each segment of a clip, as it is cut when it is answered."""
    begin, end = part.begins[clip : clip + 2].tolist()
    if time == "rows" or temporal.mode == "compat":
        segment = temporal.segment or end - begin
        return begin + windows(end - begin, segment, temporal.stride or segment)
    frame = part.frame[begin:end] - part.frame[begin]
    length = int(frame[-1]) + 1
    segment = temporal.segment or length
    spans = np.searchsorted(frame, windows(length, segment, temporal.stride or segment))
    return begin + spans[spans[:, 0] < spans[:, 1]]
