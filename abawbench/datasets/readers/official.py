"""Reads the data sets of the ABAW challenges, in the organisers' formats.

The annotations are read as in scoring. Where that fails, the sound lines of each file are copied to a temporary place,
faulty ones are left out or replaced by a sentinel, and the copy is read.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import require_plain
from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.challenges import Challenge
from abawbench.challenges.lookup import get
from abawbench.datasets.manifests.model import LabelSet, Manifest, Strict
from abawbench.datasets.readers.files import LabelFile, label_files, matches, patterns
from abawbench.datasets.readers.labels import Labels, assemble
from abawbench.datasets.readers.rows import CheckedRows, LabelRows, report, same_text
from abawbench.datasets.readers.settings import Texts, settings_of
from abawbench.datasets.readers.values import group_column, name_groups
from abawbench.formats import read_truth
from abawbench.formats.diagnose import problems_in_reading, reading_problems
from abawbench.formats.keys import PATTERNS
from abawbench.formats.layout import Layout, choose_layout, layouts
from abawbench.formats.settle import Settled, settle
from abawbench.formats.text import load, quote
from abawbench.formats.unit_files import unit_files
from abawbench.table import Integers, Table, video_of

if TYPE_CHECKING:
    import pyarrow as pa

# the organisers count one frame more than OpenCV, and crops of two units are numbered one past that
FRAMES_PAST_END = 2


class OfficialListSettings(Strict):
    """Settings of the reader `official-list`.

    Attributes:
        pattern: regular expression for a unit's name; its named group `subject` is the person; empty for none.
        gaps: true where missing pictures are normal, as crops of frames without a face.
    """

    pattern: str = ""
    gaps: bool = False


class OfficialSettings(OfficialListSettings):
    """Settings of the reader `official`.

    Attributes:
        videos: glob patterns of the videos; labels past the end of a unit's video are left out.
    """

    videos: Texts = ()


@dataclass(frozen=True, eq=False)
class OfficialTable:
    """Annotations in a text format of a challenge.

    Attributes:
        table: the annotations, as `read_truth` gives them.
        placeholders: unit and row (from 0 within the unit) of each row that stands for a faulty line: in per-unit files
            the number of a line is its frame, so a line cannot simply be left out.
    """

    table: Table
    placeholders: tuple[tuple[str, int], ...] = ()


def read_official(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels in the text format of the label set's first challenge: a file, or a folder of per-unit files.

    Problems: those of the format, with file and line; D01 no challenge, or a challenge of other tasks; D10; D11; D12 a
    unit with a file in two of the folders that a split may have; D13 labels past the end of a video.
    """
    settings = settings_of(OfficialSettings, manifest, label_set)
    challenge = _challenge(label_set)
    files: list[LabelRows] = []
    for file in label_files(label_set, root, problems):
        annotations = read_sound_rows(challenge, file.path, problems)
        if annotations is not None:
            files.append(_rows(settings.pattern, annotations, file, problems))
    if any(len(globs) > 1 for globs in patterns(label_set).values()):
        _report_second_files(label_set, root, files, problems)
    videos = {path.stem: path for pattern in settings.videos for path in matches(root, pattern)}
    if videos:
        files = [_within_videos(rows, videos, problems) for rows in files]
    return assemble(manifest, label_set, root, files, problems)


def read_official_list(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read the rows of an organisers' list of paths, none of which is annotated.

    Problems: those of the list; D10; D11.
    """
    from abawbench.formats.keys import split_keys
    from abawbench.formats.lists import RowList, read_list

    settings = settings_of(OfficialListSettings, manifest, label_set)
    challenge = _challenge(label_set)
    files: list[LabelRows] = []
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
        table = Table(videos, video, frame, {task.name: task.empty(len(video)) for task in challenge.tasks})
        files.append(_rows(settings.pattern, OfficialTable(table), file, problems, first=rows.first))
    return assemble(manifest, label_set, root, files, problems)


def _challenge(label_set: LabelSet) -> Challenge:
    """The label set's first challenge. Raises: ProblemError D01, there is none, or its tasks are others."""
    if not label_set.challenges:
        raise ProblemError(
            Problem("D01", "no challenge", "the id whose format it is", "add challenges = [...]", label_set.id)
        )
    challenge = get(label_set.challenges[0])
    ours = [(task.name, task.outputs) for task in (facts.task for facts in label_set.tasks)]
    theirs = [(task.name, task.outputs) for task in challenge.tasks]
    if ours != theirs:
        fix = f"copy the tasks of {challenge.id}, in their order"
        raise ProblemError(Problem("D01", f"tasks {ours}", f"tasks {theirs}", fix, label_set.id))
    return challenge


def _rows(pattern: str, annotations: OfficialTable, file: LabelFile, problems: Problems, first: int = 2) -> LabelRows:
    """The sound rows of a table; lines are counted within each unit's file, or in one file from `first`."""
    import pyarrow as pa

    table = annotations.table
    count = len(table)
    line = _lines_in_units(table.video) if file.path.is_dir() else np.arange(count) + first
    unit = pa.DictionaryArray.from_arrays(pa.array(table.video), pa.array(table.videos, pa.string()))
    checked = CheckedRows(str(file.path), line, problems)
    subject = _subjects(pattern, table, checked)
    checked.faulty[_placeholder_rows(annotations)] = True
    rows = LabelRows(str(file.path), line, unit, table.frame, table.values, same_text(file.split, count), subject)
    return rows.take(~checked.faulty)


def _placeholder_rows(annotations: OfficialTable) -> NDArray[np.int64]:
    """Rows of the table that stand for faulty lines; the rows of a per-unit file stand together."""
    table = annotations.table
    begins = np.flatnonzero(np.diff(table.video, prepend=-1))
    place = {name: number for number, name in enumerate(table.videos)}
    return np.array([begins[place[name]] + row for name, row in annotations.placeholders], np.int64)


def _lines_in_units(video: Integers) -> NDArray[np.int64]:
    begins = np.flatnonzero(np.diff(video, prepend=-1))
    lengths = np.diff(np.append(begins, len(video)))
    return np.arange(len(video)) - np.repeat(begins, lengths) + 2


def _subjects(pattern: str, table: Table, rows: CheckedRows) -> pa.DictionaryArray:
    import pyarrow as pa

    if not pattern:
        return same_text("", len(table))
    names = pa.chunked_array([pa.array(table.videos, pa.string()).take(pa.array(table.video))])
    return group_column(name_groups(names, pattern, rows), "subject", len(table))


def _report_second_files(label_set: LabelSet, root: Path, files: Sequence[LabelRows], problems: Problems) -> None:
    taken = {Path(rows.file) for rows in files}
    for globs in patterns(label_set).values():
        folders = [path for pattern in globs for path in matches(root, pattern) if path.is_dir()]
        first = next((path for path in folders if path in taken), None)
        for other in folders:
            if first is None or other in taken:
                continue
            for file in sorted({path.name for path in other.iterdir()} & {path.name for path in first.iterdir()}):
                fix = "remove one of them: the first is kept"
                problems.add(Problem("D12", str(other / file), f"only {first / file}", fix, str(other)))


def _within_videos(rows: LabelRows, videos: dict[str, Path], problems: Problems) -> LabelRows:
    """The rows without those past the end of their unit's video."""
    names: list[str] = rows.unit.dictionary.to_pylist()
    ends = np.full(len(names), np.iinfo(np.int32).max, np.int64)
    for place, name in enumerate(names):
        path = videos.get(name) or videos.get(video_of(name))
        frames = None if path is None else _frame_count(path)
        if frames:
            ends[place] = frames + FRAMES_PAST_END
    beyond = rows.frame > ends[np.asarray(rows.unit.indices)]
    report(
        "D13",
        beyond,
        lambda row: f"frame {rows.frame[row]} of '{rows.unit[row].as_py()}'",
        "frames up to the video's end",
        "compare the labels with the video: they may be another's",
        (rows.file, rows.line),
        problems,
    )
    return rows.take(~beyond)


def _frame_count(path: Path) -> int | None:
    """Number of frames that the video's header states; None where it states none, or nothing here can read it."""
    try:
        import av
        from av.error import FFmpegError
    except ImportError:
        return None
    try:
        require_plain(path)
        with av.open(str(path), metadata_errors="replace") as container:
            return container.streams.video[0].frames or None
    except (FFmpegError, OSError, ValueError, IndexError, ProblemError):
        return None


def read_sound_rows(challenge: Challenge, path: Path, problems: Problems) -> OfficialTable | None:
    """The annotations of a file, or of a folder of per-unit files, without faulty lines and files; None without any.

    Problems: those of `read_truth`, of every file and with the line.
    """
    try:
        return OfficialTable(read_truth(challenge, path))
    except ProblemError as error:
        first = error
    candidates = layouts(challenge, "truth")
    files = [path] if path.is_file() else _unit_files(candidates, path)
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / path.name
        if path.is_dir():
            copy.mkdir()
        found: list[Problem] = []
        replaced: list[tuple[str, int]] = []
        is_one_left = False
        for file in files:
            mended = _mended(file, candidates, found, of_unit=path.is_dir())
            if mended is None:
                continue
            data, rows = mended
            (copy / file.name if path.is_dir() else copy).write_bytes(data)
            replaced.extend((file.stem, row) for row in rows)
            is_one_left = True
        problems.extend(found or first.problems)
        if not is_one_left:
            return None
        try:
            return OfficialTable(read_truth(challenge, copy), tuple(replaced))
        except ProblemError as error:
            text = "; ".join(problem.found for problem in error.problems)
            problems.add(Problem("C03", text, "rows that can be read", "compare with the owners' copy", str(path)))
            return None


def _unit_files(candidates: tuple[Layout, ...], folder: Path) -> list[Path]:
    """The files that `read_truth` reads in a folder."""
    for layout in candidates if folder.is_dir() else ():
        files = unit_files(folder, layout.suffix)[0] if layout.per_unit else []
        if files:
            return files
    return []


def _mended(
    file: Path, candidates: tuple[Layout, ...], found: list[Problem], *, of_unit: bool
) -> tuple[bytes, list[int]] | None:
    """The sound lines of a file, and the rows where a sentinel replaces a faulty one; None where no line is sound."""
    try:
        data = load(file)
    except ProblemError as error:
        found.extend(error.problems)
        return None
    layout = choose_layout(candidates, data, of_unit=of_unit)
    settled = settle(data, [layout], str(file))
    faults = [problem for problem in problems_in_reading(settled, str(file)).found if not problem.is_note]
    found.extend(faults)
    if not faults and layout.key not in PATTERNS:
        return data, []
    if layout.header is not None and any(problem.line in {None, 1} for problem in faults):
        return None
    header = [] if settled.header is None else [settled.header.encode()]
    names = Problems()
    sentinels = _sentinels(layout)
    kept: list[bytes] = []
    replaced: list[int] = []
    for row, (line, is_sound) in enumerate(_judged(header, settled, str(file), names)):
        if is_sound:
            kept.append(line)
        elif sentinels is not None:
            kept.append(sentinels)
            replaced.append(row)
    found.extend(names.found)
    return (b"\n".join([*header, *kept, b""]), replaced) if len(kept) > len(replaced) else None


def _judged(header: list[bytes], settled: Settled, file: str, problems: Problems) -> Iterator[tuple[bytes, bool]]:
    """Each row, and whether it is sound; names of another form are added to the problems."""
    layout = settled.layout
    head = b"".join(line + b"\n" for line in header)
    faultless = layout.faultless_row
    name = re.compile(PATTERNS[layout.key]) if layout.key in PATTERNS else None
    for number, row in zip(settled.numbers, settled.rows, strict=True):
        line = row.encode("utf-8", "surrogateescape")
        is_sound = (
            bool(faultless and faultless.fullmatch(row))
            or not reading_problems(head + line + b"\n", layout, file).refuses
        )
        if is_sound and name is not None:
            text = line.decode().strip()
            key = layout.row_name(text)
            if not name.match(key):
                fix = "copy the names from the list"
                problems.add(Problem("T06", quote(key), "a name as the organisers write it", fix, file, number))
                is_sound = False
        yield line, is_sound


def _sentinels(layout: Layout) -> bytes | None:
    """A line of sentinels where lines are told by their number, None where a faulty line can be left out."""
    if layout.key != "line":
        return None
    return ",".join("" if column.sentinel is None else f"{column.sentinel:g}" for column in layout.columns).encode()
