"""The TOML text of a challenge, with a comment for each field that somebody fills in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from abawbench.challenges.model import Categorical, Challenge, Continuous, Task

WIDEST = 120
# a key that needs no quotation marks
_BARE = re.compile(r"[A-Za-z0-9_-]+")

HEAD = """\
# A challenge of your own. Every verb takes this file in the place of an id; `abawbench challenges FILE` shows it.
# A field that is unknown is left out. Records name the fingerprint, which changes with every word that is said here.
"""
COMMENTS = {
    "edition": "number of the ABAW edition; 0 for a challenge outside of it",
    "track": "the second part of the id; the id itself where the edition is 0",
    "title": "name of the challenge for a reader",
    "venue": "conference and year",
    "paper": "the organisers' paper",
    "dataset": "name of the data",
    "annotation_format": "of the published labels: unit-txt, rows, labels, mtl, lsd, eri-csv, emi-csv, ah-split, ...",
    "list_format": "of the list of rows to predict: that of the predictions, or units for files of units",
    "prediction_format": "of a submission",
    "list_files": "names of the organisers' lists",
    "frame_base": "number of a video's first frame",
    "submissions": "predictions that a team may send",
    "channel": "way in which predictions are sent",
}
SECTIONS = {
    "annotation_places": "By split, paths of its labels below the data's folder; the first that is there counts.",
    "tasks": """\
The tasks, in the order of the file's columns. The place of a class is its number in the file. A sentinel marks what
# nobody annotated; a task that is annotated in every row has none.""",
    "metric": """\
The score is the sum of the terms, each the weighted sum of criteria: ccc or pearson of numbers; f1, accuracy or
# balanced_accuracy of classes and labels. What is reported is shown beside it. The formula and the rules are words.""",
    "sizes": "By split, what is known of its size; a truth of another size is told to be other data.",
    "valid_rows": "By split, rows with a label of each task.",
    "rules": "What a participant may and may not do.",
    "forbidden_data": "Data that a model may not have seen; the pattern finds them in the names of training data.",
    "notes": "What is worth knowing about the files.",
    "baselines": "The organisers' own figures; no score is tested against them.",
    "sources": "The source of each field: a text, or `assumed: ` and the reason; dotted names are of parts.",
}
ORDER = (
    *("id", "edition", "track", "title", "venue", "paper", "dataset"),
    *("annotation_format", "list_format", "prediction_format", "frame_base", "list_files", "submissions", "channel"),
    *("annotation_places", "tasks", "metric", "sizes", "valid_rows"),
    *("rules", "forbidden_data", "notes", "baselines", "sources"),
)


def to_toml(challenge: Challenge) -> str:
    """The text of a challenge's file, which `read_challenge` reads to an equal challenge."""
    lines = [HEAD]
    for name in ORDER:
        value = getattr(challenge, name)
        if name in SECTIONS:
            lines += _section(name, value)
        else:
            comment = f"  # {COMMENTS[name]}" if name in COMMENTS else ""
            is_known = value is not None
            lines.append(f"{name} = {_value(value)}{comment}" if is_known else f"# {name} = not known{comment}")
    return "\n".join(lines) + "\n"


def _section(name: str, value: Any) -> Iterator[str]:
    yield f"\n# {SECTIONS[name]}"
    if isinstance(value, Mapping):
        nested = any(isinstance(part, Mapping) or is_dataclass(part) for part in value.values())
        if not nested:
            yield f"[{name}]"
            yield from (f"{_key(key)} = {_value(part)}" for key, part in value.items())
        for place, (key, part) in enumerate(value.items() if nested else ()):
            yield f"{_gap(place)}[{name}.{_key(key)}]"
            yield from _pairs(part if isinstance(part, Mapping) else _filled(part))
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield f"{_gap(place)}[[{name}]]"
            yield from _pairs(_of_task(item) if name == "tasks" else _filled(item))
    else:
        yield f"[{name}]"
        parts = _filled(value)
        lists = {key: part for key, part in parts.items() if key in {"terms", "reported"}}
        yield from _pairs({key: part for key, part in parts.items() if key not in lists})
        for key, items in lists.items():
            for item in items:
                yield f"{_gap(1)}[[{name}.{key}]]"
                yield from _pairs(_filled(item))


def _gap(place: int) -> str:
    """A blank line between tables of one kind."""
    return "\n" if place else ""


def _of_task(task: Task) -> dict[str, Any]:
    name, *others = _filled(task).items()
    return dict([name, ("kind", _kind(task)), *others])


def _kind(task: Task) -> str:
    kinds = (Continuous, Categorical)
    return next((kind.__name__ for kind in kinds if isinstance(task, kind)), "MultiLabel")


def _filled(item: Any) -> dict[str, Any]:
    """The fields of a dataclass that say something."""
    return {
        field.name: value
        for field in fields(item)
        if (value := getattr(item, field.name)) is not None and (value != () or field.name == "criteria")
    }


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    return (f"{_key(key)} = {_value(part)}" for key, part in table.items())


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Sequence):
        parts = [_value(part) for part in value]
        line = f"[{', '.join(parts)}]"
        return line if len(line) <= WIDEST else "".join(["[\n", *(f"    {part},\n" for part in parts), "]"])
    if is_dataclass(value):
        return f"{{ {', '.join(_pairs(_filled(value)))} }}"
    return repr(value)


def _text(text: str) -> str:
    # TOML escapes as JSON does, and this character, too
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
