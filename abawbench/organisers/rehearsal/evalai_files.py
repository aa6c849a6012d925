"""A bundle for EvalAI, looked through: what its upload refuses, and what fails when the first submission comes."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

from abawbench.base.problems import Problem
from abawbench.organisers.rehearsal.bundle_files import Inspected, Opened, Stage, date_problem, parse_yaml
from abawbench.organisers.rehearsal.sent import NotUnpackedError, unpack

CONFIG = "challenge_config.yaml"
PAGES = ("description", "evaluation_details", "terms_and_conditions", "submission_guidelines")
NEEDED = (
    *("title", *PAGES, "evaluation_script", "start_date", "end_date"),
    *("leaderboard", "challenge_phases", "dataset_splits", "challenge_phase_splits"),
)
PHASE_NEEDS = ("id", "name", "codename", "description", "start_date", "end_date")
# the Pythons of hosted workers
PYTHONS = ("3.7", "3.8", "3.9")
LONGEST_TITLE, MOST_TAGS = 100, 4


def inspect(bundle: Opened) -> Inspected:
    """Look through a bundle.

    O20: a part is missing or in the wrong place; O21: names too long or used twice; O22: dates that are misread; O24:
    an evaluation script that does not start; O26: splits and labels that do not fit; N78: settings that are replaced.

    Raises:
        ProblemError: O20, `challenge_config.yaml` is not in the root or cannot be read.
    """
    config = parse_yaml(bundle, CONFIG)
    problems = [*_missing(config, bundle), *_names(config, bundle), *_dates(config, bundle), *_board(config, bundle)]
    program = _script(config, bundle, problems)
    if program is None:
        return Inspected((), tuple(dict.fromkeys(problems)))
    settings: dict[str, Any] = {}
    with suppress(ValueError, KeyError):
        settings = json.loads(program["settings.json"])
    boards = parts_of(config, "leaderboard")
    keys = tuple(_labels(boards[0])) if boards else ()
    splits = {split.get("id"): str(split.get("codename")) for split in parts_of(config, "dataset_splits")}
    of_phase = {
        part.get("challenge_phase_id"): splits.get(part.get("dataset_split_id"), "")
        for part in parts_of(config, "challenge_phase_splits")
    }
    stages: list[Stage] = []
    for phase in parts_of(config, "challenge_phases"):
        name = str(phase.get("test_annotation_file"))
        data = bundle.files.get(name)
        if data is None:
            problems.append(_part(bundle, f"no annotation file '{name}'", "a file of the bundle"))
            continue
        reference, paths = _reference(data)
        stages.append(
            Stage(
                str(phase.get("codename")),
                program,
                reference,
                keys,
                settings.get("challenge"),
                paths.get("truth"),
                paths.get("template"),
                of_phase.get(phase.get("id"), ""),
                {name: data},
            )
        )
    return Inspected(tuple(stages), tuple(dict.fromkeys(problems)))


def parts_of(config: Any, name: str) -> list[dict[str, Any]]:
    """The tables of a list in a configuration."""
    value = config.get(name)
    return [part for part in cast(list[Any], value) if isinstance(part, dict)] if isinstance(value, list) else []


def _reference(data: bytes) -> tuple[Mapping[str, bytes], dict[str, str]]:
    """The files of an annotation file that is a zip, and the paths of truth and list in it, where it says them."""
    try:
        files = unpack(data)
        return files, dict(json.loads(files["paths.json"]))
    except (NotUnpackedError, KeyError, ValueError, TypeError):
        return {}, {}


def _part(bundle: Opened, found: str, expected: str, fix: str = "add it, and upload again") -> Problem:
    return Problem("O20", found, expected, fix, bundle.place(CONFIG))


def _missing(config: Any, bundle: Opened) -> Iterator[Problem]:
    for name in NEEDED:
        if not config.get(name):
            yield _part(bundle, f"no {name}", "every key that EvalAI needs")
    phases = parts_of(config, "challenge_phases")
    named = [(name, config.get(name)) for name in PAGES]
    named += [(f"description of {phase.get('codename')}", phase.get("description")) for phase in phases]
    for what, file in named:
        if file and not str(file).endswith(".html"):
            yield _part(bundle, f"{what}: '{file}'", "an .html file", "EvalAI finds no other: convert it")
        elif file and str(file) not in bundle.files:
            yield _part(bundle, f"{what}: no file '{file}'", "a file of the bundle")
    if config.get("image") and str(config["image"]) not in bundle.files:
        yield _part(bundle, f"image: no file '{config['image']}'", "a file of the bundle")
    for place, phase in enumerate(phases):
        for name in PHASE_NEEDS:
            if not phase.get(name):
                yield _part(bundle, f"challenge_phases[{place}] without {name}", ", ".join(PHASE_NEEDS))


def _names(config: Any, bundle: Opened) -> Iterator[Problem]:
    file = bundle.place(CONFIG)
    title, tags = config.get("title"), config.get("tags")
    if isinstance(title, str) and len(title) > LONGEST_TITLE:
        yield Problem("O21", f"title of {len(title)} characters", f"at most {LONGEST_TITLE}", "shorten it", file)
    if isinstance(tags, list) and len(cast(list[Any], tags)) > MOST_TAGS:
        count = len(cast(list[Any], tags))
        yield Problem("O21", f"{count} tags", f"at most {MOST_TAGS}", "leave some out", file)
    for kind in ("challenge_phases", "dataset_splits"):
        names = [str(part.get("codename")) for part in parts_of(config, kind)]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Problem("O21", f"{kind}: codename {name} twice", "each once", "rename one", file)


def _dates(config: Any, bundle: Opened) -> Iterator[Problem]:
    tables = [("the challenge", config)]
    tables += [(f"'{phase.get('codename')}'", phase) for phase in parts_of(config, "challenge_phases")]
    for what, table in tables:
        for name in ("start_date", "end_date"):
            if table.get(name):
                problem = date_problem(table[name], f"{name} of {what}", bundle.place(CONFIG))
                if problem is not None:
                    yield problem


def _labels(board: Mapping[str, Any]) -> list[str]:
    schema = board.get("schema")
    labels = cast(Any, schema).get("labels") if isinstance(schema, dict) else None
    return [str(label) for label in cast(list[Any], labels)] if isinstance(labels, list) else []


def _board(config: Any, bundle: Opened) -> Iterator[Problem]:
    file = bundle.place(CONFIG)
    for board in parts_of(config, "leaderboard"):
        labels, schema = _labels(board), board.get("schema")
        order = cast(Any, schema).get("default_order_by") if isinstance(schema, dict) else None
        if not labels or order not in labels:
            found = f"default_order_by {order!r}, labels {', '.join(labels) or 'none'}"
            yield Problem("O26", found, "labels, and one of them to order by", "name the label that ranks", file)
    known = {
        name: {part.get("id") for part in parts_of(config, name)} for name in ("challenge_phases", "dataset_splits")
    }
    for part in parts_of(config, "challenge_phase_splits"):
        for name, key in (("challenge_phases", "challenge_phase_id"), ("dataset_splits", "dataset_split_id")):
            if part.get(key) not in known[name]:
                found = f"challenge_phase_splits: {key} {part.get(key)!r}"
                yield Problem("O26", found, f"an id of {name}", "correct the id", file)
    used = {part.get("challenge_phase_id") for part in parts_of(config, "challenge_phase_splits")}
    for phase in parts_of(config, "challenge_phases"):
        if phase.get("id") not in used:
            found = f"phase {phase.get('codename')} without a challenge_phase_split"
            yield Problem("O26", found, "one for each phase", "add it: the phase has no board otherwise", file)
    python = config.get("worker_python_version")
    if python is not None and str(python) not in PYTHONS and not config.get("remote_evaluation"):
        found = f"worker_python_version {python}"
        yield Problem("O24", found, f"one of {', '.join(PYTHONS)}", "take one, or evaluate remotely", file)


def _script(config: Any, bundle: Opened, problems: list[Problem]) -> dict[str, bytes] | None:
    """The files of the evaluation script; None where there are none."""
    name = str(config.get("evaluation_script"))
    if name not in bundle.files:
        problems.append(_part(bundle, f"no file '{name}'", "the evaluation script, a zip"))
        return None
    try:
        program = unpack(bundle.files[name])
    except NotUnpackedError as error:
        problems.append(_part(bundle, f"'{name}': {error}", "a zip"))
        return None
    if "__init__.py" not in program or not _offers_evaluate(program["__init__.py"]):
        nested = [path for path in program if path.endswith("/__init__.py")]
        found = f"'{nested[0]}' in a folder" if nested else "no __init__.py that offers `evaluate`"
        fix = "zip the files themselves, with `from .main import evaluate` in __init__.py"
        problems.append(Problem("O24", found, "`evaluate` in __init__.py in the root", fix, bundle.place(name)))
        return None
    return program


def _offers_evaluate(source: bytes) -> bool:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "evaluate":
            return True
        if isinstance(node, ast.ImportFrom) and any(
            (name.asname or name.name) in {"evaluate", "*"} for name in node.names
        ):
            return True
    return False
