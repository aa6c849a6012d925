"""Reads entry.toml: its fields and its tables of settings, with all problems at once."""

from __future__ import annotations

import dataclasses
import os
import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator
from pydantic_core import PydanticCustomError

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError, did_you_mean, unreadable
from abawbench.base.toml_text import parse_toml
from abawbench.clips.crop import FORMS, Crop
from abawbench.entries.model import Card
from abawbench.entries.packed import is_packed, read_packed
from abawbench.models.image_input import LARGEST, ImageInput

FILE = "entry.toml"
# file beside the entry file where a training made the entry
RUN = "run.json"
_TOML = ("a TOML file", "correct it at that place")
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

    size: int = Field(ge=1, le=LARGEST)
    colour: Literal["RGB", "BGR", "grey"]
    crop: str = ""

    @field_validator("crop")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            return Crop.named(name).name if name else name
        except ValueError as error:
            raise PydanticCustomError("crop", "One of " + FORMS) from error


class EntryFile(BaseModel):
    """The content of an entry.toml."""

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
        """The card of the entry, without tasks, weights and networks, which are known when the entry is made."""
        return Card(
            name=self.name,
            title=self.title,
            tasks=(),
            picture=None if self.picture is None else ImageInput(**self.picture.model_dump()),
            trained_on=tuple(self.trained_on),
            sees_truth=self.sees_truth,
            licence=self.licence,
            paper=self.paper,
            notes=tuple(self.notes),
        )


def read_entry_file(path: Path, changes: Mapping[str, Any] | None = None) -> EntryFile:
    """The content of an entry file.

    The name in an `entry.toml` is that of its folder; in another file, as `tiny.toml`, it is the name of the folder,
    a dash and the stem of the file. The folder of a training, and a Hugging Face folder, may have any name.

    Args:
        path: path of the file: a TOML file, or the config.json of a Hugging Face folder (`entries.packed`).
        changes: values that replace those of the file, by dotted name, as `settings.temporal.width` or
            `settings.backbones.0.kind`.

    Raises:
        ProblemError: F01 the file cannot be read, E02 everything wrong in it.
    """
    packed = is_packed(path)
    try:
        record = read_packed(path) if packed else parse_toml(read_input(path))
        for name, value in (changes or {}).items():
            _change(record, name, value, path)
        content = EntryFile.model_validate(record)
    except OSError as error:
        raise unreadable(path, error, "a readable file") from error
    except ValidationError as error:
        raise ProblemError(*_describe(error, EntryFile, path)) from error
    except ValueError as error:
        expected, fix = ("a config.json as exports write it", "export the entry again") if packed else _TOML
        raise ProblemError(Problem("E02", str(error), expected, fix, str(path))) from error
    folder = path.resolve().parent.name
    name = folder if path.name == FILE else f"{folder}-{path.stem}"
    if content.name != name and not packed and not (path.parent / RUN).is_file():
        found = f"name = {content.name} in the folder {folder}"
        fix = "rename the folder or correct the name"
        raise ProblemError(Problem("E02", found, f"the folder's name: {name}", fix, str(path)))
    return content


def read_settings(
    kind: type[Any], content: Mapping[str, Any], path: Path, *, table: str = "settings", out_of_range: str = "E02"
) -> Any:
    """A table of an entry file as the dataclass that describes it; relative paths in it start at the file's folder.

    Args:
        kind: dataclass; pydantic checks the types and the ranges that its annotations declare.
        content: content of the table.
        path: path of the entry file.
        table: name of the table, for messages.
        out_of_range: rule of a value that is out of its range.

    Raises:
        ProblemError: E02, unknown or missing fields and values of another type; `out_of_range`, values out of range.
    """
    # dataclasses inside inherit that unknown fields are forbidden
    fields: Any = {table: (kind, ...)}
    model = create_model("Table", __config__=ConfigDict(extra="forbid"), **fields)
    try:
        settings = getattr(model.model_validate({table: content}), table)
    except ValidationError as error:
        raise ProblemError(*_describe(error, model, path, out_of_range)) from error
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


def _describe(
    error: ValidationError, model: type[BaseModel], path: Path, out_of_range: str = "E02"
) -> Iterable[Problem]:
    """A problem for each fault that pydantic found in the content of an entry file."""
    faults, unions = _without_unions(error)
    for place, (found, kinds) in unions.items():
        fix = did_you_mean(str(found), re.findall(r"'([^']*)'", " ".join(kinds)), f"correct {place}")
        yield Problem("E02", f"{place} = {found!r}", " or ".join(kinds), fix, str(path))
    for fault in faults:
        place = ".".join(str(part) for part in fault["loc"])
        if fault["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
            known = _fields_at(model, fault["loc"][:-1])
            expected = f"one of {', '.join(known)}" if known else "no settings"
            fix = did_you_mean(str(fault["loc"][-1]), known, "remove it")
            yield Problem("E02", f"field {place}", expected, fix, str(path))
        elif fault["type"] in {"missing", "missing_argument"}:
            yield Problem("E02", f"no field {place}", "every field of an entry", f"add {place} = ...", str(path))
        elif fault["type"] in {"union_tag_invalid", "union_tag_not_found"}:
            # settings of several kinds say which they are in one field
            field, tag = fault["ctx"]["discriminator"].strip("'"), fault["ctx"].get("tag")
            kinds = re.findall(r"'([^']*)'", str(fault["ctx"].get("expected_tags", "")))
            found = f"no field {place}.{field}" if tag is None else f"{place}.{field} = {tag!r}"
            fix = did_you_mean(str(tag), kinds, f"correct {place}.{field}")
            expected = f"one of {', '.join(kinds)}" if kinds else "the kind of these settings"
            yield Problem("E02", found, expected, fix, str(path))
        elif fault["type"] == "value_error" and isinstance(fault["input"], dict):
            # a dataclass that refuses its values says which they are
            fix = f"correct {place}"
            yield Problem(out_of_range, f"{place}: {fault['ctx']['error']}", "values that go together", fix, str(path))
        else:
            expected = fault["msg"][0].lower() + fault["msg"][1:]
            choices = re.findall(r"'([^']*)'", expected) if fault["type"] == "literal_error" else []
            fix = did_you_mean(str(fault["input"]), choices, f"correct {place}")
            rule = out_of_range if fault["type"] in RANGES else "E02"
            yield Problem(rule, f"{place} = {fault['input']!r}", expected, fix, str(path))


def _without_unions(error: ValidationError) -> tuple[list[Any], dict[str, tuple[object, list[str]]]]:
    """Faults with a place of their own, and by place the value and the types of the unions that none of them fits.

    pydantic reports a fault for each type of a union, and names the type, as `tuple[float, float]`, in the place.
    """
    faults: list[Any] = []
    unions: dict[str, tuple[object, list[str]]] = {}
    for fault in error.errors():
        depth = next((depth for depth, part in enumerate(fault["loc"]) if "[" in str(part)), None)
        if depth is None:
            faults.append(fault)
            continue
        _, kinds = unions.setdefault(".".join(map(str, fault["loc"][:depth])), (fault["input"], []))
        if fault["loc"][depth] not in kinds:
            kinds.append(str(fault["loc"][depth]))
    return faults, unions


def _fields_at(kind: Any, place: Sequence[str | int]) -> list[str]:
    """Names of the fields of the model or dataclass at a place inside of `kind`; none where there is neither."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = {name: field.annotation for name, field in kind.model_fields.items()}
    elif dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        fields = {each.name: hints[each.name] for each in dataclasses.fields(kind) if each.init}
    else:
        # a list adds an index to the place and a mapping a key, an optional type adds nothing
        is_union = typing.get_origin(kind) in {typing.Union, types.UnionType}
        parts = typing.get_args(kind)
        # pydantic puts the kind of settings that have several into the place
        tagged = [part for part in parts if is_union and place and place[0] in _tags(part)]
        if tagged:
            return _fields_at(tagged[0], place[1:])
        inner = (_fields_at(part, place if is_union else place[1:]) for part in parts)
        return next((names for names in inner if names), [])
    return _fields_at(fields.get(str(place[0])), place[1:]) if place else list(fields)


def _tags(kind: Any) -> tuple[str, ...]:
    """The kinds that settings declare in their field `kind`, as a literal."""
    if not dataclasses.is_dataclass(kind):
        return ()
    return typing.get_args(typing.get_type_hints(kind).get("kind"))
