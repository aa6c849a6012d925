"""The values of an event file, each checked, with the line where it stands."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, TypeVar, cast

from abawbench.base.files import read_input
from abawbench.base.placeholders import is_placeholder
from abawbench.base.problems import Problem, ProblemError, did_you_mean, os_reason
from abawbench.clips.picture_header import fault_of
from abawbench.organisers.events.deadlines import EXAMPLE, parse_moment

Word = TypeVar("Word", bound=str)

# what a field that is wrong has meanwhile
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
# pages that every event has; further ones are added behind them
PAGES = ("overview", "evaluation", "submission_format", "data", "rules", "terms")
_TABLE = re.compile(r"\s*(\[\[?)\s*([\w.\"'-]+)\s*\]\]?")
_KEY = re.compile(r"\s*[\"']?([\w-]+)[\"']?\s*=")
_BARE_DATE = re.compile(r"=\s*\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a text.

    Attributes:
        longest: greatest number of characters.
        pattern: regular expression that the whole text matches.
        name: the form in words.
    """

    longest: int
    pattern: str
    name: str


# the least that a platform takes: EvalAI names of 100 characters, Codabench keys of 36 and images of 128
NAME = Form(100, r"[^\r\n]*\S[^\r\n]*", "a name in one line")
WORD = Form(36, r"[a-z0-9][a-z0-9_-]*", "a-z, 0-9, - and _")
EMAIL = Form(254, r"[^@\s<>\"',;]+@[^@\s<>\"',;]+\.[^@\s<>\"',;.]+", "an e-mail address")
URL = Form(200, r"https?://[^\s<>\"]+", "an address that begins with https://")
IMAGE = Form(128, r"\S+", "the name of an image, as codalab/codalab-legacy:py39")
TEXT = Form(4000, r"(?s).*\S.*", "a text")


class Places:
    """The lines of a TOML text in which its keys stand, as far as they stand in lines of their own."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, str], int] = {}
        table, counts = "", {"": 0}
        for number, line in enumerate(text.splitlines(), start=1):
            head, key = _TABLE.match(line), _KEY.match(line)
            if head is not None:
                name = head[2]
                if head[1] == "[[":
                    table = f"{name}.{counts.get(name, 0)}."
                    counts[name] = counts.get(name, 0) + 1
                else:
                    table = f"{name}."
                self._lines.setdefault(("", name), number)
                self._lines.setdefault((table, ""), number)
            elif key is not None:
                self._lines.setdefault((table, key[1]), number)

    def line(self, table: str, key: str) -> int | None:
        """The line of a key, or else that of its table; None where neither is known.

        Args:
            table: dotted name of the table with a dot at its end, as `phases.0.`; empty for the file itself.
            key: name of the key.
        """
        return self._lines.get((table, key)) or self._lines.get((table, ""))

    @staticmethod
    def syntax_problem(text: str, error: tomllib.TOMLDecodeError, file: str) -> Problem:
        """What is wrong with a text that is no TOML: O02 for a date without quotes, O01 for anything else."""
        found = re.search(r"line (\d+)", str(error))
        number = None if found is None else int(found[1])
        line = "" if number is None else text.splitlines()[min(number, len(text.splitlines())) - 1]
        if _BARE_DATE.search(line):
            fix = f"write it in quotes, as {EXAMPLE}"
            return Problem("O02", f"a date without quotes: {line.strip()}", "quoted text", fix, file, number)
        return Problem("O01", str(error), "a TOML file", "correct it there", file, number)


class Fields:
    """The fields of one table; what is wrong with a field is added to the problems, and a plain value stands for it.

    Args:
        record: the table.
        known: names of the keys that it may have; with none, any.
        table: dotted name of the table with a dot at its end, as `phases.0.`; empty for the file itself.
        file: path of the file, for messages.
        places: lines of the keys.
        problems: what was found so far.
    """

    def __init__(
        self,
        record: Mapping[str, Any],
        known: Sequence[str],
        table: str,
        file: str,
        places: Places,
        problems: list[Problem],
    ) -> None:
        self._record, self._table, self._file, self._places, self._problems = record, table, file, places, problems
        for key in record if known else ():
            if key not in known:
                expected = f"one of {', '.join(known)}"
                self.add("O01", key, f"key {table}{key}", expected, did_you_mean(key, known, "remove it"))

    def has(self, key: str) -> bool:
        """True if the table has the key."""
        return key in self._record

    def add(self, rule: str, key: str, found: str, expected: str, fix: str) -> None:
        """Add a problem of a key."""
        line = self._places.line(self._table, key)
        self._problems.append(Problem(rule, found, expected, fix, self._file, line))

    def text(self, key: str, form: Form = TEXT) -> str:
        """A text that is needed."""
        if key not in self._record:
            self.add("O01", key, f"no key {self._table}{key}", form.name, f'add {key} = "..."')
            return ""
        return self.optional_text(key, form) or ""

    def optional_text(self, key: str, form: Form = TEXT) -> str | None:
        """A text; None where there is none."""
        value = self._record.get(key)
        if value is None:
            return None
        name = f"{self._table}{key}"
        if not isinstance(value, str):
            self.add("O01", key, f"{name} = {value}", f"{form.name}, quoted", f'write {key} = "..."')
        elif is_placeholder(value):
            self.add("O01", key, f"{name} = '{value}', a placeholder", form.name, f"fill in {key}")
        elif len(value) > form.longest:
            expected = f"at most {form.longest}"
            self.add("O04", key, f"{name} of {len(value)} characters", expected, f"shorten {key}")
        elif re.fullmatch(form.pattern, value) is None:
            self.add("O04", key, f"{name} = '{value}'", form.name, f"correct {key}")
        else:
            return value
        return None

    def choice(self, key: str, choices: Sequence[Word], default: Word) -> Word:
        """One of some words."""
        value = self._record.get(key, default)
        for choice in choices:
            if value == choice:
                return choice
        fix = did_you_mean(str(value), choices, f"write one of {', '.join(choices)}")
        self.add("O01", key, f"{self._table}{key} = {value!r}", f"one of {', '.join(choices)}", fix)
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._record.get(key, default)
        if isinstance(value, bool):
            return value
        self.add("O01", key, f"{self._table}{key} = {value!r}", "true or false", "write true or false, without quotes")
        return default

    def limit(self, key: str) -> int | None:
        """A whole number from 1; None where there is none."""
        value = self._record.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
            return value
        fix = f"correct {key}, or remove it where there is no limit"
        self.add("O06", key, f"{self._table}{key} = {value!r}", "a whole number from 1", fix)
        return None

    def moment(self, key: str) -> datetime:
        """A date that is needed, in UTC."""
        if key not in self._record:
            self.add("O02", key, f"no key {self._table}{key}", f"a date as {EXAMPLE}", f"add {key} = {EXAMPLE}")
        return self.optional_moment(key) or NEVER

    def optional_moment(self, key: str) -> datetime | None:
        """A date in UTC; None where there is none."""
        value = self._record.get(key)
        name = f"{self._table}{key}"
        if isinstance(value, date | time):
            fix = f'write {key} = "{str(value)[:19]} AoE", or another zone, in quotes'
            self.add("O02", key, f"{name} = {value}, a date without quotes", "quoted text with a zone", fix)
        elif value is not None and not isinstance(value, str):
            self.add("O02", key, f"{name} = {value!r}", "a date with time and zone", f"write {key} = {EXAMPLE}")
        elif value is not None and is_placeholder(value):
            self.add("O01", key, f"{name} = '{value}', a placeholder", f"a date as {EXAMPLE}", f"fill in {key}")
        elif value is not None:
            try:
                return parse_moment(value)
            except ValueError as error:
                fix = f"write it as {EXAMPLE}; zones are UTC, AoE, +02:00, Europe/London and the like"
                self.add("O02", key, f"{name} = '{value}', {error}", "a date with time and zone", fix)
        return None

    def table(self, key: str) -> Mapping[str, Any]:
        """A table inside this one; empty where there is none."""
        value = self._record.get(key, {})
        if isinstance(value, dict):
            return cast(dict[str, Any], value)
        self.add("O01", key, f"{self._table}{key} = {value!r}", "a table", f"write [{key}] and its keys below")
        return {}

    def pages(self, usual: Sequence[str], folder: Path, largest: int) -> dict[str, Path]:
        """Paths of Markdown files by the name of their page."""
        found: dict[str, Path] = {}
        for key in self._record:
            fix = did_you_mean(key, usual, "")
            if re.fullmatch(WORD.pattern, key) is None or len(key) > WORD.longest or (key not in usual and fix):
                expected = f"{', '.join(usual)}, or another name of {WORD.name}"
                self.add("O01", key, f"page {self._table}{key}", expected, fix or "correct the name of the page")
                continue
            name = self.optional_text(key)
            data = None if name is None else self._file_of(key, folder, name, (".md",), largest)
            if name is None or data is None:
                continue
            try:
                is_empty = not data.decode("utf-8-sig").strip()
            except UnicodeDecodeError:
                self.add("O05", key, f"{name} is not UTF-8", "text in UTF-8", "save it as UTF-8")
                continue
            if is_empty:
                self.add("O05", key, f"{name} is empty", "a text", "write the page, or remove the key")
            else:
                found[key] = folder / name
        return found

    def picture(self, key: str, folder: Path, largest: int) -> Path | None:
        """Path of a picture; None where there is none."""
        name = self.optional_text(key)
        data = None if name is None else self._file_of(key, folder, name, (".png", ".jpg", ".jpeg"), largest)
        if name is None or data is None:
            return None
        is_named_right = data.startswith(b"\x89PNG" if name.lower().endswith(".png") else b"\xff\xd8")
        fault = fault_of(data) or (None if is_named_right else "a picture of another kind than its name says")
        if fault is None:
            return folder / name
        self.add("O05", key, f"{name}: {fault}", "a PNG or JPEG", "save it as PNG")
        return None

    def _file_of(self, key: str, folder: Path, name: str, suffixes: Sequence[str], largest: int) -> bytes | None:
        """The bytes of a file that a key names; None where it cannot be used."""
        path = folder / name
        expected = " or ".join(suffixes)
        if path.suffix.lower() not in suffixes:
            self.add("O05", key, f"{self._table}{key} = '{path.name}'", f"a file {expected}", f"name a file {expected}")
            return None
        try:
            if _leads_out(path, folder):
                fix = "put a copy of the file there: what a bundle holds is published"
                self.add("O05", key, f"{path}: a link to {path.resolve()}", "a file below the event", fix)
                return None
            return read_input(path, largest)
        except (OSError, ValueError, ProblemError, RuntimeError) as error:
            reason = error.problems[0].found if isinstance(error, ProblemError) else os_reason(error)
            self.add("O05", key, f"{path}: {reason}", f"a file {expected} that can be read", "correct the path")
            return None


def _leads_out(path: Path, folder: Path) -> bool:
    """True for a path that links take to another place than its words say, outside of the folder."""
    place, root = path.resolve(), folder.resolve()
    is_as_written = place == Path(os.path.normpath(root / os.path.relpath(os.path.normpath(path), folder)))
    return not is_as_written and not place.is_relative_to(root)
