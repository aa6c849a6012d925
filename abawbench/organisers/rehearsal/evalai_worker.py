"""A submission as EvalAI's worker treats it: `evaluate` is called on the file that was sent, and its answer is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, cast

from abawbench.base.problems import Problem
from abawbench.organisers.rehearsal.bundle_files import Stage
from abawbench.organisers.rehearsal.codabench_worker import set_writable
from abawbench.organisers.rehearsal.interpreters import Interpreter
from abawbench.organisers.rehearsal.outcome import Outcome, number, quoted
from abawbench.organisers.rehearsal.profiles import Profile
from abawbench.organisers.rehearsal.sandbox import Limits, Run, run_program
from abawbench.organisers.rehearsal.sent import Sent, write_below

# bytes of an answer that are read
LARGEST_ANSWER = 4 << 20
# a hosted worker calls so; the remote one, where the argument `remote` says it
DRIVER = """import importlib, json, sys
sys.path.insert(0, sys.argv[1])
annotation, submission, phase, answer = sys.argv[2:6]
evaluate = importlib.import_module("challenge_1").evaluate
metadata = {"id": 1, "participant_team": "team", "challenge_phase": phase, "status": "running"}
result = evaluate(annotation, submission, phase, submission_metadata=metadata)
with open(answer, "w") as file:
    json.dump(result, file)
"""


def run(stage: Stage, sent: Sent, profile: Profile, limits: Limits, interpreter: Interpreter, work: Path) -> Outcome:
    """Call `evaluate` of a stage on a submission, in a process of its own.

    Args:
        stage: evaluation script, annotation file and labels of the board.
        sent: the submission.
        profile: conditions of the run.
        limits: bounds of the run.
        interpreter: interpreter of the worker.
        work: an empty folder, to which all of this is confined.
    """
    blank = Outcome(sent.name, stage.name, profile.name, "failed", "failed")
    script, given, answer = work / "script", work / "input", work / "output" / "answer.json"
    write_below(stage.program, script / "challenge_1")
    ((name, data),) = stage.settings.items()
    name = PurePosixPath(name).name
    # the worker takes a name of plain letters
    file = re.sub(r"[^A-Za-z0-9._-]", "_", sent.file)
    write_below({f"annotation/{name}": data, f"submission/{file}": sent.data}, given)
    answer.parent.mkdir()
    if profile.is_read_only:
        set_writable(script, writable=False)
        set_writable(given, writable=False)
    try:
        paths = [str(given / "annotation" / name), str(given / "submission" / file)]
        command = [interpreter.path, "-c", DRIVER, str(script), *paths, stage.name, str(answer)]
        ran = run_program(command, answer.parent, work, limits=limits, profile=profile)
    finally:
        if profile.is_read_only:
            set_writable(script, writable=True)
            set_writable(given, writable=True)
    return _outcome(blank, stage, sent, ran, answer)


def _outcome(blank: Outcome, stage: Stage, sent: Sent, ran: Run, answer: Path) -> Outcome:
    told = replace(blank, errors=ran.errors, seconds=ran.seconds, remarks=ran.remarks)
    if ran.is_late:
        found = f"the script was ended at the time limit, {ran.seconds:.0f} s"
        fix = "make it faster, and let it end on every submission"
        return replace(told, problems=(Problem("O29", found, "an end within the limit", fix, sent.name),))
    if ran.status != 0:
        # a refusal is an exception of the script's own; an import that fails is none
        return replace(told, state="refused" if told.errors.strip() else "failed")
    try:
        with answer.open("rb") as file:
            result: Any = json.loads(file.read(LARGEST_ANSWER))
    except (OSError, ValueError, RecursionError) as error:
        fix = "return an object of numbers and text"
        found = f"an answer that is no JSON: {type(error).__name__}"
        return replace(told, problems=(Problem("O25", found, "JSON", fix, sent.name),))
    finished = replace(told, state="unscored", platform_says="finished")
    values, problem = _values(result, stage, sent)
    if problem is not None:
        # a split or label of another name is told to nobody but standard error
        is_failed = problem.rule == "O26" and not values
        return replace(
            finished,
            platform_says="failed" if is_failed else "finished",
            is_on_board=not is_failed,
            scores=values,
            problems=(problem,),
        )
    wrong_bars = _error_bars(result, stage, sent)
    return replace(finished, state="scored", is_on_board=True, scores=values, problems=wrong_bars)


def _of_split(result: Any, name: str, split: str) -> dict[str, Any] | None:
    """What an answer says of a split under a name; None where it says nothing."""
    parts = result.get(name) if isinstance(result, dict) else None
    for part in cast(list[Any], parts) if isinstance(parts, list) else []:
        if isinstance(part, dict) and isinstance(part.get(split), dict):
            return cast(dict[str, Any], part[split])
    return None


def _values(result: Any, stage: Stage, sent: Sent) -> tuple[Mapping[str, float], Problem | None]:
    """The numbers of the board, and what is wrong with them."""
    told = _of_split(result, "result", stage.split)
    if told is None:
        found = f"no result of the split '{stage.split}': {quoted(json.dumps(result)[:400])}"
        fix = "give results under the codename of the phase's split"
        return {}, Problem("O26", found, f'{{"result": [{{"{stage.split}": ...}}]}}', fix, sent.name)
    values = {label: value for label, given in told.items() if (value := number(given)) is not None}
    odd = [label for label in told if label not in values]
    if odd:
        found = f"{odd[0]} = {quoted(str(told[odd[0]]))}"
        fix = "raise an exception where there is no score"
        return values, Problem("O25", found, "finite numbers alone", fix, sent.name, count=len(odd))
    missing = [label for label in stage.keys if label not in values]
    if missing:
        found = f"no {missing[0]}, for which the board shows '#'"
        expected = f"every label of the board: {', '.join(stage.keys)}"
        return values, Problem("O26", found, expected, "return every label", sent.name, count=len(missing))
    return values, None


def _error_bars(result: Any, stage: Stage, sent: Sent) -> tuple[Problem, ...]:
    """O26 where some labels have an error bar and some have none, which breaks the page of the board."""
    if not isinstance(result, dict) or "error" not in result:
        return ()
    told = _of_split(result, "error", stage.split) or {}
    missing = [label for label in stage.keys if number(told.get(f"error_{label}")) is None]
    if not missing:
        return ()
    found = f"no error_{missing[0]}, which breaks the page of the board"
    fix = "give the error of every label, or of none"
    return (Problem("O26", found, "an error for every label", fix, sent.name, count=len(missing)),)
