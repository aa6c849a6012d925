"""Entries by the name of their folder under submissions/, or by its path."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from abawbench import challenges
from abawbench.entries.model import Card, Entry, Picture, Trainable
from abawbench.errors import Problem, ProblemError

FILE = "entry.toml"
# kind -> module:factory, module:settings; resolved when an entry of the kind is loaded
KINDS: dict[str, tuple[str, str]] = {
    "constant": ("abawbench.entries.controls:constant", "abawbench.entries.controls:ConstantSettings"),
    "hog": ("abawbench.entries.classical:create", "abawbench.entries.classical:Settings"),
    "mean": ("abawbench.entries.controls:mean", "abawbench.entries.controls:NoSettings"),
    "prior": ("abawbench.entries.controls:prior", "abawbench.entries.controls:NoSettings"),
    "shuffled": ("abawbench.entries.controls:shuffled", "abawbench.entries.controls:ShuffleSettings"),
}


class _Picture(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    size: int = Field(ge=1)
    colour: Literal["RGB", "BGR", "grey"]
    crop: str = Field(min_length=1)


class _EntryFile(BaseModel):
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


def folders(root: Path = Path("submissions")) -> tuple[Path, ...]:
    """The folders of all entries under a folder of submissions, by name."""
    return tuple(sorted(path.parent for path in root.glob(f"*/{FILE}")))


def load_entry(name: str | Path, *, root: Path = Path("submissions")) -> Entry | Trainable:
    """The entry of this name; a `Trainable` where it must see labels before it can answer.

    Args:
        name: a folder under `root`, or the path of a folder with an entry.toml.
        root: the folder of submissions.

    Raises:
        ProblemError: E01 unknown name or kind, C01 unknown vocabulary, E02 everything that is wrong in entry.toml.
    """
    path = next((place / FILE for place in (root / name, Path(name)) if (place / FILE).is_file()), None)
    if path is None:
        known = [folder.name for folder in folders(root)]
        raise ProblemError(_unknown("entry", str(name), known, f"the name of a folder of {root} that has an {FILE}"))
    content = _read(path)
    if content.kind not in KINDS:
        raise ProblemError(_unknown("kind", content.kind, KINDS, "a kind of entry", path))
    factory, settings_type = (_resolve(place) for place in KINDS[content.kind])
    card = Card(
        name=content.name,
        title=content.title,
        tasks=(),
        picture=None if content.picture is None else Picture(**content.picture.model_dump()),
        trained_on=tuple(content.trained_on),
        trained_videos=(),
        sees_truth=content.sees_truth,
        licence=content.licence,
        paper=content.paper,
        notes=tuple(content.notes),
    )
    vocabulary = challenges.get(content.vocabulary).tasks
    try:
        return factory(card, vocabulary, _settings(settings_type, content.settings, path))
    except ProblemError as error:
        raise ProblemError(*(dataclasses.replace(problem, file=str(path)) for problem in error.problems)) from error


def _read(path: Path) -> _EntryFile:
    try:
        content = _EntryFile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProblemError(Problem("E02", str(error), "a TOML file", "correct it at that place", str(path))) from error
    except OSError as error:
        reason = error.strerror or "an error of the file system"
        raise ProblemError(Problem("F01", reason, "a readable file", "check the path", str(path))) from error
    except ValidationError as error:
        fields = list(_EntryFile.model_fields)
        raise ProblemError(*_wrong_fields(error, "", fields, path)) from error
    if content.name != path.resolve().parent.name:
        found = f"name = {content.name} in the folder {path.resolve().parent.name}"
        raise ProblemError(
            Problem("E02", found, "the folder's name", "rename the folder or correct the name", str(path))
        )
    return content


def _settings(kind: type[Any], given: dict[str, Any], path: Path) -> object:
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ProblemError(*(_not_a_field(f"settings.{name}", name, known, path) for name in unknown))
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        raise ProblemError(*_wrong_fields(error, "settings.", known, path)) from error


def _wrong_fields(error: ValidationError, prefix: str, known: Sequence[str], path: Path) -> Iterable[Problem]:
    for fault in error.errors():
        place = prefix + ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            yield _not_a_field(place, str(fault["loc"][-1]), known, path)
        elif fault["type"] == "missing":
            yield Problem("E02", f"no field {place}", "every field of an entry", f"add {place} = ...", str(path))
        else:
            message = fault["msg"][0].lower() + fault["msg"][1:]
            yield Problem("E02", f"{place} = {fault['input']!r}", message, f"correct {place}", str(path))


def _not_a_field(place: str, name: str, known: Sequence[str], path: Path) -> Problem:
    near = difflib.get_close_matches(name, known, 1)
    expected = f"one of {', '.join(known)}" if known else "no settings"
    return Problem("E02", f"field {place}", expected, f"did you mean {near[0]}?" if near else "remove it", str(path))


def _unknown(what: str, name: str, known: Iterable[str], expected: str, path: Path | None = None) -> Problem:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 3)
    fix = f"did you mean {', '.join(near)}?" if near else f"known here: {', '.join(names) or 'none'}"
    return Problem("E01", f"{what} {name}", expected, fix, None if path is None else str(path))


def _resolve(place: str) -> Any:
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)
