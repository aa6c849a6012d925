"""The source text of a frozen scorer: one file that validates and scores one challenge with NumPy alone."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator

from abawbench.base.installed import VERSION
from abawbench.base.problems import inert
from abawbench.base.rules import RULES
from abawbench.challenges import Challenge
from abawbench.challenges.model import assumed_fields
from abawbench.organisers.frozen.linking import Section, link
from abawbench.organisers.frozen.literals import literal
from abawbench.organisers.frozen.record import Facts
from abawbench.organisers.frozen.scoring_facts import scorer_facts

WIDTH = 120
OLDEST = (3, 8)
PARTS = "abawbench.organisers.frozen.parts"
METRICS = ("concordance", "f1", "average_precision")
# in the order in which they stand in the file
SECTIONS = (
    Section("The challenge, as it was when this file was made", (f"{PARTS}.facts",)),
    Section("Problems of files", ("abawbench.base.problems", f"{PARTS}.problems")),
    Section("Reading", (f"{PARTS}.reading",)),
    Section("Checking", (f"{PARTS}.checking",)),
    Section(
        "Metrics: additive statistics, functions of them, and intervals",
        (f"{PARTS}.statistics", *(f"abawbench.metrics.{name}" for name in METRICS), f"{PARTS}.intervals"),
    ),
    Section(
        "Scoring",
        (
            "abawbench.table",
            *(f"abawbench.scoring.{name}" for name in ("criteria", "statistics")),
            f"{PARTS}.scoring",
        ),
    ),
    Section("The program", (f"{PARTS}.program",)),
)
ROOTS = ("CHALLENGE", "FINGERPRINT", "VERSION", "MADE", "evaluate", "describe", "main")
# rules that a value of each kind of column may break
VALUES_OF = {
    "all": ("V01", "V02", "V04", "V09"),
    "numbers": ("V03",),
    "class": ("V05", "V06"),
    "labels": ("V05", "V07"),
    "probability": ("V03",),
    "text": (),
}
# what the parts call a layout
LAYOUTS = ("layout", "layouts[0]", "self.layout", "facts", "official")


def frozen_scorer(challenge: Challenge, made: str) -> str:
    """Write a program that checks and scores predictions of one challenge.

    The program needs Python 3.8 and NumPy alone, holds everything it knows of the challenge, and gives the bits of
    `abawbench score` under the same NumPy.

    Args:
        challenge: the challenge.
        made: date of the file, as `2026-11-30`.

    Returns:
        The source text, in ASCII.

    Raises:
        ProblemError: C02, the challenge names a criterion that there is not.
    """
    record = scorer_facts(challenge)
    literals = {
        "CHALLENGE": literal(challenge.id),
        "FINGERPRINT": literal(challenge.fingerprint),
        "VERSION": literal(VERSION),
        "MADE": literal(made),
        "RECORD": literal(record),
        "TITLES": "{}",
    }
    tables: dict[str, set[object]] = {
        "CRITERIA": {(task["kind"], one) for task in record["tasks"] for one in task["criteria"]},
        "OF_PROBABILITY": set(record["of_probability"]),
        "NAMES": set(_values(record["layouts"], "key")),
        "VALUES": {rule for kind in ("all", *_columns(record)) for rule in VALUES_OF[kind]},
    }
    facts = _facts(record)
    _, text = link(SECTIONS, ROOTS, literals=literals, tables=tables, facts=facts)
    rules = sorted({rule for rule in _strings(text) if rule in RULES})
    literals["TITLES"] = literal({rule: RULES[rule].title for rule in rules})
    imports, text = link(SECTIONS, ROOTS, literals=literals, tables=tables, facts=facts)
    end = 'if __name__ == "__main__":\n    raise SystemExit(main())'
    whole = "\n\n".join([_head(challenge, made), _doc(challenge), imports, text])
    return f"{whole}\n\n{end}\n"


def _facts(record: Facts) -> dict[str, dict[str, tuple[object, ...]]]:
    """By module, what is known of a challenge: the values that some expressions of the module may have."""
    tasks, layouts = record["tasks"], record["layouts"]
    submitted = [layout for layout in layouts if layout["format"] == record["official"]]
    kinds = _values(tasks, "kind")
    both = {
        "HAS_BLOCKS": (kinds != ("class",),),
        "HAS_PROBABILITIES": (any(layout["probabilities"] for layout in layouts),),
        "HAS_LAYOUTS": (len(layouts) > 1,),
        "HAS_UNIT_FILES": (any(layout["per_unit"] for layout in submitted),),
        "HAS_COLUMN_FOLDERS": (len(tasks) + len(tasks[0]["labels"]) > 2 and "line" in _values(layouts, "key"),),
        "HAS_TERMS": (bool(record["terms"]),),
        "record['tasks'][0]['kind']": (tasks[0]["kind"],),
        "task['kind']": kinds,
        "task['sentinel']": _values(tasks, "sentinel"),
    }
    both |= {"column['kind']": _columns(record)}
    of_files = {**both, **_of_layouts(layouts)}
    return {
        f"{PARTS}.reading": of_files,
        f"{PARTS}.checking": {**both, **_of_layouts(submitted)},
        f"{PARTS}.scoring": both,
        f"{PARTS}.program": both,
    }


def _columns(record: Facts) -> tuple[str, ...]:
    """The kinds of the columns of files."""
    kinds = [task["kind"] for task in record["tasks"]]
    layouts = record["layouts"]
    kinds += ["probability"] * any(layout["probabilities"] for layout in layouts)
    return tuple(dict.fromkeys([*kinds, *(["text"] * any(layout["text"] for layout in layouts))]))


def _values(parts: list[Facts], name: str) -> tuple[object, ...]:
    """The different values of a key."""
    return tuple(dict.fromkeys(part[name] for part in parts))


def _of_layouts(layouts: list[Facts]) -> dict[str, tuple[object, ...]]:
    """The values that the facts of a file's layout may have, by what the parts call them."""
    found: dict[str, tuple[object, ...]] = {}
    for key in layouts[0]:
        if key != "aliases":
            values = _values(layouts, key)
            found |= {
                f"{name}[{key!r}]": values for name in ("layout", "layouts[0]", "self.layout", "facts", "official")
            }
    keys = _values(layouts, "key")
    has_key = tuple(dict.fromkeys(key != "line" for key in keys))
    found |= {f"{name}['has_key']": has_key for name in ("layout", "self.layout")}
    return found | {"rows.key": keys, "key": keys}


def _strings(text: str) -> Iterator[str]:
    nodes = ast.walk(ast.parse(text))
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _doc(challenge: Challenge) -> str:
    return f'"""Checks and scores predictions of {challenge.id}."""'


def _head(challenge: Challenge, made: str) -> str:
    """The comment at the top: what the file is of, how it scores, where it is from, and how it is run."""
    metric = challenge.metric
    edition = f"ABAW {challenge.edition}, " if challenge.edition else ""
    rules = [f"over {metric.pooling}"]
    if metric.absent_class:
        rules.append(f"F1 of a class in neither truth nor prediction: {metric.absent_class}")
    if metric.constant_series:
        rules.append(f"coefficient of a constant series: {metric.constant_series}")
    assumed = [name for name in assumed_fields(challenge) if name.split(".")[0] in {"metric", "tasks"}]
    program = default_name(challenge)
    parts = [
        [f"Scorer of {challenge.id}: {challenge.title} ({edition}{challenge.venue})"],
        [metric.formula, *rules, *([f"assumed, as no official text says it: {', '.join(assumed)}"] if assumed else [])],
        [
            f"definition {challenge.fingerprint}, made by abawbench {VERSION} on {made}; licence Apache-2.0",
            "needs Python 3.8 or later, NumPy, and nothing else",
        ],
        [
            f"python {program} TRUTH PREDICTIONS [--template LIST] [--intervals] [--private]",
            "TRUTH may be -, for who has none: PREDICTIONS are then checked, and not scored",
            "prints one JSON object; exit status 0: scored, 1: problems found, 2: wrong use",
            f"import {program[:-3]}; {program[:-3]}.evaluate(truth, predictions) returns it as a dictionary",
        ],
    ]
    lines = ["#!/usr/bin/env python3"]
    for part in parts:
        lines += [f"# {line}" for text in part for line in textwrap.wrap(_ascii(text), WIDTH - 2)] + ["#"]
    return "\n".join(lines[:-1])


def default_name(challenge: Challenge) -> str:
    """The usual name of a challenge's scorer.

    >>> from abawbench.challenges import get
    >>> default_name(get("abaw4-mtl"))
    'score_abaw4_mtl.py'
    """
    return f"score_{re.sub('[^0-9a-z]+', '_', challenge.id.lower())}.py"


def _ascii(text: str) -> str:
    return inert(text).encode("ascii", "backslashreplace").decode()
