"""entry.toml: reading it, and everything that is wrong with it at once."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.entries.model import Card, Picture

FILE = "entry.toml"
# beside it where a training made the entry
RUN = "run.json"
# errors of pydantic about a value of the right type
RANGES = {
    "finite_number",
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
    "too_short",
    "value_error",
}


class _Picture(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    size: int = Field(ge=1)
    colour: Literal["RGB", "BGR", "grey"]
    crop: str = Field(min_length=1)


class EntryFile(BaseModel):
    """What entry.toml holds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(pattern=r"^\d{4}_[a-z0-9-]+_[a-z0-9-]+$")
    title: str = Field(min_length=1)
    kind: str
    vocabulary: str
    trained_on: list[str]
    sees_truth: bool
    licence: str = Field(min_length=1)
    paper: str | None = None
    notes: list[str] = []
    picture: _Picture | None = None
    settings: dict[str, Any] = {}
    training: dict[str, Any] = {}

    def card(self) -> Card:
        """The card it describes; tasks, weights and networks are known when the entry is made."""
        return Card(
            name=self.name,
            title=self.title,
            tasks=(),
            picture=None if self.picture is None else Picture(**self.picture.model_dump()),
            trained_on=tuple(self.trained_on),
            sees_truth=self.sees_truth,
            licence=self.licence,
            paper=self.paper,
            notes=tuple(self.notes),
        )


def read_entry_file(path: Path, changes: Mapping[str, Any] | None = None) -> EntryFile:
    """The content of an entry file.

    A file `entry.toml` has the name of its folder; another one, as `tiny.toml`, that name, a dash and its own stem. The
    folder of a training may have any name.

    Args:
        path: the file.
        changes: values in the place of the file's, by dotted name, as `settings.temporal.width` or
            `settings.backbones.0.kind`.

    Raises:
        ProblemError: F01 it cannot be read, E02 everything that is wrong in it.
    """
    try:
        record = tomllib.loads(path.read_text("utf-8"))
        for name, value in (changes or {}).items():
            _change(record, name, value, path)
        content = EntryFile.model_validate(record)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProblemError(Problem("E02", str(error), "a TOML file", "correct it at that place", str(path))) from error
    except OSError as error:
        raise unreadable(path, error, "a readable file") from error
    except ValidationError as error:
        raise ProblemError(*_wrong_fields(error, "", list(EntryFile.model_fields), path)) from error
    folder = path.resolve().parent.name
    name = folder if path.name == FILE else f"{folder}-{path.stem}"
    if content.name != name and not (path.parent / RUN).is_file():
        found = f"name = {content.name} in the folder {folder}"
        fix = "rename the folder or correct the name"
        raise ProblemError(Problem("E02", found, f"the folder's name: {name}", fix, str(path)))
    return content


def read_settings(
    kind: type[Any], given: dict[str, Any], path: Path, *, table: str = "settings", out_of_range: str = "E02"
) -> Any:
    """Settings of an entry as the dataclass of its kind; relative paths in them start at the entry's folder.

    Args:
        kind: the dataclass.
        given: what the file says.
        path: the file.
        table: the table of the file that says it.
        out_of_range: rule of a value out of range.

    Raises:
        ProblemError: E02, unknown fields and values of another type; `out_of_range`, values out of range.
    """
    known = [field.name for field in dataclasses.fields(kind)]
    problems = list(_unknown_fields(kind, given, f"{table}.", path))
    if problems:
        raise ProblemError(*problems)
    try:
        settings = TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        raise ProblemError(*_wrong_fields(error, f"{table}.", known, path, out_of_range)) from error
    return _with_paths(settings, path.parent)


def _change(record: dict[str, Any], name: str, value: Any, path: Path) -> None:
    *above, last = name.split(".")
    place: Any = record
    try:
        for part in above:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        place[int(last) if isinstance(place, list) else last] = value
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        expected = "a table, or a list with so many parts, where the name leads through"
        raise ProblemError(Problem("E02", f"a value for {name}", expected, "correct the name", str(path))) from error


def _unknown_fields(kind: type[Any], given: dict[str, Any], prefix: str, path: Path) -> Iterable[Problem]:
    """Dataclasses, unlike models of pydantic, take no notice of a misspelt field, at any depth."""
    import typing

    hints = typing.get_type_hints(kind)
    for name, value in given.items():
        if name not in hints:
            yield _not_a_field(f"{prefix}{name}", name, list(hints), path)
            continue
        inner = next((part for part in (hints[name], *typing.get_args(hints[name])) if _is_settings(part)), None)
        if inner is None:
            continue
        several = value if isinstance(value, list) else list(value.values()) if _is_mapping(hints[name]) else [value]
        for place, part in enumerate(several):
            if isinstance(part, dict):
                index = f".{place}" if isinstance(value, list) else ""
                yield from _unknown_fields(inner, cast(dict[str, Any], part), f"{prefix}{name}{index}.", path)


def _is_settings(kind: Any) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def _is_mapping(hint: Any) -> bool:
    import typing
    from collections.abc import Mapping

    origin = typing.get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _with_paths(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return Path(os.path.normpath(folder / value.expanduser()))
    if isinstance(value, tuple):
        return tuple(_with_paths(part, folder) for part in cast(tuple[Any, ...], value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        moved = {name: _with_paths(part, folder) for name, part in parts.items()}
        changed = {name: part for name, part in moved.items() if part is not parts[name]}
        return dataclasses.replace(value, **changed) if changed else value
    return value


def _wrong_fields(
    error: ValidationError, prefix: str, known: Sequence[str], path: Path, out_of_range: str = "E02"
) -> Iterable[Problem]:
    for fault in error.errors():
        place = prefix + ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            yield _not_a_field(place, str(fault["loc"][-1]), known, path)
        elif fault["type"] == "missing":
            yield Problem("E02", f"no field {place}", "every field of an entry", f"add {place} = ...", str(path))
        else:
            message, fix = fault["msg"][0].lower() + fault["msg"][1:], f"correct {place}"
            if fault["type"] == "literal_error":
                names = re.findall("'([^']+)'", fault["ctx"]["expected"])
                near = difflib.get_close_matches(str(fault["input"]), names, 1)
                fix = f"did you mean {near[0]}?" if near else fix
            rule = out_of_range if fault["type"] in RANGES else "E02"
            yield Problem(rule, f"{place} = {fault['input']!r}", message, fix, str(path))


def _not_a_field(place: str, name: str, known: Sequence[str], path: Path) -> Problem:
    near = difflib.get_close_matches(name, known, 1)
    expected = f"one of {', '.join(known)}" if known else "no settings"
    return Problem("E02", f"field {place}", expected, f"did you mean {near[0]}?" if near else "remove it", str(path))
