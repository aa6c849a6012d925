"""The data sets of the ABAW challenges, in the organisers' formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.challenges import Challenge, Continuous, MultiLabel, Task
from abawbench.challenges.catalogue import get
from abawbench.datasets.manifests.model import LabelSet, Manifest
from abawbench.datasets.readers.assemble import Part, always, assemble, texts
from abawbench.datasets.readers.finding import LabelFile, label_files, matches, patterns
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.naming import groups
from abawbench.datasets.readers.official import Read, read_sound_rows
from abawbench.datasets.readers.options import check_options, text_option, texts_option
from abawbench.datasets.readers.sheet import report
from abawbench.datasets.readers.values import Rows
from abawbench.table import Integers, Table, Values, video_of

if TYPE_CHECKING:
    import pyarrow as pa

# the organisers count one frame more than OpenCV, and crops of two units are numbered one past that
BEYOND = 2


def read_official(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Annotations in the text format of the label set's first challenge: a file, or a folder of per-unit files.

    Options:
        pattern: regular expression over a unit's name, whose named group `subject` says who it shows.
        videos: glob patterns of the videos; labels that go on where a unit's video has ended are then left out.
        gaps: true where missing pictures are normal, as crops of frames without a face.

    Problems: those of the format, with file and line; D01 no challenge, or one of other tasks; D10; D11; D12 a unit
    with a file in two of the folders that a split may have; D13.
    """
    check_options(label_set, ("pattern", "videos", "gaps"))
    challenge = _challenge(label_set)
    parts: list[Part] = []
    for file in label_files(label_set, root, problems):
        read = read_sound_rows(challenge, file.path, problems)
        if read is not None:
            parts.append(_part(label_set, read, file, problems))
    if any(len(globs) > 1 for globs in patterns(label_set).values()):
        _report_second_files(label_set, root, parts, problems)
    parts = _inside_videos(label_set, root, parts, problems)
    return assemble(manifest, label_set, root, parts, problems)


def read_official_list(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """The rows of an organisers' list of paths: nothing is annotated.

    Problems: those of the list; D10; D11.
    """
    from abawbench.formats.keys import split_keys
    from abawbench.formats.lists import RowList, read_list

    check_options(label_set, ("pattern", "gaps"))
    challenge = _challenge(label_set)
    parts: list[Part] = []
    for file in label_files(label_set, root, problems):
        try:
            rows = read_list(challenge, file.path)
        except ProblemError as error:
            problems.extend(error.problems)
            continue
        names = split_keys(rows.keys, "path") if isinstance(rows, RowList) else None
        if names is None or not isinstance(rows, RowList):
            fix = "give the organisers' list"
            problems.add(Problem("T06", "names of another form", "<video>/00001.jpg", fix, str(file.path)))
            continue
        videos, video, frame = names
        table = Table(videos, video, frame, {task.name: _absent(task, len(video)) for task in challenge.tasks})
        parts.append(_part(label_set, Read(table), file, problems, first=rows.first))
    return assemble(manifest, label_set, root, parts, problems)


def _challenge(label_set: LabelSet) -> Challenge:
    if not label_set.challenges:
        raise ProblemError(
            Problem("D01", "no challenge", "the id whose format it is", "add challenges = [...]", label_set.id)
        )
    challenge = get(label_set.challenges[0])
    ours = [(task.name, _names(task)) for task in (facts.task for facts in label_set.tasks)]
    theirs = [(task.name, _names(task)) for task in challenge.tasks]
    if ours != theirs:
        fix = f"copy the tasks of {challenge.id}, in their order"
        raise ProblemError(Problem("D01", f"tasks {ours}", f"tasks {theirs}", fix, label_set.id))
    return challenge


def _names(task: Task) -> tuple[str, ...]:
    return task.columns if isinstance(task, Continuous | MultiLabel) else task.classes


def _absent(task: Task, count: int) -> Values:
    if isinstance(task, Continuous):
        return np.full((count, len(task.columns)), np.nan)
    return np.full((count, len(task.columns)) if isinstance(task, MultiLabel) else count, -1, np.int8)


def _part(label_set: LabelSet, read: Read, file: LabelFile, problems: Problems, first: int | None = None) -> Part:
    """The rows of a read table; a folder's lines are counted within each unit's file."""
    import pyarrow as pa

    table = read.table
    count = len(table)
    line = np.arange(count) + (2 if first is None else first)
    if file.path.is_dir():
        line = _lines_in_units(table.video)
    unit = pa.DictionaryArray.from_arrays(pa.array(table.video), pa.array(table.videos, pa.string()))
    rows = Rows(str(file.path), line, problems)
    subject = _subjects(label_set, table, rows)
    rows.faulty[_stand_ins(read)] = True
    part = Part(str(file.path), line, unit, table.frame, table.values, always(file.split, count), subject)
    return part.take(~rows.faulty)


def _stand_ins(read: Read) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows of faulty lines: in tables of per-unit files a unit's rows stand together, one for each line."""
    begins = np.flatnonzero(np.diff(read.table.video, prepend=-1))
    place = {name: number for number, name in enumerate(read.table.videos)}
    return np.array([begins[place[name]] + line for name, line in read.dropped], np.int64)


def _lines_in_units(video: Integers) -> np.ndarray[Any, np.dtype[np.int64]]:
    begins = np.flatnonzero(np.diff(video, prepend=-1))
    lengths = np.diff(np.append(begins, len(video)))
    return np.arange(len(video)) - np.repeat(begins, lengths) + 2


def _subjects(label_set: LabelSet, table: Table, rows: Rows) -> pa.DictionaryArray:
    import pyarrow as pa

    pattern = text_option(label_set, "pattern")
    if not pattern:
        return always("", len(table))
    names = pa.chunked_array([pa.array(table.videos, pa.string()).take(pa.array(table.video))])
    found = groups(names, pattern, rows)
    return texts(found["subject"]) if "subject" in found else always("", len(table))


def _report_second_files(label_set: LabelSet, root: Path, parts: Sequence[Part], problems: Problems) -> None:
    taken = {Path(part.file) for part in parts}
    for globs in patterns(label_set).values():
        folders = [path for pattern in globs for path in matches(root, pattern) if path.is_dir()]
        first = next((path for path in folders if path in taken), None)
        for other in folders:
            if first is None or other in taken:
                continue
            for file in sorted({path.name for path in other.iterdir()} & {path.name for path in first.iterdir()}):
                fix = "remove one of them: the first is kept"
                problems.add(Problem("D12", str(other / file), f"only {first / file}", fix, str(other)))


def _inside_videos(label_set: LabelSet, root: Path, parts: Sequence[Part], problems: Problems) -> list[Part]:
    """The parts without rows past the end of a unit's video, where the copy has videos."""
    globs = texts_option(label_set, "videos")
    videos = {path.stem: path for pattern in globs for path in matches(root, pattern)}
    if not videos:
        return list(parts)
    return [_inside(part, videos, problems) for part in parts]


def _inside(part: Part, videos: dict[str, Path], problems: Problems) -> Part:
    names: list[str] = part.unit.dictionary.to_pylist()
    ends = np.full(len(names), np.iinfo(np.int32).max, np.int64)
    for place, name in enumerate(names):
        path = videos.get(name) or videos.get(video_of(name))
        frames = None if path is None else _frame_count(path)
        if frames:
            ends[place] = frames + BEYOND
    end = ends[np.asarray(part.unit.indices)]
    beyond = part.frame > end
    report(
        "D13",
        beyond,
        lambda row: f"frame {part.frame[row]} of '{part.unit[row].as_py()}'",
        "frames up to the video's end",
        "compare the labels with the video: they may be another's",
        (part.file, part.line),
        problems,
    )
    return part.take(~beyond)


def _frame_count(path: Path) -> int | None:
    """Frames by the container's header; None where it does not say, or nothing here can read it."""
    try:
        import av
        from av.error import FFmpegError
    except ImportError:
        return None
    try:
        with av.open(str(path)) as container:
            return container.streams.video[0].frames or None
    except (FFmpegError, OSError, ValueError, IndexError):
        return None
