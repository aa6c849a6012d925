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
METRICS = ("groups", "concordance", "f1", "average_precision", "bootstrap", "jackknife")
# in the order in which they stand in the file
SECTIONS = (
    Section("The challenge, as it was when this file was made", (f"{PARTS}.facts",)),
    Section("Problems of files", ("abawbench.base.problems", f"{PARTS}.problems")),
    Section("Reading", (f"{PARTS}.reading",)),
    Section("Checking", (f"{PARTS}.checking",)),
    Section(
        "Metrics: additive statistics, and functions of them", tuple(f"abawbench.metrics.{name}" for name in METRICS)
    ),
    Section(
        "Scoring",
        (
            "abawbench.table",
            *(f"abawbench.scoring.{name}" for name in ("criteria", "intervals", "statistics")),
            f"{PARTS}.scoring",
        ),
    ),
    Section("The program", (f"{PARTS}.program",)),
)
ROOTS = ("CHALLENGE", "FINGERPRINT", "VERSION", "MADE", "evaluate", "describe", "main")
_RULE = re.compile(r"[A-Z]\d\d")


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
    }
    flags = _flags(record)
    _, text = link(SECTIONS, ROOTS, literals=literals, tables=tables, flags=flags)
    rules = sorted({rule for rule in _strings(text) if rule in RULES})
    literals["TITLES"] = literal({rule: RULES[rule].title for rule in rules})
    imports, text = link(SECTIONS, ROOTS, literals=literals, tables=tables, flags=flags)
    end = 'if __name__ == "__main__":\n    raise SystemExit(main())'
    whole = "\n\n".join([_head(challenge, made), _doc(challenge), imports, text])
    return f"{whole}\n\n\n{end}\n"


def _flags(record: Facts) -> dict[str, bool]:
    """What there is in a challenge, by the name of the flag in `parts.facts`."""
    kinds = {task["kind"] for task in record["tasks"]}
    layouts = record["layouts"]
    submitted = [layout for layout in layouts if layout["format"] == record["official"]]
    return {
        "HAS_NUMBERS": "numbers" in kinds,
        "HAS_CLASSES": "class" in kinds,
        "HAS_LABELS": "labels" in kinds,
        "TAKES_UNIT_FILES": any(layout["per_unit"] for layout in submitted),
        "TAKES_NAMES": any(layout["key"] != "line" for layout in submitted),
        "HAS_LAYOUTS": len(layouts) > 1,
        "HAS_UNIT_FILES": any(layout["per_unit"] for layout in layouts),
        "HAS_FRAMES": any(layout["key"] not in {"id", "image"} for layout in layouts),
        "HAS_PROBABILITIES": any(layout["probabilities"] for layout in layouts),
        "HAS_TEXT": any(layout["text"] for layout in layouts),
        "HAS_NAMED_COLUMNS": any(layout["by_name"] for layout in layouts),
        "HAS_BLANKS": any(layout["takes_blanks"] for layout in layouts),
    }


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
