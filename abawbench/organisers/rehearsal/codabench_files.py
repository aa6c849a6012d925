"""A bundle for Codabench, looked through: what would fail, or silently do something else, when it is uploaded."""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from abawbench.base.problems import Problem, near_names
from abawbench.organisers.rehearsal.bundle_files import Inspected, Opened, Stage, date_problem, parse_yaml
from abawbench.organisers.rehearsal.sent import NotUnpackedError, unpack

CONFIG = "competition.yaml"
TIME_LIMIT_S = 600
NEEDED = ("title", "image", "terms", "pages", "tasks", "phases", "leaderboards")
RULES = ("Add", "Add_And_Delete", "Add_And_Delete_Multiple", "Force_Last", "Force_Latest_Multiple", "Force_Best")
# what Codabench reads; it accepts other keys without a word
KNOWN: Mapping[str, frozenset[str]] = {
    "competition": frozenset((
        *("version", "title", "description", "image", "terms", "pages", "tasks", "solutions", "phases", "leaderboards"),
        *("docker_image", "queue", "reward", "competition_type", "contact_email", "fact_sheet", "forum_enabled"),
        *("registration_auto_approve", "auto_run_submissions", "enable_detailed_results", "created_when"),
        *("show_detailed_results_in_submission_panel", "show_detailed_results_in_leaderboard"),
        *("can_participants_make_submissions_public", "allow_robot_submissions"),
        *("make_programs_available", "make_input_data_available"),
    )),
    "phase": frozenset((
        *("index", "name", "description", "start", "end", "tasks", "solutions", "starting_kit", "public_data"),
        *("max_submissions", "max_submissions_per_day", "execution_time_limit", "auto_migrate_to_this_phase"),
        *("hide_output", "hide_prediction_output", "hide_score_output", "is_final_phase"),
    )),
    "column": frozenset(
        ("title", "key", "index", "sorting", "hidden", "precision", "computation", "computation_indexes")
    ),
}  # fmt: skip
LONGEST = {"column title": 36, "column key": 36, "leaderboard title": 64, "leaderboard key": 36, "name": 256}


def inspect(bundle: Opened) -> Inspected:
    """Look through a bundle.

    O20: a part is missing or in the wrong place; O21: names too long or used twice; O22: dates that are misread; O24: a
    scoring program that does not start; N78: settings that are ignored or replaced.

    Raises:
        ProblemError: O20, `competition.yaml` is not in the root or cannot be read.
    """
    config = parse_yaml(bundle, CONFIG)
    problems = [*_missing(config, bundle), *_names(config, bundle), *_dates(config, bundle), *_ignored(config, bundle)]
    stages: list[Stage] = []
    keys = tuple(str(column.get("key")) for column in _columns(config))
    tasks = {task.get("index"): task for task in _list(config, "tasks")}
    for phase in _list(config, "phases"):
        for index in phase.get("tasks") or ():
            if index not in tasks:
                found = f"phase '{phase.get('name')}' of task {index!r}"
                problems.append(_part(bundle, found, f"one of the tasks {sorted(map(str, tasks))}"))
                continue
            program = _zip(bundle, tasks[index].get("scoring_program"), problems)
            reference = _zip(bundle, tasks[index].get("reference_data"), problems)
            if program is not None:
                problems.extend(_program_problems(bundle, program, str(tasks[index].get("scoring_program"))))
                stages.append(_stage(str(phase.get("name") or index), program, reference or {}, keys))
    return Inspected(tuple(stages), tuple(dict.fromkeys(problems)))


def command_of(program: Mapping[str, bytes]) -> str | None:
    """The command in `metadata.yaml` or `metadata` in the root of a scoring program; None where there is none."""
    import yaml

    for name in ("metadata.yaml", "metadata"):
        if name in program:
            with suppress(yaml.YAMLError, UnicodeDecodeError):
                value: Any = yaml.safe_load(program[name].decode())
                command = value.get("command") if isinstance(value, dict) else None
                return command if isinstance(command, str) and command.strip() else None
    return None


def _stage(name: str, program: Mapping[str, bytes], reference: Mapping[str, bytes], keys: tuple[str, ...]) -> Stage:
    settings: dict[str, Any] = {}
    with suppress(ValueError, KeyError):
        settings = json.loads(reference["settings.json"])
    challenge, truth, template = (settings.get(key) for key in ("challenge", "truth", "template"))
    return Stage(settings.get("phase") or name, program, reference, keys, challenge, truth, template)


def _list(config: Any, name: str) -> list[dict[str, Any]]:
    value = config.get(name)
    return [part for part in cast(list[Any], value) if isinstance(part, dict)] if isinstance(value, list) else []


def _columns(config: Any) -> list[dict[str, Any]]:
    boards = _list(config, "leaderboards")
    return _list(boards[0], "columns") if boards else []


def _part(bundle: Opened, found: str, expected: str, fix: str = "add it, and upload again") -> Problem:
    return Problem("O20", found, expected, fix, bundle.place(CONFIG))


def _missing(config: Any, bundle: Opened) -> Iterator[Problem]:
    for name in NEEDED:
        if not config.get(name):
            yield _part(bundle, f"no {name}", "every key that Codabench needs")
    named = [("image", config.get("image")), ("terms", config.get("terms"))]
    named += [("a page", page.get("file")) for page in _list(config, "pages")]
    named += [("a starting kit", phase.get("starting_kit")) for phase in _list(config, "phases")]
    for what, file in named:
        if file and str(file) not in bundle.files:
            yield _part(bundle, f"{what}: no file '{file}'", "a file of the bundle")
        elif file and not bundle.files[str(file)].strip():
            yield _part(bundle, f"{what}: '{file}' is empty", "a file with content")
    for kind, needs in (("tasks", ("index", "name", "scoring_program")), ("phases", ("index", "name", "start"))):
        for place, part in enumerate(_list(config, kind)):
            for name in needs:
                if part.get(name) is None:
                    yield _part(bundle, f"{kind}[{place}] without {name}", f"{', '.join(needs)}")
    for phase in _list(config, "phases"):
        if not phase.get("tasks"):
            yield _part(bundle, f"phase '{phase.get('name')}' without tasks", "a phase with tasks")


def _names(config: Any, bundle: Opened) -> Iterator[Problem]:
    boards = _list(config, "leaderboards")
    named = [("name", config.get("title")), *(("name", phase.get("name")) for phase in _list(config, "phases"))]
    for board in boards:
        named += [(f"leaderboard {name}", board.get(name)) for name in ("title", "key")]
    named += [(f"column {name}", column.get(name)) for column in _columns(config) for name in ("title", "key")]
    file = bundle.place(CONFIG)
    for kind, value in named:
        if isinstance(value, str) and len(value) > LONGEST[kind]:
            found, expected = f"{kind} of {len(value)} characters, '{value[:40]}...'", f"at most {LONGEST[kind]}"
            yield Problem("O21", found, expected, "shorten it", file)
    for what, parts in (
        ("column", _columns(config)),
        ("task", _list(config, "tasks")),
        ("phase", _list(config, "phases")),
    ):
        for name in ("key", "index"):
            counts = Counter(str(part[name]) for part in parts if part.get(name) is not None)
            for value, count in counts.items():
                if count > 1:
                    yield Problem("O21", f"{what} {name} {value} {count} times", "each once", "rename one", file)


def _dates(config: Any, bundle: Opened) -> Iterator[Problem]:
    for phase in _list(config, "phases"):
        for name in ("start", "end"):
            if phase.get(name) is not None:
                problem = date_problem(phase[name], f"{name} of '{phase.get('name')}'", bundle.place(CONFIG))
                if problem is not None:
                    yield problem


def _ignored(config: Any, bundle: Opened) -> Iterator[Problem]:
    file = bundle.place(CONFIG)
    boards = _list(config, "leaderboards")
    parts = [("competition", config), *(("phase", phase) for phase in _list(config, "phases"))]
    parts += [("column", column) for column in _columns(config)]
    for kind, part in parts:
        for name in part:
            if str(name) not in KNOWN[kind]:
                fix = f"leave it out, or write {near_names(str(name), KNOWN[kind])}"
                yield Problem("N78", f"{kind}: unknown key '{name}'", "keys that Codabench reads", fix, file)
    if len(boards) > 1:
        yield Problem("N78", f"{len(boards)} leaderboards", "one", "the second is not read: leave it out", file)
    for board in boards[:1]:
        rule = board.get("submission_rule")
        if rule not in RULES:
            yield _part(bundle, f"submission_rule {rule!r}", f"one of {', '.join(RULES)}", "name one")
        elif not str(rule).startswith("Force"):
            found = f"submission_rule {rule}: teams choose what stands on the board"
            yield Problem("N78", found, "Force_Best or Force_Last", "set one of them, unless you mean it", file)
    for column in _columns(config):
        if column.get("precision") is None:
            found = f"column '{column.get('key')}' without precision, which gives 2 digits"
            yield Problem("N78", found, "precision 4 or 5", "set it", file)
    if not config.get("docker_image"):
        yield Problem("N78", "no docker_image, which gives Python 3.7", "an image that is named", "name one", file)
    for phase in _list(config, "phases"):
        limit = phase.get("execution_time_limit")
        if isinstance(limit, int | float) and limit > TIME_LIMIT_S:
            found = f"execution_time_limit {limit} of '{phase.get('name')}'"
            fix = f"make the program faster, or run a queue of your own; set {TIME_LIMIT_S}"
            yield Problem("N78", found, f"at most {TIME_LIMIT_S}, the limit of the shared queue", fix, file)


def _zip(bundle: Opened, name: Any, problems: list[Problem]) -> dict[str, bytes] | None:
    """The files of a zip in the bundle; None where there is none, and O20 then."""
    if not isinstance(name, str) or name not in bundle.files:
        if name is not None:
            problems.append(_part(bundle, f"no file '{name}'", "a zip of the bundle"))
        return None
    try:
        return unpack(bundle.files[name])
    except NotUnpackedError as error:
        problems.append(_part(bundle, f"'{name}': {error}", "a zip"))
        return None


def _program_problems(bundle: Opened, program: Mapping[str, bytes], name: str) -> Iterator[Problem]:
    if command_of(program) is not None:
        return
    file = bundle.place(name)
    nested = [path for path in program if "/" in path and posixpath.basename(path) in {"metadata", "metadata.yaml"}]
    if nested:
        fix = "zip the files themselves, and not their folder: the platform waits until its time limit otherwise"
        yield Problem("O24", f"'{nested[0]}' in a folder", "metadata.yaml in the root of the zip", fix, file)
    else:
        found = "no command in metadata.yaml" if _has_metadata(program) else "no metadata.yaml"
        fix = "add one, as `command: python3 /app/program/score.py /app/input /app/output`"
        yield Problem("O24", found, "metadata.yaml with a command", fix, file)


def _has_metadata(names: Sequence[str] | Mapping[str, bytes]) -> bool:
    return any(name in {"metadata", "metadata.yaml"} for name in names)
