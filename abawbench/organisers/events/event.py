"""An event: the phases, deadlines, limits and texts of a challenge that somebody runs, read from event.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.base.toml_text import parse_toml
from abawbench.challenges import Challenge, get
from abawbench.organisers.events.deadlines import in_words
from abawbench.organisers.events.fields import EMAIL, IMAGE, NAME, PAGES, URL, WORD, Fields, Places

EVENT_KEYS = (
    "title",
    "challenge",
    "organisers",
    "contact",
    "site",
    "summary",
    "logo",
    "trials",
    "counts",
    "docker_image",
    "texts",
    "phases",
)
PHASE_KEYS = ("name", "codename", "begins", "ends", "daily", "total", "private", "shows_scores", "split", "description")
SPLITS = ("train", "validation", "test")
COUNTS: tuple[Literal["best", "last"], ...] = ("best", "last")
LARGEST_TEXT, LARGEST_LOGO = 1 << 20, 10 << 20


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of an event with a deadline and a truth of its own.

    Attributes:
        name: name for a reader, at most 100 characters.
        codename: name for programs: a-z, 0-9, - and _, at most 36 characters.
        begins: moment from which submissions are taken, in UTC.
        ends: last moment at which submissions are taken, in UTC; None where there is no end.
        daily: number of submissions of a team in a day; None where there is no limit.
        total: number of submissions of a team in the phase; None where there is no limit.
        is_private: True where messages must not tell anything of the truth.
        shows_scores: True where a team learns its score before the event is over.
        split: name of the split: train, validation or test.
        description: text for a reader, which may be empty.
    """

    name: str
    codename: str
    begins: datetime
    ends: datetime | None
    daily: int | None
    total: int | None
    is_private: bool
    shows_scores: bool
    split: str
    description: str


@dataclass(frozen=True)
class Event:
    """A challenge as somebody runs it.

    Attributes:
        title: name for a reader, at most 100 characters.
        challenge: the challenge.
        organisers: names of the organisers.
        contact: e-mail address of the organisers.
        site: address of the event's page; None where there is none.
        summary: the event in a sentence or two.
        logo: path of a PNG or JPEG; None where there is none.
        texts: paths of Markdown files by the name of their page, as `terms`.
        phases: phases in the order of their beginnings.
        trials: number of predictions that a team may send in all; None where there is no limit.
        path: path of the event file.
        counts: which of a team's submissions stands on the board, `best` or `last`.
        docker_image: image in which a platform runs the scoring program; None for that which a bundle chooses.
    """

    title: str
    challenge: Challenge
    organisers: str
    contact: str
    site: str | None
    summary: str
    logo: Path | None
    texts: Mapping[str, Path]
    phases: tuple[Phase, ...]
    trials: int | None
    path: Path
    counts: Literal["best", "last"] = "best"
    docker_image: str | None = None

    def phase(self, codename: str) -> Phase:
        """The phase of this codename. Raises: KeyError, there is none."""
        return {phase.codename: phase for phase in self.phases}[codename]


def read_event(path: Path) -> Event:
    """Read an event file; paths in it start at its folder.

    Raises:
        ProblemError: everything that is wrong with it: F01 it cannot be read, O01 unknown, missing or unfilled keys,
            O02 dates without quotes, time or zone, O03 phases that contradict each other, O04 names that are too long
            or of another form, O05 texts and pictures, O06 limits, C01 an unknown challenge, and the problems of a
            challenge of one's own.
    """
    text, record = _parse(path)
    problems: list[Problem] = []
    places = Places(text)
    fields = Fields(record, EVENT_KEYS, "", str(path), places, problems)
    texts = Fields(fields.table("texts"), (), "texts.", str(path), places, problems)
    challenge = _challenge(fields, path, problems)
    event = partial(
        Event,
        title=fields.text("title", NAME),
        organisers=fields.text("organisers"),
        contact=fields.text("contact", EMAIL),
        site=fields.optional_text("site", URL),
        summary=fields.text("summary"),
        logo=fields.picture("logo", path.parent, LARGEST_LOGO),
        texts=MappingProxyType(texts.pages(PAGES, path.parent, LARGEST_TEXT)),
        phases=_phases(record, path, places, problems),
        trials=fields.limit("trials"),
        path=path,
        counts=fields.choice("counts", COUNTS, "best"),
        docker_image=fields.optional_text("docker_image", IMAGE),
    )
    if problems or challenge is None:
        raise ProblemError(*dict.fromkeys(problems))
    return event(challenge=challenge)


def notes_on(event: Event) -> tuple[Problem, ...]:
    """What may be meant and may be not: N75 for phases that overlap."""
    notes: list[Problem] = []
    for earlier, later in combinations(event.phases, 2):
        if earlier.ends is None or later.begins <= earlier.ends:
            end = "never ends" if earlier.ends is None else f"ends {in_words(earlier.ends)}"
            found = f"{later.codename} begins {in_words(later.begins)}, {earlier.codename} {end}"
            fix = "let one begin after the other ends, unless both are meant to be open"
            notes.append(Problem("N75", found, "one phase after the other", fix, str(event.path)))
    return tuple(notes)


def _parse(path: Path) -> tuple[str, Mapping[str, Any]]:
    """The text of an event file and its table. Raises: ProblemError F01, O01, O02."""
    try:
        text = read_input(path, LARGEST_TEXT).decode("utf-8-sig")
    except OSError as error:
        fix = "check the path; `abawbench bundle event` writes one to fill in"
        raise unreadable(path, error, "an event file", fix) from error
    except UnicodeDecodeError as error:
        raise ProblemError(
            Problem("O01", "bytes that are not UTF-8", "UTF-8", "save it as UTF-8", str(path))
        ) from error
    try:
        return text, parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise ProblemError(Places.syntax_problem(text, error, str(path))) from error
    except ValueError as error:
        raise ProblemError(Problem("O01", str(error), "a TOML file", "correct it there", str(path))) from error


def _challenge(fields: Fields, path: Path, problems: list[Problem]) -> Challenge | None:
    name = fields.text("challenge")
    if not name:
        return None
    is_path = name.endswith(".toml") or "/" in name
    try:
        return get(str(path.parent / name) if is_path else name)
    except ProblemError as error:
        problems.extend(error.problems)
        return None


def _phases(record: Mapping[str, Any], path: Path, places: Places, problems: list[Problem]) -> tuple[Phase, ...]:
    given = record.get("phases")
    tables = cast(list[Any], given) if isinstance(given, list) else []
    if not tables or not all(isinstance(table, dict) for table in tables):
        fix = "write [[phases]] and the keys of a phase below it"
        problems.append(Problem("O03", "no phase", "one phase at least", fix, str(path), places.line("", "phases")))
        return ()
    phases = [
        _phase(Fields(table, PHASE_KEYS, f"phases.{number}.", str(path), places, problems))
        for number, table in enumerate(tables)
    ]
    for what, names in (("codename", [one.codename for one in phases]), ("name", [one.name for one in phases])):
        for number, name in enumerate(names):
            if name and name in names[:number]:
                line = places.line(f"phases.{number}.", what)
                fix = "give each phase its own"
                problems.append(Problem("O03", f"{what} = '{name}' twice", f"every {what} once", fix, str(path), line))
    return tuple(sorted(phases, key=lambda phase: phase.begins))


def _phase(fields: Fields) -> Phase:
    begins, ends = fields.moment("begins"), fields.optional_moment("ends")
    split = fields.choice("split", SPLITS, "test")
    is_private = fields.flag("private", default=split == "test")
    daily, total = fields.limit("daily"), fields.limit("total")
    if ends is not None and fields.has("begins") and ends <= begins:
        found = f"ends {in_words(ends)}, begins {in_words(begins)}"
        fields.add("O03", "ends", found, "an end after the beginning", "correct one of the two")
    if daily is not None and total is not None and daily > total:
        fields.add("O06", "daily", f"{daily} a day, {total} in all", "no more a day than in all", "correct one of them")
    return Phase(
        name=fields.text("name", NAME),
        codename=fields.text("codename", WORD),
        begins=begins,
        ends=ends,
        daily=daily,
        total=total,
        is_private=is_private,
        shows_scores=fields.flag("shows_scores", default=not is_private),
        split=split,
        description=fields.optional_text("description") or "",
    )
