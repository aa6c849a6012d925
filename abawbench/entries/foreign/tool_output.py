"""Tables of public toolkits as an entry, which looks up the answers of the tool and needs no pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from abawbench.base.problems import Problem, ProblemError, Problems, together
from abawbench.challenges import Task
from abawbench.clips.clip import Clip, no_pictures
from abawbench.clips.images import number_of
from abawbench.entries.foreign.tool_answers import MOST_INTENSE, READERS, AnswerReader
from abawbench.entries.foreign.tool_map import TableMap, note_names, require_columns, suggest_map, tool_of
from abawbench.entries.foreign.tool_tables import (
    TABLES,
    Output,
    header_of,
    read_output,
    root_of,
    table_of,
    tables_in,
    tables_of_pictures,
)
from abawbench.entries.foreign.tools import TOOLS, Scores, Tool, find_tool, of_pictures, recognise
from abawbench.entries.model import Answers, Card, TableClips
from abawbench.entries.outputs import over_frames
from abawbench.table import Rows

# longer videos are slips: a hundred hours
MOST_FRAMES = 10_000_000
PICTURE_TOOLS = tuple(of_pictures(tool) for tool in TOOLS)
_SCALES = ("intensity", "presence")


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """Settings of a tool-output entry: the tables, and facts about the tool that replace the known ones.

    Attributes:
        folder: folder with `<unit>.csv` for each unit, or with `<unit>/00001.csv` for each picture of a unit; or a
            folder with such a folder `tables`.
        tool: name of the tool that wrote the tables; `auto` recognises it by the columns of the first table.
        map: columns of the tables of a tool that is not known; in place of `tool`.
        missing: answer to a frame without a row: `error` refuses the clip; `previous` takes the last row before the
            frame, else the next one; `nearest` takes the closer row, the earlier of two equally close ones.
        frame_base: number of the first frame; None for the tool's own, for 0 with a map, and for 1 in the names of
            tables of pictures.
        scores: kind of scores in the columns of classes; None for the tool's own.
        threshold: intensity from which a unit is present; None for the tool's own.
    """

    folder: Path
    tool: str = "auto"
    map: TableMap | None = None
    missing: Literal["error", "previous", "nearest"] = "error"
    frame_base: int | None = None
    scores: Scores | None = None
    threshold: Annotated[float, Field(gt=0, lt=MOST_INTENSE)] | None = None


@dataclass(frozen=True, eq=False)
class ToolOutput:
    """An entry that looks its answers up in the tables of a tool.

    Attributes:
        card: card of the entry, with only those columns that the tables have.
        tool: the tool that wrote the tables, with the facts of the settings.
        classes: class columns in the tables, or classes that the label column may name.
        settings: settings of the entry.
    """

    card: Card
    tool: Tool
    classes: tuple[str, ...]
    settings: ToolSettings

    def predict(self, clip: Clip) -> Answers:
        """Answers of the tool to each frame, NaN on invalid frames. Frame numbers of clips count from 1.

        Raises:
            ProblemError: F01 the unit has no table; E18 the table is not the tool's, or lacks a valid frame under the
                policy `error`, or has no row at all.
        """
        if not clip.valid.any():
            return {task.name: np.full((len(clip), task.width), np.nan) for task in self.card.tasks}
        output = self.output(clip.video)
        rows = self._rows(output, clip)
        problems = Problems()
        answers = {
            reader.task.name: over_frames(reader.read(output, problems)[rows], clip) for reader in self._readers()
        }
        # notes are told with the tables
        faults = [problem for problem in problems.found if not problem.is_note]
        if faults:
            raise ProblemError(*faults)
        return answers

    def output(self, unit: str) -> Output:
        """The table of a unit, with counts of the rows that are not answers.

        Raises:
            ProblemError: F01 there is none, E18 it is not one of the tool's.
        """
        return self._output(table_of(self.settings.folder, unit))

    def reading(self, folder: Path) -> ToolOutput:
        """The same entry on the tables of another folder."""
        return replace(self, settings=replace(self.settings, folder=folder))

    def clips(self) -> tuple[Clip, ...]:
        """Clips without pictures, one for each table, with every frame up to the last; valid where there is a face.

        Raises:
            ProblemError: F01 and E18, everything wrong with the tables.
        """
        tables = self.tables()
        wrong = [problem for problem in tables.problems if not problem.is_note]
        if wrong:
            raise ProblemError(*wrong)
        return tables.clips

    def tables(self) -> TableClips:
        """The clips of all tables that can be read, the problems of the others, notes, and counts of rows.

        Raises:
            ProblemError: F01 the folder cannot be read, E18 there is no table.
        """
        clips: list[Clip] = []
        outputs: list[Output] = []
        units = tables_in(self.settings.folder)
        problems = [("", note) for note in root_of(self.settings.folder)[1]]
        for unit, path in units.items():
            try:
                output, notes = self._checked(path)
            except ProblemError as error:
                problems.extend((unit, problem) for problem in error.problems)
                continue
            problems.extend((unit, note) for note in notes)
            outputs.append(output)
            clips.append(_clip_of(unit, path, output))
        problems.extend(("", note) for note in self._notes(outputs))
        read = {clip.video for clip in clips}
        return TableClips(
            tuple(clips),
            unread=tuple(unit for unit in units if unit not in read),
            rows=sum(output.rows for output in outputs),
            of_others=sum(output.further_faces for output in outputs),
            without_face=sum(output.without_face for output in outputs),
            problems=together(problems),
        )

    def _checked(self, path: Path) -> tuple[Output, tuple[Problem, ...]]:
        """A table in which nothing is at fault, and the notes about it. Raises: ProblemError F01, E18."""
        output = self._output(path)
        problems = Problems()
        if not output.rows:
            problems.add(Problem("E18", "a header alone", "a row for each frame", "run the tool again", output.file))
        if output.first < 1:
            found, expected = f"a frame {1 - output.first:,} before the first", "no frame before the first"
            problems.add(Problem("E18", found, expected, "set frame_base to the tool's first frame", output.file))
        if output.last > MOST_FRAMES:
            expected = f"{MOST_FRAMES:,} frames at most"
            problems.add(Problem("E18", f"frame {output.last:,}", expected, "correct the row", output.file))
        for reader in self._readers():
            reader.read(output, problems)
        problems.raise_if_any()
        return output, problems.found

    def _output(self, path: Path) -> Output:
        columns = [name for reader in self._readers() for name in reader.columns()]
        # names of pictures count from 1 unless the settings say otherwise
        given = self.settings.frame_base
        base = 1 if path.is_dir() and given is None else self.tool.frame_base
        return read_output(path, self.tool, columns, frame_base=base)

    def _is_low(self, output: Output) -> bool:
        """True where intensities never pass 1, though units of the same table are present."""
        graded, present = ([name for name in output.columns if self._scale_of(name) == scale] for scale in _SCALES)
        if not graded or not len(output.frame):
            return False
        highest = output.of(graded).max()
        return bool(0 < highest <= 1 and (not present or output.of(present).max() == 1))

    def _scale_of(self, column: str) -> str:
        return next((unit.scale for unit in self.tool.units.values() if unit.column == column), "")

    def _notes(self, outputs: Sequence[Output]) -> Iterator[Problem]:
        threshold = self.tool.threshold
        low = [output.file for output in outputs if self._is_low(output)]
        if low and threshold is not None and threshold > 1:
            found = (
                f"intensities that never pass 1 in {len(low):,} of {len(outputs):,} tables with units that are present"
            )
            expected = f"intensities from 0 to {MOST_INTENSE:g}; a unit is present from {threshold:g} on"
            fix = "where the tool writes 0 to 1, set threshold in entry.toml to a part of 1, as 0.4"
            yield Problem("N31", found, expected, fix, low[0])
        mixed = [output for output in outputs if not output.is_person_known]
        if mixed:
            rows = sum(output.further_faces for output in mixed)
            found = f"several faces in a frame in {len(mixed):,} tables: {rows:,} rows left out"
            expected = "a column that tells people apart"
            fix = (
                "name it in settings.map (person, or place); until then the most confident face counts, else the first"
            )
            yield Problem("N32", found, expected, fix, mixed[0].file)

    def _readers(self) -> Sequence[AnswerReader]:
        return [READERS[type(task)](self.tool, self.classes, task) for task in self.card.tasks]

    def _rows(self, output: Output, clip: Clip) -> Rows:
        """The row of the table that answers each valid frame of the clip."""
        frame = output.frame
        wanted = clip.frame[clip.valid]
        place = np.searchsorted(frame, wanted)
        after = np.minimum(place, max(len(frame) - 1, 0))
        lacking = np.flatnonzero(frame[after] != wanted) if len(frame) else np.arange(len(wanted))
        if len(lacking) and (self.settings.missing == "error" or not len(frame)):
            expected = f"a face in every valid frame ({len(lacking):,} of {len(wanted):,} lack one)"
            fix = 'set missing = "nearest" or "previous"' if len(frame) else "run the tool on this video again"
            raise ProblemError(
                *(
                    Problem(
                        "E18", f"no row for {clip.video} frame {number}", expected, fix, output.file, count=len(lacking)
                    )
                    for number in wanted[lacking[:3]].tolist()
                )
            )
        before = np.maximum(place - 1, 0)
        if self.settings.missing == "nearest":
            # the first row is the nearest on both sides of the frames before it
            earlier = np.abs(wanted - frame[before]) <= np.abs(frame[after] - wanted)
        else:
            earlier = place > 0
        return np.where(frame[after] == wanted, after, np.where(earlier, before, after))


def _clip_of(unit: str, path: Path, output: Output) -> Clip:
    """A clip without pictures, with every frame up to the last row; valid where the person is seen."""
    frame = np.arange(1, output.last + 1, dtype=np.int32)
    valid = np.isin(frame, output.frame)
    return Clip(unit, frame, valid, 0, no_pictures(path, "a table"), files=lambda: files_of(path))


def create(card: Card, vocabulary: tuple[Task, ...], settings: ToolSettings) -> ToolOutput:
    """The entry of `kind = "tool-output"` in an entry.toml.

    Its card holds the columns that the challenge asks for and the tables have. Classes of the tool that the challenge
    does not know are left out, and the others made to sum to 1; notes of the card name these classes, and the facts
    about the tool that are assumed.

    Raises:
        ProblemError: F01 the folder cannot be read; E18 there is no table, or none of a known tool, or none with a
            column that the challenge asks for; E02 an unknown tool.
    """
    first = files_of(next(iter(tables_in(settings.folder).values())))[0]
    header = header_of(first)
    tool = _resolve_tool(settings, header, first)
    header = (*header, *tool.derived)
    classes = tool.classes if tool.label else tuple(name for name in tool.classes if name in header)
    restricted = (READERS[type(task)](tool, classes, task).restrict(header) for task in vocabulary)
    tasks = [task for task in restricted if task is not None]
    if not tasks:
        wanted = ", ".join(task.name for task in vocabulary)
        found, expected = f"a table of {tool.title}", f"columns for one of {wanted}"
        raise ProblemError(Problem("E18", found, expected, "name another challenge or folder", str(first)))
    notes = [f"read from tables of {tool.title}, frames from {tool.frame_base}"]
    notes += [READERS[type(task)](tool, classes, task).note() for task in tasks]
    if settings.map is not None:
        notes += note_names(settings.map)
    if tool.assumed:
        notes.append(f"assumed about the tables: {', '.join(tool.assumed)}")
    card = replace(card, tasks=tuple(tasks), notes=(*card.notes, *filter(None, notes)))
    return ToolOutput(card, tool, classes, settings)


def files_of(path: Path) -> Sequence[Path]:
    """The files of a unit's table: itself, or those of its pictures."""
    return tables_of_pictures(path) if path.is_dir() else (path,)


def _resolve_tool(settings: ToolSettings, header: Sequence[str], first: Path) -> Tool:
    """The tool that wrote the tables, with the facts of the settings."""
    is_of_picture = number_of(first) >= 0 and first.parent not in {settings.folder, settings.folder / TABLES}
    if settings.map is not None:
        if settings.tool != "auto":
            raise ProblemError(Problem("E02", "settings.tool and settings.map", "one of them", "remove one"))
        tool = tool_of(settings.map, settings.scores)
        if is_of_picture:
            tool = of_pictures(tool)
        require_columns(settings.map, tool, header, str(first))
    elif settings.tool == "auto":
        tool = recognise(header, PICTURE_TOOLS if is_of_picture else TOOLS)
        if tool is None:
            raise ProblemError(_unknown(header, str(first)))
    else:
        tool = find_tool(settings.tool)
        tool = of_pictures(tool) if is_of_picture else tool
        lacking = [name for name in tool.marks if name not in header]
        if lacking:
            if set(of_pictures(tool).marks) <= set(header):
                raise ProblemError(_picture(tool, header, str(first)))
            found, expected = f"no column {', '.join(lacking)}", f"the columns of {tool.title}"
            raise ProblemError(Problem("E18", found, expected, "correct settings.tool", str(first)))
    facts = {"frame_base": settings.frame_base, "scores": settings.scores, "threshold": settings.threshold}
    replaced = {name: value for name, value in facts.items() if value is not None}
    return replace(tool, **replaced, sources={**tool.sources, **dict.fromkeys(replaced, "settings")})


def _unknown(header: Sequence[str], file: str) -> Problem:
    """E18 for a table that no tool is known to write as it is."""
    tool = recognise(header, PICTURE_TOOLS)
    if tool is not None:
        return _picture(tool, header, file)
    found = f"a table of no known tool: columns {', '.join(header[:6])}{' ...' * (len(header) > 6)}"
    expected = f"the columns of one of {', '.join(tool.name for tool in TOOLS)}"
    columns = suggest_map(header)
    example = f", as {columns}" if columns else ""
    fix = f"say what the columns hold under [settings.map] in entry.toml{example} (docs/entries.md)"
    return Problem("E18", found, expected, fix, file)


def _picture(tool: Tool, header: Sequence[str], file: str) -> Problem:
    """E18 for the table of a single picture in the place of a video's."""
    whole = find_tool(tool.name)
    lacking = ", ".join(name for name in whole.marks if name not in header)
    is_openface = whole.name == "openface-2"
    title = "FaceLandmarkImg of OpenFace 2" if is_openface else whole.title
    found = f"the table of one picture, as {title} writes it: no column {lacking}"
    other = ", or run FeatureExtraction -fdir on the folder of pictures" if is_openface else ""
    fix = f"put the tables of the pictures of a unit into a folder, as <unit>/00001.csv{other}"
    return Problem("E18", found, f"{whole.frame}, or a folder of tables for each unit", fix, file)
