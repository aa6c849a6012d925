"""Which columns of a DataFrame name its rows, and which hold the values of a challenge's tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.challenges import Challenge
from abawbench.formats.columns import Role
from abawbench.formats.layout import Key, layouts
from abawbench.formats.text import quote
from abawbench.formats.value_forms import lacking_scores, score_columns
from abawbench.labels import plain, spelling

if TYPE_CHECKING:
    import pandas as pd

# names of columns in every challenge; those of its own formats are added
VIDEO = "video"
FRAME = "frame"
# names that Arrow and pandas give an index without a name
UNNAMED = ("__index_level_", "Unnamed: ")
ROW_NAMES = ("image_location", "image", "Filename", "File_ID", "video_id")


@dataclass(frozen=True, slots=True)
class Selection:
    """The columns of a DataFrame by their meaning, each as its position.

    Attributes:
        names: names of the columns, stripped.
        row_name: column of videos, or of names of rows.
        is_video: True where that column is called video.
        frame: column of frame numbers; None where there is none.
        values: column of each label of the tasks; a label is missing where its task is given by scores alone.
        scores: by task, the columns of the scores of its classes.
        has_probability: True where the scores of two classes are their probabilities, which the challenge asks for.
        probability: column of the probability of class 1 that `to_frame` gives; None where there is none.
        filled: column of filled rows that `to_frame` gives; None where there is none.
        unread: names of the columns that are not read.
    """

    names: tuple[str, ...]
    row_name: int
    is_video: bool
    frame: int | None
    values: Mapping[str, int]
    scores: Mapping[str, tuple[int, ...]]
    has_probability: bool
    probability: int | None
    filled: int | None
    unread: tuple[str, ...]

    @property
    def may_name_frames(self) -> bool:
        """True where the names of rows may hold the frames, too."""
        return not self.is_video or self.frame is None


def with_index(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """The frame with the named levels of its index as columns in front, and without its own index.

    Raises:
        ProblemError: F04, a level of the index has another length than the columns.
    """
    levels = [level for level, name in enumerate(frame.index.names) if name is not None]
    if not levels:
        return frame.reset_index(drop=True)
    known = {_text(name) for name in frame.columns}
    parts = [frame.index.get_level_values(level) for level in levels if frame.index.names[level] not in known]
    bare = frame.reset_index(drop=True)
    if any(len(part) != len(bare) for part in parts):
        # pandas makes such an index of columns with one name
        found, fix = "an index of another length than its columns", "keep one column of each name before set_index"
        raise ProblemError(Problem("F04", found, f"{len(bare):,} names of rows", fix, source))
    for place, part in enumerate(parts):
        bare.insert(place, part.name, part.to_series(index=bare.index), allow_duplicates=True)
    return bare


def key_of(challenge: Challenge) -> Key:
    """The form of the names of rows in the challenge's files, or in those of its kin."""
    candidates = (*layouts(challenge, "prediction"), *layouts(challenge, "truth"))
    keys: list[Key] = [layout.key for layout in candidates if layout.key not in {"line", "frame"}]
    return keys[0] if keys else "path"


def has_frames(challenge: Challenge) -> bool:
    """True where a row of the challenge is a frame of a video, and not a whole video or a picture."""
    return layouts(challenge, "prediction")[0].key not in {"id", "image"}


def find_columns(challenge: Challenge, names: Sequence[object], role: Role, source: str) -> Selection:
    """Find the columns of a challenge, whatever the case, blanks, hyphens and underscores of their names.

    Args:
        challenge: challenge whose tasks the columns belong to.
        names: names of the columns.
        role: role of the rows.
        source: origin of the rows, for messages.

    Raises:
        ProblemError: F04, columns are missing, or there twice.
    """
    texts = tuple(_text(name) for name in names)
    finder = _Finder(texts, source)
    found = layouts(challenge, role)
    headers = [(layout, name.split(",")) for layout in found for name in layout.headers]
    frames = [FRAME, *(header[0] for layout, header in headers if layout.key == "frame")]
    ids = [header[0] for layout, header in headers if layout.key not in {"frame", "line"}]
    video, frame = finder.find(VIDEO), finder.find(*frames)
    needs_name = video is None or (frame is None and has_frames(challenge))
    named = finder.find(*dict.fromkeys((*ids, *ROW_NAMES))) if needs_name else None
    row_name = video if named is None else named
    aliases: dict[str, list[str]] = {}
    for layout, header in headers:
        if len(header) == layout.width:
            for column, name in zip(layout.columns, header[layout.has_key :], strict=True):
                aliases.setdefault(column.name, []).append(name)
    has_probability = any(layout.has_probabilities for layout in found)
    values: dict[str, int] = {}
    scores: dict[str, tuple[int, ...]] = {}
    missing = [VIDEO] if row_name is None else []
    for task in challenge.tasks:
        places = {name: finder.find(name, *aliases.get(name, ())) for name in task.labels}
        values |= {name: place for name, place in places.items() if place is not None}
        lacking = [name for name, place in places.items() if place is None]
        columns = score_columns(task, texts) if lacking or has_probability else None
        if columns is not None:
            scores[task.name] = columns
        else:
            missing += lacking
    finder.problems.raise_if_any()
    if row_name is None or missing:
        raise ProblemError(missing_columns(challenge, texts, missing, source))
    probability = finder.find("probability") if has_probability else None
    filled = finder.find("filled")
    used = {
        row_name,
        frame,
        probability,
        filled,
        *values.values(),
        *(place for row in scores.values() for place in row),
    }
    unread = tuple(
        "index" if not name or name.startswith(UNNAMED) else name
        for place, name in enumerate(texts)
        if place not in used
    )
    return Selection(
        texts, row_name, named is None, frame, values, scores, has_probability, probability, filled, unread
    )


def is_table(header: Sequence[str], role: Role) -> bool:
    """True for a header with a column of videos, or in a prediction one of names of rows."""
    known = {plain(name) for name in (VIDEO, *(ROW_NAMES if role == "prediction" else ()))}
    return not known.isdisjoint(plain(name) for name in header)


def missing_columns(challenge: Challenge, names: Sequence[str], missing: Sequence[str], source: str) -> Problem:
    """F04 for columns that a DataFrame lacks."""
    wanted = [VIDEO, *((FRAME,) if has_frames(challenge) else ())]
    wanted += [name for task in challenge.tasks for name in task.labels]
    there = f"; the columns are {', '.join(names[:20])}{' ...' * (len(names) > 20)}" if names else ""
    scores = [
        f"scores of classes, but none of {', '.join(lacking)}"
        for task in challenge.tasks
        if (lacking := lacking_scores(task, names))
    ]
    found = "; ".join([f"no column {', '.join(missing)}", *scores]) + there
    fix = "give the columns these names; scores of classes may stand in columns named by the classes"
    return Problem("F04", found, ", ".join(wanted), fix, source)


class _Finder:
    """Columns found by name."""

    def __init__(self, names: Sequence[str], source: str) -> None:
        self.problems = Problems()
        self._source = source
        self._places: dict[str, list[int]] = {}
        self._names = names
        for place, name in enumerate(names):
            self._places.setdefault(spelling(name), []).append(place)

    def find(self, *names: str) -> int | None:
        """Position of the first of these columns that is there; a column that is there twice goes to `problems`."""
        for name in names:
            places = self._places.get(spelling(name), [])
            exact = [place for place in places if self._names[place] == name]
            if len(exact) == 1 or len(places) == 1:
                return (exact or places)[0]
            if places:
                spelt = ", ".join(quote(self._names[place]) for place in places)
                fix = f"keep one column '{name}'"
                self.problems.add(Problem("F04", f"{len(places)} columns {spelt}", f"one '{name}'", fix, self._source))
                return places[0]
        return None


def _text(name: object) -> str:
    """A column's name; the parts of a hierarchical one that say something, joined."""
    parts = name if isinstance(name, tuple) else (name,)
    return "_".join(text for part in parts if (text := str(part).strip()))
