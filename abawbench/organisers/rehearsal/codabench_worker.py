"""A submission as Codabench's worker treats it: unpacked, scored by the bundle's program, and its results read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from abawbench.base.problems import Problem
from abawbench.organisers.rehearsal.bundle_files import Stage
from abawbench.organisers.rehearsal.codabench_files import command_of
from abawbench.organisers.rehearsal.interpreters import Interpreter
from abawbench.organisers.rehearsal.outcome import Outcome, number, quoted
from abawbench.organisers.rehearsal.profiles import Profile
from abawbench.organisers.rehearsal.sandbox import Limits, Run, run_program
from abawbench.organisers.rehearsal.sent import NotUnpackedError, Sent, unpack, write_below

ROOT = "/app"
RESULT = "scores.json"
NO_METADATA = "Metadata file not found"
# bytes of a result and of a page that are read
LARGEST_RESULT, LARGEST_PAGE = 1 << 20, 1 << 20
# Codabench stores ten decimals
LEAST = 5e-11


def run(stage: Stage, sent: Sent, profile: Profile, limits: Limits, interpreter: Interpreter, work: Path) -> Outcome:
    """Run the scoring program of a stage on a submission, in the folders that the worker makes.

    Args:
        stage: program, reference data and columns of the board.
        sent: the submission.
        profile: conditions of the run.
        limits: bounds of the run.
        interpreter: interpreter for commands that begin with `python`.
        work: an empty folder, to which all of this is confined.
    """
    blank = Outcome(sent.name, stage.name, profile.name, "failed", "Failed")
    root = work / "app"
    remarks: list[str] = []
    try:
        files = unpack(sent.data)
        metadata = _metadata(files, remarks)
        if metadata is not None:
            return replace(blank, state="refused", errors=metadata, remarks=("refused by the platform itself",))
        write_below(files, root / "input" / "res")
    except NotUnpackedError as error:
        return replace(blank, state="refused", errors=str(error), remarks=("refused by the platform itself",))
    command = command_of(stage.program)
    if command is None:
        return replace(blank, errors=NO_METADATA)
    if profile.adds_metadata:
        (root / "input" / "res" / "metadata").write_text("description: submission\n")
    write_below(stage.program, root / "program")
    write_below(stage.reference, root / "input" / "ref")
    for name in ("output", "shared"):
        (root / name).mkdir()
    if profile.is_read_only:
        for name in ("program", "input"):
            set_writable(root / name, writable=False)
    try:
        words = _words(command, root, interpreter)
        ran = run_program(words, root / "program", work, limits=limits, profile=profile)
    except OSError as error:
        found = f"the command does not start: {error}"
        return replace(blank, errors=found, problems=(_problem("O24", found, "a command that starts", sent),))
    finally:
        if profile.is_read_only:
            for name in ("program", "input"):
                set_writable(root / name, writable=True)
    return _outcome(blank, stage, sent, ran, root / "output", remarks)


def set_writable(folder: Path, *, writable: bool) -> None:
    """Set or clear the right to write of a folder and all that is in it; links are not followed."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod((0o755 if writable else 0o555) if path.is_dir() else (0o644 if writable else 0o444))


def _metadata(files: Mapping[str, bytes], remarks: list[str]) -> str | None:
    """Why the platform takes a submission for a program that it cannot run; None where it does not."""
    if not files:
        return NO_METADATA
    if "metadata.yaml" not in files and "metadata" not in files:
        return None
    if command_of({name: files[name] for name in ("metadata.yaml",) if name in files}) is None:
        return NO_METADATA
    remarks.append("Codabench would run the command in the team's metadata.yaml; the rehearsal does not")
    return None


def _words(command: str, root: Path, interpreter: Interpreter) -> list[str]:
    """The command with the folders of this run in the place of `/app`, and with the interpreter."""
    words = [
        f"{root}{word.removeprefix(ROOT)}" if word == ROOT or word.startswith(f"{ROOT}/") else word
        for word in shlex.split(command)
    ]
    if Path(words[0]).name.startswith("python"):
        words[0] = interpreter.path
    return words


def _outcome(blank: Outcome, stage: Stage, sent: Sent, ran: Run, output: Path, remarks: list[str]) -> Outcome:
    told = replace(
        blank, errors=ran.errors, details=_page(output), seconds=ran.seconds, remarks=(*remarks, *ran.remarks)
    )
    if ran.is_late:
        found = f"the program was ended at the time limit, {ran.seconds:.0f} s"
        return replace(told, errors=f"{ran.errors}\nExecution time limit exceeded\n", problems=(
            _problem("O29", found, "an end within the limit", sent),
        ))  # fmt: skip
    if ran.status != 0:
        return replace(told, state="refused" if told.errors.strip() else "failed")
    result = output / RESULT
    try:
        with result.open("rb") as file:
            scores = json.loads(file.read(LARGEST_RESULT))
    except (OSError, ValueError, RecursionError) as error:
        found = f"exit status 0 without a readable {RESULT}: {type(error).__name__}"
        return replace(told, problems=(_problem("O25", found, "scores, or exit status 1", sent),))
    finished = replace(told, state="unscored", platform_says="Finished")
    if not isinstance(scores, dict):
        return replace(finished, problems=(_problem("O25", f"{RESULT}: {quoted(str(scores))}", "an object", sent),))
    numbers = {str(key): number(value) for key, value in scores.items()}
    odd = [key for key, value in numbers.items() if value is None]
    if odd:
        found = f"{odd[0]} = {quoted(str(scores[odd[0]]))} in {RESULT}"
        return replace(finished, problems=(_problem("O25", found, "finite numbers alone", sent, len(odd)),))
    values = {key: value for key, value in numbers.items() if value is not None}
    missing = [key for key in stage.keys if key not in values]
    if missing:
        found = f"no {missing[0]} in {RESULT}, which has {', '.join(values) or 'nothing'}"
        problem = _problem("O26", found, f"every key of the board: {', '.join(stage.keys)}", sent, len(missing))
        # it stands on the board all the same, and what has no score is sorted first
        return replace(finished, is_on_board=True, scores=values, problems=(problem,))
    small = [key for key, value in values.items() if 0 < abs(value) < LEAST]
    remarks += [f"{key} is stored as 0: Codabench keeps ten decimals" for key in small]
    more = [key for key in values if key not in stage.keys]
    remarks += [f"{key} has no column on the board" for key in more]
    kept = {key: values[key] for key in stage.keys}
    return replace(finished, state="scored", is_on_board=True, scores=kept, remarks=(*remarks, *ran.remarks))


def _problem(rule: str, found: str, expected: str, sent: Sent, count: int = 1) -> Problem:
    fix = {
        "O24": "correct the command in metadata.yaml",
        "O25": f"write {RESULT} last, with finite numbers alone; else leave it out and exit with 1",
        "O26": "write every key of the board each time",
        "O29": "make the program faster, and let it end on every submission",
    }[rule]
    return Problem(rule, found, expected, fix, sent.name, count=count)


def _page(output: Path) -> str:
    """The page of detailed results: `detailed_results.html`, or the first page that there is."""
    pages = [output / "detailed_results.html", *sorted(output.glob("*.html"))]
    for page in pages:
        with suppress(OSError):
            if page.is_file() and not page.is_symlink():
                with page.open("rb") as file:
                    return file.read(LARGEST_PAGE).decode("utf-8", "replace")
    return ""
