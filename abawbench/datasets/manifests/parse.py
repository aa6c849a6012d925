"""Reads the TOML file of a manifest, and names the line of every fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Formatter
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError, near_names, unreadable
from abawbench.base.toml_text import parse_toml
from abawbench.challenges import find
from abawbench.datasets.manifests.model import READERS, LabelSet, Manifest, TaskFacts, is_below

_FIX = "correct the manifest"
_TABLE = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<path>[^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*(?P<key>[A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*=""")
_AT_LINE = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)")
_SHOULD = re.compile("^(?:Input|String) should (?:be )?")
_TASK_KINDS: tuple[type[BaseModel], ...] = get_args(get_args(TaskFacts)[0])

Steps = tuple[str | int, ...]


def read_manifest(path: Path) -> Manifest:
    """Read the manifest in a TOML file.

    Raises:
        ProblemError: F01, F03 the file cannot be read; D01 for every fault: text that is no TOML, a field that is
            missing, unknown or of another type, an expression that ABAW does not have, a reader, challenge or set to
            fetch that does not exist, a source of a field that the manifest does not have, a file name other than
            `<name>_<version>.toml`.
    """
    try:
        text = read_input(path).decode()
    except OSError as error:
        raise unreadable(path, error, "a readable manifest") from error
    except UnicodeDecodeError as error:
        raise ProblemError(
            Problem("F03", "bytes that are not UTF-8", "UTF-8 text", "save it again as UTF-8 text", str(path))
        ) from error
    try:
        data = parse_toml(text)
    except ValueError as error:
        raise ProblemError(_no_toml(error, str(path))) from error
    lines = Lines(text)
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        raise ProblemError(*_misfits(error, data, lines, str(path))) from error
    faults = [
        Problem("D01", found, expected, _FIX, str(path), lines.of(steps))
        for steps, found, expected in _dangling(manifest)
    ]
    if path.name != f"{manifest.id}.toml":
        expected = f"{manifest.id}.toml, after its name and version"
        faults.append(Problem("D01", f"the file name {path.name}", expected, "rename it", str(path)))
    if faults:
        raise ProblemError(*faults)
    return manifest


def _no_toml(error: ValueError, file: str) -> Problem:
    text = str(error)
    place = _AT_LINE.search(text)
    line = int(place["line"]) if place and place["line"] else None
    return Problem("D01", _AT_LINE.sub("", text), "TOML", _FIX, file, line)


def _misfits(error: ValidationError, data: dict[str, Any], lines: Lines, file: str) -> Iterator[Problem]:
    """One problem for each field; pydantic reports each type that a field may have as a fault of its own."""
    expected_at: dict[tuple[Steps, str], list[str]] = {}
    for fault in error.errors():
        steps, context = _without_kinds(fault["loc"]), fault.get("ctx", {})
        match fault["type"]:
            case "missing":
                found, expected = "no such field", _dotted(steps, data)
            case "extra_forbidden":
                found, expected = f"an unknown field {_dotted(steps, data)}", "the fields of the schema"
            case "value_error":
                found, expected = f"{_dotted(steps, data)}: {context['error']}", "facts that hold together"
            case "union_tag_invalid":
                found = f"{_dotted(steps, data)}.kind = '{context['tag']}'"
                expected = f"one of {context['expected_tags']}"
            case _:
                steps = _inside(steps, data)
                found = f"{_dotted(steps, data)} = {_at(steps, data)!r}"
                expected = _SHOULD.sub("", fault["msg"]).partition(",")[0]
        expected_at.setdefault((steps, found), []).append(expected)
    for (steps, found), expected in expected_at.items():
        yield Problem("D01", found, " or ".join(dict.fromkeys(expected)), _FIX, file, lines.of(steps))


def _inside(steps: Steps, data: Any) -> Steps:
    """The steps that lead to a field, without a type's name or a place in a plain list, which pydantic adds."""
    for end, step in enumerate(steps):
        if not _has_tables(data):
            return steps[:end]
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return steps[:end]
    return steps


def _has_tables(data: Any) -> bool:
    return isinstance(data[0] if isinstance(data, list) and data else data, dict)


def _at(steps: Steps, data: Any) -> Any:
    for step in steps:
        data = data[step]
    return data


def _without_kinds(steps: Sequence[str | int]) -> Steps:
    """The steps without the kind of a task, which pydantic adds after the task's number."""
    return tuple(
        step
        for place, step in enumerate(steps)
        if not (place >= 2 and steps[place - 2] == "tasks" and isinstance(steps[place - 1], int))
    )


def _dotted(steps: Steps, data: Any) -> str:
    """The steps as `labels.basic.tasks.expression.classes`; parts of a list by id, name or path where they have one."""
    words: list[str] = []
    for step in steps:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        named: dict[str, Any] = data if isinstance(data, dict) else {}
        if isinstance(step, int):
            words.append(next((str(named[key]) for key in ("id", "name", "path", "file") if key in named), str(step)))
        else:
            words.append(step)
    return ".".join(words) or "the manifest"


def _dangling(manifest: Manifest) -> Iterator[tuple[Steps, str, str]]:
    """Everything that a manifest names and that does not exist: where, what was found, what was expected."""
    from abawbench.datasets.fetch.sets import SETS

    for number, label_set in enumerate(manifest.labels):
        at = ("labels", number)
        if label_set.reader not in READERS:
            yield (*at, "reader"), f"reader '{label_set.reader}'", near_names(label_set.reader, READERS)
        for challenge in label_set.challenges:
            if find(challenge) is None:
                yield (*at, "challenges"), f"challenge '{challenge}'", "an id that `abawbench challenges` lists"
        names = [facts.name for facts in label_set.tasks]
        if len(set(names)) < len(names):
            yield (*at, "tasks"), f"tasks {', '.join(names)}", "each name once"
        if label_set.image is not None and (fault := _template_fault(label_set.image)):
            yield (*at, "image"), f"image = '{label_set.image}': {fault}", "fields such as {unit} or {frame:05d}"
        for pattern in label_set.files:
            if not is_below(pattern.rpartition("=")[2]):
                yield (*at, "files"), f"files = '{pattern}'", "a place below the root"
    for number, place in enumerate(manifest.layout):
        if not is_below(place.path):
            yield ("layout", number, "path"), f"path '{place.path}'", "a place below the root"
    if manifest.licence.fetch is not None and manifest.licence.fetch not in SETS:
        yield ("licence", "fetch"), f"fetch = '{manifest.licence.fetch}'", near_names(manifest.licence.fetch, SETS)
    for field in manifest.sources:
        if not _names_a_field(manifest, field):
            yield ("sources", field), f"a source of '{field}'", "a field that the manifest has"


def _template_fault(template: str) -> str | None:
    try:
        fields = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        return str(error)
    return "a field without a name" if "" in fields else None


def _names_a_field(manifest: Manifest, field: str) -> bool:
    if field == "*":
        return True
    first, _, rest = field.partition(".")
    if first not in Manifest.model_fields:
        return False
    if not rest:
        return True
    match first:
        case "labels":
            return any(_is_of_label_set(part, rest) for part in manifest.labels)
        case "splits":
            return any(_is_of(part, part.name, rest) for part in manifest.splits)
        case "layout":
            return any(_is_of(part, part.path, rest) for part in manifest.layout)
        case "related":
            return any(_is_of(part, part.dataset, rest) for part in manifest.related)
        case "checksums":
            return any(_is_of(part, part.file, rest) for part in manifest.checksums)
        case "licence":
            return rest in type(manifest.licence).model_fields
        case "notes":
            return rest.isdecimal() and int(rest) < len(manifest.notes)
        case _:
            return False


def _is_of(part: BaseModel, name: str, field: str) -> bool:
    if field == name:
        return True
    inner = field.removeprefix(f"{name}.")
    return inner != field and inner.partition(".")[0] in type(part).model_fields


def _is_of_label_set(label_set: LabelSet, field: str) -> bool:
    if _is_of(label_set, label_set.id, field):
        return True
    inner = field.removeprefix(f"{label_set.id}.")
    if inner == field:
        return False
    first, _, rest = inner.removeprefix("tasks.").partition(".")
    task = next((facts for facts in label_set.tasks if facts.name == first), None)
    if task is not None:
        return not rest or rest in type(task).model_fields or rest in getattr(task, "columns", ())
    # a fact of the only task, or an option, may be named without it
    of_tasks = {name for kind in _TASK_KINDS for name in kind.model_fields}
    return not rest and (first in label_set.options or first in of_tasks)


class Lines:
    """The line of a TOML text that each field stands on."""

    def __init__(self, text: str) -> None:
        self._places: list[tuple[Steps, int]] = []
        counts: dict[Steps, int] = {}
        above: Steps = ()
        depth = 0
        for number, line in enumerate(text.splitlines(), start=1):
            if depth == 0 and (table := _TABLE.match(line)):
                above = self._table(table, counts)
                self._places.append((above, number))
                continue
            if depth == 0 and (key := _KEY.match(line)):
                self._places.append(((*above, key["key"].strip("\"'")), number))
            depth += _balance(line)

    @staticmethod
    def _table(table: re.Match[str], counts: dict[Steps, int]) -> Steps:
        steps: Steps = ()
        words = [word.strip().strip("\"'") for word in table["path"].split(".")]
        for place, word in enumerate(words):
            steps = (*steps, word)
            if table["open"] == "[[" and place == len(words) - 1:
                counts[steps] = counts.get(steps, -1) + 1
            if steps in counts:
                steps = (*steps, counts[steps])
        return steps

    def of(self, steps: Steps) -> int | None:
        """The line of a field, else of the nearest field above it; None for the whole text."""
        for end in range(len(steps), 0, -1):
            found = next((line for place, line in self._places if place == steps[:end]), None)
            if found is not None:
                return found
        return None


def _balance(line: str) -> int:
    """Number of brackets that a line opens and does not close, outside of texts and comments."""
    plain = re.sub(r""""(?:\\.|[^"\\])*"|'[^']*'|#.*""", "", line)
    return sum(plain.count(mark) for mark in "[{") - sum(plain.count(mark) for mark in "]}")
