"""Files of challenges outside the package: read, checked as a whole, and written anew from others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from abawbench.base.files import read_input, write_text
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.base.toml_text import parse_toml
from abawbench.challenges.catalogue import CHALLENGES
from abawbench.challenges.model import Baseline, Challenge, ForbiddenData, Statement
from abawbench.challenges.own.fields import Fault, lines_of, read_fields
from abawbench.challenges.own.fitting import OF_EDITION, faults_of, id_faults
from abawbench.challenges.own.toml_writing import to_toml

SUFFIX = ".toml"
# bytes; the longest record of the catalogue has 20,000
LARGEST = 1 << 20
MOST_TOLD = 50
OWN_NAME = "the organisers of this challenge"
_Sourced = TypeVar("_Sourced", Statement, ForbiddenData, Baseline)
_LINE = re.compile(r"at line (\d+)")


def read_challenge(path: Path) -> Challenge:
    """Read a challenge from a TOML file.

    Raises:
        ProblemError: F01 not readable; else every problem of the file: C04 no TOML; C05 a field is missing, unknown or
            of another type; C06 fields do not fit each other; C07 the id; C08 a field without a source.
    """
    try:
        data = read_input(path, LARGEST)
    except OSError as error:
        raise unreadable(path, error, "the TOML file of a challenge") from error
    try:
        text = data.decode()
        content = parse_toml(text)
    except ValueError as error:
        line = _LINE.search(str(error))
        fix = "correct the line; text stands in quotation marks"
        number = int(line[1]) if line else None
        raise ProblemError(Problem("C04", str(error), "a TOML file", fix, str(path), number)) from error
    faults: list[Fault] = []
    challenge: Challenge | None = read_fields(Challenge, content, faults)
    if challenge is not None:
        metrics = {known.metric.id: known.metric for known in CHALLENGES.values()}
        faults += [*_taken(challenge.id), *faults_of(challenge, metrics)]
        if not faults:
            return challenge
    lines = lines_of(text)
    problems = [_problem(fault, path, lines) for fault in faults[:MOST_TOLD]]
    if len(faults) > MOST_TOLD:
        problems[-1] = replace(problems[-1], found=f"{len(faults) - MOST_TOLD + 1:,} more faults")
    raise ProblemError(*sorted(problems, key=lambda problem: (problem.rule, problem.line or 0)))


def derive(like: Challenge, identifier: str) -> Challenge:
    """A challenge of one's own that is another one but for its id; each source says that it is copied.

    Args:
        like: the challenge to copy.
        identifier: the id. That of an edition, as `abaw12-va`, gives edition and track; any other is its own track.

    Raises:
        ProblemError: C07, the id is not in its form, or the catalogue has it.
    """
    faults = [*id_faults(identifier), *_taken(identifier)]
    if faults:
        raise ProblemError(*(_problem(fault, None, {}) for fault in faults))
    named = OF_EDITION.fullmatch(identifier)

    def copied(source: str) -> str:
        reason = source.removeprefix("assumed: ")
        return f"copied from {like.id}: {source}" if reason == source else f"assumed: as in {like.id}, {reason}"

    def copies(items: tuple[_Sourced, ...]) -> tuple[_Sourced, ...]:
        return tuple(replace(item, source=copied(item.source)) for item in items)

    sources = {name: copied(source) for name, source in like.sources.items()}
    return replace(
        like,
        id=identifier,
        edition=int(named[1]) if named else 0,
        track=named[2] if named else identifier,
        rules=copies(like.rules),
        notes=copies(like.notes),
        forbidden_data=copies(like.forbidden_data),
        baselines=copies(like.baselines),
        sources={**sources, **dict.fromkeys(("id", "edition", "track"), OWN_NAME)},
    )


def write_new(identifier: str, like: Challenge, folder: Path) -> tuple[Path, Challenge]:
    """Write the file of a challenge that is another one but for its id; see `derive`.

    Args:
        identifier: the id, which gives the file its name.
        like: the challenge to copy.
        folder: folder of the file; it is made where it does not exist.

    Returns:
        The file and its challenge.

    Raises:
        ProblemError: C07, the id; F12, the file is there already; F01, it cannot be written.
    """
    challenge = derive(like, identifier)
    path = folder / f"{identifier}{SUFFIX}"
    if path.exists() or path.is_symlink():
        fix = "name another id or folder, or remove the file"
        raise ProblemError(Problem("F12", "a file that is there already", "a new file", fix, str(path)))
    write_text(path, to_toml(challenge))
    return path, challenge


def _taken(identifier: str) -> list[Fault]:
    if identifier not in CHALLENGES:
        return []
    fix = "give it another id, and its file that name"
    return [Fault(("id",), f"'{identifier}'", "an id that the catalogue does not have", fix, "C07")]


def _problem(fault: Fault, path: Path | None, lines: Mapping[tuple[str | int, ...], int]) -> Problem:
    # the nearest part that the text has a line for
    above = (fault.steps[:length] for length in range(len(fault.steps), 0, -1))
    line = next((lines[steps] for steps in above if steps in lines), None)
    place = f"{fault.place}: " if fault.place else ""
    return Problem(
        fault.rule, f"{place}{fault.found}", fault.expected, fault.fix, None if path is None else str(path), line
    )
