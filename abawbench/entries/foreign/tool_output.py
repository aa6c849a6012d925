"""Tables of public toolkits as an entry, which looks up the answers of the tool and needs no pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from abawbench.base.problems import Problem, ProblemError, Problems, unreadable
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.clips.clip import Clip, no_pictures
from abawbench.entries.foreign.tool_tables import Output, header_of, read_output
from abawbench.entries.foreign.tools import TOOLS, Scores, Tool, class_named, find_tool, recognise
from abawbench.entries.model import Answers, Card
from abawbench.entries.outputs import TOLERANCE, is_distribution, over_frames, softmax
from abawbench.labels import VALENCE_AROUSAL
from abawbench.table import Floats, Integers, Mask, Rows

# greatest intensity of an action unit
MOST_INTENSE = 5.0
# greatest valence or arousal: a linear head overshoots the range a little; a scale of 1 to 9 does not fit
FARTHEST = 1.5


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """Settings of a tool-output entry: the tables, and facts about the tool that replace the known ones.

    Attributes:
        folder: folder with `<unit>.csv` for each unit.
        tool: name of the tool that wrote the tables; `auto` recognises it by the columns of the first table.
        missing: answer to a frame without a row: `error` refuses the clip; `previous` takes the last row before the
            frame, else the next one; `nearest` takes the closer row, the earlier of two equally close ones.
        frame_base: number of the first frame; None for the tool's own.
        scores: kind of scores in the columns of classes; None for the tool's own.
        threshold: intensity from which a unit is present; None for the tool's own.
    """

    folder: Path
    tool: str = "auto"
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
        rows = self._rows(output.frame, clip)
        problems = Problems()
        answers = {
            reader.task.name: over_frames(reader.read(output, problems)[rows], clip) for reader in self._readers()
        }
        problems.raise_if_any()
        return answers

    def output(self, unit: str) -> Output:
        """Read the table of a unit.

        Raises:
            ProblemError: F01 there is none, E18 it is not one of the tool's.
        """
        columns = [name for reader in self._readers() for name in reader.columns()]
        return read_output(self._file(unit), self.tool, columns, frame_base=self.tool.frame_base)

    def reading(self, folder: Path) -> ToolOutput:
        """The same entry on the tables of another folder."""
        return replace(self, settings=replace(self.settings, folder=folder))

    def clips(self) -> tuple[Clip, ...]:
        """Clips without pictures, one for each table, with every frame up to the last; valid where there is a face.

        Raises:
            ProblemError: F01 and E18, everything wrong with the tables.
        """
        clips: list[Clip] = []
        problems: list[Problem] = []
        for path in tables_in(self.settings.folder):
            try:
                known = self.output(path.stem).frame
            except ProblemError as error:
                problems.extend(error.problems)
                continue
            frame = np.arange(1, int(known.max(initial=0)) + 1, dtype=np.int32)
            clips.append(
                Clip(
                    path.stem,
                    frame,
                    np.isin(frame, known),
                    0,
                    no_pictures(path, "a table"),
                    files=lambda path=path: (path,),
                )
            )
        if problems:
            raise ProblemError(*problems)
        return tuple(clips)

    def _readers(self) -> Sequence[_Reader]:
        return [READERS[type(task)](self.tool, self.classes, task) for task in self.card.tasks]

    def _file(self, unit: str) -> Path:
        return self.settings.folder / f"{unit}.csv"

    def _rows(self, frame: Integers, clip: Clip) -> Rows:
        """The row of the table that answers each valid frame of the clip."""
        wanted = clip.frame[clip.valid]
        place = np.searchsorted(frame, wanted)
        after = np.minimum(place, max(len(frame) - 1, 0))
        lacking = np.flatnonzero(frame[after] != wanted) if len(frame) else np.arange(len(wanted))
        if len(lacking) and (self.settings.missing == "error" or not len(frame)):
            file = str(self._file(clip.video))
            expected = f"a face in every valid frame ({len(lacking):,} of {len(wanted):,} lack one)"
            fix = 'set missing = "nearest" or "previous"' if len(frame) else "run the tool on this video again"
            raise ProblemError(
                *(
                    Problem("E18", f"no row for {clip.video} frame {number}", expected, fix, file, count=len(lacking))
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


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads the answers to a task from the tables of a tool; a subclass for each kind of task.

    Attributes:
        tool: the tool that wrote the tables.
        classes: class columns in the tables, or classes that the label column may name.
        task: the task to answer.
    """

    tool: Tool
    classes: tuple[str, ...]
    task: Any

    @property
    def column(self) -> Mapping[str, str]:
        """Column of each output that the tool knows."""
        raise NotImplementedError

    def restrict(self, header: Sequence[str]) -> Task | None:
        """The task with those of its outputs that the tables have; None where they have too few."""
        kept = [name for name in self.task.outputs if self.column.get(name) in header]
        return self.task.with_outputs(kept) if kept else None

    def columns(self) -> Sequence[str]:
        """Columns of the tables that the answers are made from."""
        return [self.column[name] for name in self.task.outputs]

    def read(self, output: Output, problems: Problems) -> Floats:
        """Answers to the rows of a table, shape (rows, width)."""
        raise NotImplementedError

    def note(self) -> str:
        """A note of the card on how the answers are made; empty where there is nothing to say."""
        return ""


class _ValenceArousal(_Reader):
    @property
    def column(self) -> Mapping[str, str]:
        return dict(zip(VALENCE_AROUSAL, self.tool.valence_arousal or (), strict=False))

    def read(self, output: Output, problems: Problems) -> Floats:
        values = output.of(self.columns())
        _refuse(output, np.abs(values).max(axis=1, initial=0) > FARTHEST, values, "values from -1 to 1", problems)
        return np.clip(values, *self.task.span)


class _Classes(_Reader):
    def restrict(self, header: Sequence[str]) -> Task | None:
        del header
        meant = {class_named(name, self.task.classes) for name in self.classes}
        kept = [name for name in self.task.classes if name in meant]
        return self.task.with_outputs(kept) if len(kept) > 1 else None

    def columns(self) -> Sequence[str]:
        return [self.tool.label] if self.tool.label else self.classes

    def read(self, output: Output, problems: Problems) -> Floats:
        scores = self._scores(output, problems)
        known = np.zeros((len(scores), self.task.width))
        for place, label in enumerate(self.classes):
            name = class_named(label, self.task.classes)
            if name is not None:
                known[:, self.task.classes.index(name)] = np.maximum(scores[:, place], 0)
        whole = known.sum(axis=1, keepdims=True)
        # where only classes that are left out have a probability, nothing is known of the others
        return np.where(whole > 0, known / np.where(whole > 0, whole, 1), 1 / self.task.width)

    def _scores(self, output: Output, problems: Problems) -> Floats:
        """Probabilities of the tool's own classes, shape (rows, classes)."""
        if self.tool.label:
            named = output.of([self.tool.label])[:, 0].astype(np.int64)
            return np.eye(len(self.tool.classes))[named][:, [self.tool.classes.index(name) for name in self.classes]]
        scores = output.of(self.classes)
        is_fair = is_distribution(scores)
        if self.tool.scores == "probability":
            expected = 'probabilities that sum to 1; for raw scores set scores = "logit"'
            _refuse(output, ~is_fair, scores, expected, problems)
            return scores
        expected = 'raw scores; for probabilities that sum to 1 set scores = "probability"'
        _refuse(output, is_fair & is_fair.all(), scores, expected, problems)
        return softmax(scores)

    def note(self) -> str:
        lost = [name for name in self.classes if class_named(name, self.task.classes) is None]
        return f"{self.task.name}: left out, the others made to sum to 1: {', '.join(lost)}" if lost else ""


class _Units(_Reader):
    @property
    def column(self) -> Mapping[str, str]:
        return {name: unit.column for name, unit in self.tool.units.items()}

    def read(self, output: Output, problems: Problems) -> Floats:
        values = output.of(self.columns())
        for place, name in enumerate(self.task.columns):
            unit, column = self.tool.units[name], values[:, place : place + 1]
            highest = MOST_INTENSE if unit.scale == "intensity" else 1.0
            wrong = (column < -TOLERANCE) | (column > highest + TOLERANCE)
            if unit.scale == "presence":
                wrong |= column != np.round(column)
            _refuse(output, wrong[:, 0], column, f"{unit.column}: {unit.scale} from 0 to {highest:g}", problems)
            if unit.scale == "intensity":
                assert self.tool.threshold is not None
                values[:, place] = presence(values[:, place], self.tool.threshold)
        return np.clip(values, 0, 1)

    def note(self) -> str:
        graded = [name for name in self.task.columns if self.tool.units[name].scale == "intensity"]
        return f"{', '.join(graded)}: present from intensity {self.tool.threshold:g} on" if graded else ""


READERS: dict[type[Task], type[_Reader]] = {Continuous: _ValenceArousal, Categorical: _Classes, MultiLabel: _Units}


def _refuse(output: Output, wrong: Mask, values: Floats, expected: str, problems: Problems) -> None:
    places = np.flatnonzero(wrong)
    if len(places):
        row = values[places[0]]
        found = f"{', '.join(f'{value:.4g}' for value in row)} in frame {output.frame[places[0]]}"
        fix = "check the tool's version and the settings"
        problems.add(Problem("E18", found, expected, fix, output.file, count=len(places)))


def presence(intensity: Floats, threshold: float) -> Floats:
    """Intensities from 0 to 5 as probabilities: 0 stays 0, the threshold becomes 0.5, 5 becomes 1, straight between.

    >>> presence(np.array([0.0, 1.0, 2.0, 3.5, 5.0]), 2.0).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return np.interp(intensity, [0.0, threshold, MOST_INTENSE], [0.0, 0.5, 1.0])


def create(card: Card, vocabulary: tuple[Task, ...], settings: ToolSettings) -> ToolOutput:
    """The entry of `kind = "tool-output"` in an entry.toml.

    Its card holds the columns that the challenge asks for and the tables have. Classes of the tool that the challenge
    does not know are left out, and the others made to sum to 1; notes of the card name these classes, and the facts
    about the tool that are assumed.

    Raises:
        ProblemError: F01 the folder cannot be read; E18 there is no table, or none of a known tool, or none with a
            column that the challenge asks for; E02 an unknown tool.
    """
    first = tables_in(settings.folder)[0]
    header = header_of(first)
    tool = _resolve_tool(settings, header, first)
    classes = tool.classes if tool.label else tuple(name for name in tool.classes if name in header)
    restricted = (READERS[type(task)](tool, classes, task).restrict(header) for task in vocabulary)
    tasks = [task for task in restricted if task is not None]
    if not tasks:
        wanted = ", ".join(task.name for task in vocabulary)
        found, expected = f"a table of {tool.title}", f"columns for one of {wanted}"
        raise ProblemError(Problem("E18", found, expected, "name another challenge or folder", str(first)))
    notes = [f"read from tables of {tool.title}, frames from {tool.frame_base}"]
    notes += [READERS[type(task)](tool, classes, task).note() for task in tasks]
    if tool.assumed:
        notes.append(f"assumed about the tables: {', '.join(tool.assumed)}")
    card = replace(card, tasks=tuple(tasks), notes=(*card.notes, *filter(None, notes)))
    return ToolOutput(card, tool, classes, settings)


def tables_in(folder: Path) -> list[Path]:
    """The tables of a folder, by name. Raises: ProblemError F01 it cannot be read, E18 there is none."""
    try:
        tables = sorted(path for path in folder.iterdir() if path.suffix == ".csv")
    except OSError as error:
        raise unreadable(folder, error) from error
    if not tables:
        raise ProblemError(Problem("E18", "no *.csv", "<unit>.csv for each unit", "run the tool first", str(folder)))
    return tables


def _resolve_tool(settings: ToolSettings, header: Sequence[str], first: Path) -> Tool:
    """The tool that wrote the tables, with the facts of the settings."""
    if settings.tool == "auto":
        tool = recognise(header)
        if tool is None:
            found = f"columns {', '.join(header[:6])} ..."
            expected = f"those of one of {', '.join(tool.name for tool in TOOLS)}"
            raise ProblemError(Problem("E18", found, expected, "name the columns as the tool does", str(first)))
    else:
        tool = find_tool(settings.tool)
        lacking = [name for name in tool.marks if name not in header]
        if lacking:
            found, expected = f"no column {', '.join(lacking)}", f"the columns of {tool.title}"
            raise ProblemError(Problem("E18", found, expected, "correct settings.tool", str(first)))
    facts = {"frame_base": settings.frame_base, "scores": settings.scores, "threshold": settings.threshold}
    replaced = {name: value for name, value in facts.items() if value is not None}
    return replace(tool, **replaced, sources={**tool.sources, **dict.fromkeys(replaced, "settings")})
