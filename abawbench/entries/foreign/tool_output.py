"""Tables of public toolkits as an entry: it looks at no picture, but up what the tool said of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from abawbench.base.problems import Problem, ProblemError, Problems, unreadable
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.clips.clip import Clip, no_pictures
from abawbench.entries.foreign.synonyms import class_named
from abawbench.entries.foreign.tool_tables import Output, header_of, read_output
from abawbench.entries.foreign.tools import TOOLS, Scores, Tool, ToolName, recognised
from abawbench.entries.model import Answers, Card
from abawbench.entries.outputs import TOLERANCE, is_distribution, over_frames, softmax
from abawbench.labels import VALENCE_AROUSAL
from abawbench.table import Floats, Integers, Mask, Rows

MOST_INTENSE = 5.0
# a linear head overshoots the range a little; a scale of 1 to 9 does not fit
FARTHEST = 1.5


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the tables are, and what of the tool's facts is otherwise.

    Attributes:
        folder: with `<unit>.csv` for each unit.
        tool: that wrote them; `auto` goes by the columns of the first.
        missing: what a frame without a row gets: `error` refuses the clip; `previous` takes the last row before it,
            else the next one; `nearest` the closer one, the earlier of two equally close.
        frame_base: number of the first frame, in the place of the tool's.
        scores: what the columns of classes hold, in the place of the tool's.
        threshold: intensity from which on a unit is present, in the place of the tool's.
    """

    folder: Path
    tool: ToolName | Literal["auto"] = "auto"
    missing: Literal["error", "previous", "nearest"] = "error"
    frame_base: int | None = None
    scores: Scores | None = None
    threshold: float | None = None


@dataclass(frozen=True, eq=False)
class ToolOutput:
    """The entry.

    Attributes:
        card: what it is; only the columns that the tool has.
        tool: that wrote the tables, its facts as the settings have them.
        classes: class columns of the tool, or what its label column may say; those that are there.
        settings: where the tables are.
    """

    card: Card
    tool: Tool
    classes: tuple[str, ...]
    settings: Settings

    def predict(self, clip: Clip) -> Answers:
        """What the tool says of each frame, NaN on frames that are not valid.

        Frame numbers of clips count from 1.

        Raises:
            ProblemError: F01 the unit has no table; E18 the table is not the tool's, or lacks a valid frame under the
                policy `error`, or has no row at all.
        """
        if not clip.valid.any():
            return {task.name: np.full((len(clip), task.width), np.nan) for task in self.card.tasks}
        output = self.output(clip.video)
        rows = self._rows(output.frame, clip)
        answers: dict[str, Floats] = {}
        problems = Problems()
        for task in self.card.tasks:
            match task:
                case Continuous():
                    values = np.clip(self._valence_arousal(task, output, problems), task.low, task.high)
                case Categorical():
                    values = self._classes(task, output, problems)
                case MultiLabel():
                    values = self._units(task, output, problems)
            answers[task.name] = over_frames(values[rows], clip)
        problems.raise_if_any()
        return answers

    def output(self, unit: str) -> Output:
        """The table of a unit; says too how many rows had no face, and how many were further faces.

        Raises:
            ProblemError: F01 there is none, E18 it is not one of the tool's.
        """
        return read_output(self._file(unit), self.tool, self._columns, frame_base=self.tool.frame_base)

    def reading(self, folder: Path) -> ToolOutput:
        """The same entry over the tables of another folder."""
        return replace(self, settings=replace(self.settings, folder=folder))

    def clips(self) -> tuple[Clip, ...]:
        """A clip without pictures for each table: every frame up to the last, valid where the tool saw a face.

        Raises:
            ProblemError: everything that is wrong with the tables: F01, E18.
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

    @property
    def _columns(self) -> tuple[str, ...]:
        found: list[str] = []
        for task in self.card.tasks:
            match task:
                case Continuous():
                    found += [_column_of(self.tool, name) for name in task.columns]
                case Categorical():
                    found += [self.tool.label] if self.tool.label else self.classes
                case MultiLabel():
                    found += [self.tool.units[name].column for name in task.columns]
        return tuple(found)

    def _file(self, unit: str) -> Path:
        return self.settings.folder / f"{unit}.csv"

    def _rows(self, frame: Integers, clip: Clip) -> Rows:
        """For each valid frame of the clip the row of the table that answers it."""
        asked = clip.frame[clip.valid]
        place = np.searchsorted(frame, asked)
        after = np.minimum(place, max(len(frame) - 1, 0))
        lacking = np.flatnonzero(frame[after] != asked) if len(frame) else np.arange(len(asked))
        if len(lacking) and (self.settings.missing == "error" or not len(frame)):
            file = str(self._file(clip.video))
            expected = f"a face in every valid frame ({len(lacking):,} of {len(asked):,} lack one)"
            fix = 'set missing = "nearest" or "previous"' if len(frame) else "run the tool on this video again"
            raise ProblemError(
                *(
                    Problem("E18", f"no row for {clip.video} frame {number}", expected, fix, file, count=len(lacking))
                    for number in asked[lacking[:3]].tolist()
                )
            )
        before = np.maximum(place - 1, 0)
        if self.settings.missing == "nearest":
            # the first row stands on both sides of what comes before it
            earlier = np.abs(asked - frame[before]) <= np.abs(frame[after] - asked)
        else:
            earlier = place > 0
        return np.where(frame[after] == asked, after, np.where(earlier, before, after))

    def _valence_arousal(self, task: Continuous, output: Output, problems: Problems) -> Floats:
        values = output.of([_column_of(self.tool, name) for name in task.columns])
        self._refuse(output, np.abs(values).max(axis=1, initial=0) > FARTHEST, values, "values from -1 to 1", problems)
        return values

    def _units(self, task: MultiLabel, output: Output, problems: Problems) -> Floats:
        units = [self.tool.units[name] for name in task.columns]
        values = output.of([unit.column for unit in units])
        for place, unit in enumerate(units):
            column = values[:, place : place + 1]
            highest = MOST_INTENSE if unit.scale == "intensity" else 1.0
            wrong = (column < -TOLERANCE) | (column > highest + TOLERANCE)
            if unit.scale == "presence":
                wrong |= column != np.round(column)
            expected = f"{unit.column}: {unit.scale} from 0 to {highest:g}"
            self._refuse(output, wrong[:, 0], column, expected, problems)
            if unit.scale == "intensity":
                assert self.tool.threshold is not None
                values[:, place] = presence(values[:, place], self.tool.threshold)
        return np.clip(values, 0, 1)

    def _classes(self, task: Categorical, output: Output, problems: Problems) -> Floats:
        if self.tool.label:
            said = output.of([self.tool.label])[:, 0].astype(np.int64)
            scores = np.eye(len(self.tool.classes))[said][:, [self.tool.classes.index(name) for name in self.classes]]
        else:
            scores = output.of(self.classes)
            is_fair = is_distribution(scores)
            if self.tool.scores == "probability":
                expected = 'probabilities that sum to 1; for raw scores set scores = "logit"'
                self._refuse(output, ~is_fair, scores, expected, problems)
            else:
                expected = 'raw scores; for probabilities that sum to 1 set scores = "probability"'
                self._refuse(output, is_fair & is_fair.all(), scores, expected, problems)
                scores = softmax(scores)
        known = np.zeros((len(scores), len(task.classes)))
        for place, label in enumerate(self.classes):
            name = class_named(label, task.classes)
            if name is not None:
                known[:, task.classes.index(name)] = np.maximum(scores[:, place], 0)
        whole = known.sum(axis=1, keepdims=True)
        # a tool that sees only a class that is left out says nothing about the others
        return np.where(whole > 0, known / np.where(whole > 0, whole, 1), 1 / len(task.classes))

    def _refuse(self, output: Output, wrong: Mask, values: Floats, expected: str, problems: Problems) -> None:
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


def create(card: Card, vocabulary: tuple[Task, ...], settings: Settings) -> ToolOutput:
    """The entry that `kind = "tool-output"` of an entry.toml asks for.

    Its card holds what both the challenge asks for and the tables have. Classes of the tool that the challenge does
    not know are left out, the others made to sum to 1; a note of the card says which, and what about the tool is
    assumed.

    Raises:
        ProblemError: F01 the folder cannot be read; E18 there is no table, or none that a known tool writes, or
            nothing in it that is asked for; E02 a threshold out of range.
    """
    first = tables_in(settings.folder)[0]
    header = header_of(first)
    tool = _tool(settings, header, first)
    classes = tool.classes if tool.label else tuple(name for name in tool.classes if name in header)
    tasks = [task for task in (_covered(task, tool, classes, header) for task in vocabulary) if task is not None]
    if not tasks:
        asked = ", ".join(task.name for task in vocabulary)
        found, expected = f"a table of {tool.title}", f"columns for one of {asked}"
        raise ProblemError(Problem("E18", found, expected, "name another challenge or folder", str(first)))
    notes = _notes(tool, classes, tasks)
    return ToolOutput(replace(card, tasks=tuple(tasks), notes=(*card.notes, *notes)), tool, classes, settings)


def tables_in(folder: Path) -> list[Path]:
    """The tables of a folder, by name. Raises: ProblemError F01 it cannot be read, E18 there is none."""
    try:
        tables = sorted(path for path in folder.iterdir() if path.suffix == ".csv")
    except OSError as error:
        raise unreadable(folder, error) from error
    if not tables:
        raise ProblemError(Problem("E18", "no *.csv", "<unit>.csv for each unit", "run the tool first", str(folder)))
    return tables


def _tool(settings: Settings, header: Sequence[str], first: Path) -> Tool:
    if settings.tool == "auto":
        tool = recognised(header)
        if tool is None:
            found = f"columns {', '.join(header[:6])} ..."
            expected = f"those of one of {', '.join(tool.name for tool in TOOLS)}"
            raise ProblemError(Problem("E18", found, expected, "name the columns as the tool does", str(first)))
    else:
        tool = next(tool for tool in TOOLS if tool.name == settings.tool)
        lacking = [name for name in tool.marks if name not in header]
        if lacking:
            found, expected = f"no column {', '.join(lacking)}", f"the columns of {tool.title}"
            raise ProblemError(Problem("E18", found, expected, "correct settings.tool", str(first)))
    threshold = tool.threshold if settings.threshold is None else settings.threshold
    if threshold is not None and not 0 < threshold < MOST_INTENSE:
        found, expected = f"settings.threshold = {threshold:g}", f"a number between 0 and {MOST_INTENSE:g}"
        raise ProblemError(Problem("E02", found, expected, "correct it"))
    said = {"frame_base": settings.frame_base, "scores": settings.scores, "threshold": settings.threshold}
    given = {name: value for name, value in said.items() if value is not None}
    return replace(tool, **given, sources={**tool.sources, **dict.fromkeys(given, "settings")})


def _covered(task: Task, tool: Tool, classes: Sequence[str], header: Sequence[str]) -> Task | None:
    match task:
        case Continuous():
            has = {name for name in VALENCE_AROUSAL if tool.valence_arousal and _column_of(tool, name) in header}
            kept = tuple(name for name in task.columns if name in has)
            return replace(task, columns=kept) if kept else None
        case Categorical():
            meant = {class_named(name, task.classes) for name in classes}
            known = tuple(name for name in task.classes if name in meant)
            return replace(task, classes=known) if len(known) > 1 else None
        case MultiLabel():
            kept = tuple(name for name in task.columns if name in tool.units and tool.units[name].column in header)
            return replace(task, columns=kept) if kept else None


def _notes(tool: Tool, classes: Sequence[str], tasks: Sequence[Task]) -> tuple[str, ...]:
    notes = [f"read from tables of {tool.title}, frames from {tool.frame_base}"]
    for task in tasks:
        if isinstance(task, Categorical):
            lost = [name for name in classes if class_named(name, task.classes) is None]
            if lost:
                notes.append(f"{task.name}: left out, the others made to sum to 1: {', '.join(lost)}")
        elif isinstance(task, MultiLabel):
            graded = [name for name in task.columns if tool.units[name].scale == "intensity"]
            if graded:
                notes.append(f"{', '.join(graded)}: present from intensity {tool.threshold:g} on")
    if tool.assumed:
        notes.append(f"assumed about the tables: {', '.join(tool.assumed)}")
    return tuple(notes)


def _column_of(tool: Tool, name: str) -> str:
    assert tool.valence_arousal is not None
    return tool.valence_arousal[VALENCE_AROUSAL.index(name)]
