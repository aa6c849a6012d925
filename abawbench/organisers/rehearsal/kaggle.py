"""A bundle for Kaggle, looked through, and a submission as Kaggle treats it: `score` is called on two tables."""

from __future__ import annotations

import ast
import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from abawbench.base.problems import Problem
from abawbench.organisers.rehearsal.bundle_files import Inspected, Opened, Stage
from abawbench.organisers.rehearsal.codabench_worker import set_writable
from abawbench.organisers.rehearsal.interpreters import Interpreter
from abawbench.organisers.rehearsal.outcome import Outcome, number
from abawbench.organisers.rehearsal.profiles import Profile
from abawbench.organisers.rehearsal.sandbox import Limits, Run, run_program
from abawbench.organisers.rehearsal.sent import Sent, write_below

METRIC, SOLUTION, SAMPLE = "metric.py", "solution.csv", "sample_submission.csv"
SCORE = "score"
LARGEST_ANSWER = 1 << 20
DRIVER = """import importlib.util, json, sys
import pandas as pd
metric, solution, submission, row_id, answer = sys.argv[1:6]
spec = importlib.util.spec_from_file_location("metric", metric)
module = importlib.util.module_from_spec(spec)
sys.modules["metric"] = module
spec.loader.exec_module(module)
told = {}
try:
    told["score"] = module.score(pd.read_csv(solution), pd.read_csv(submission), row_id)
    told["kind"] = type(told["score"]).__name__
    told["score"] = float(told["score"])
except Exception as error:
    told["error"], told["visible"] = str(error), "ParticipantVisible" in type(error).__name__
    told["hidden"] = "HostVisible" in type(error).__name__
    told["kind"] = type(error).__name__
with open(answer, "w") as file:
    json.dump(told, file)
"""


def inspect(bundle: Opened) -> Inspected:
    """Look through a bundle: O20 parts that are missing, O24 a metric without `score`, or one without annotations."""
    missing = [name for name in (METRIC, SOLUTION, SAMPLE) if name not in bundle.files]
    problems = [Problem("O20", f"no {name}", "a file of the bundle", "add it", bundle.source) for name in missing]
    if missing:
        return Inspected((), tuple(problems))
    problems.extend(_metric_problems(bundle))
    names = {name: bundle.files[name] for name in (SOLUTION, SAMPLE)}
    stage = Stage("competition", {METRIC: bundle.files[METRIC]}, names, (SCORE,), settings=names)
    return Inspected(() if problems else (stage,), tuple(problems))


def faulty_tables(stage: Stage) -> tuple[Sent, ...]:
    """The sample submission, and copies with a fault each; a metric scores the first and refuses the others."""
    data = stage.settings[SAMPLE]
    rows = list(csv.reader(io.StringIO(data.decode())))
    head, body = rows[0], rows[1:]
    last = len(head) - 1

    def with_value(text: str, place: int = 1) -> list[list[str]]:
        return [head, *([*row[:last], text] if number == place else row for number, row in enumerate(body))]

    kinds: dict[str, list[list[str]]] = {
        "row-missing": [head, *body[1:]],
        "row-twice": [head, *body, body[0]],
        "row-more": [head, *body, ["not-asked-for", *body[0][1:]]],
        "column-missing": [row[:last] for row in rows],
        "column-renamed": [[*head[:last], "answer"], *body],
        "no-rows": [head],
        "empty-value": with_value(""),
        "nan": with_value("nan"),
        "infinite": with_value("inf"),
        "text": with_value("=cmd|'/c calc'!A1"),
        "out-of-range": with_value("1e300"),
    }
    reordered = Sent("order-reversed", "submission.csv", _table([head, *body[::-1]]), is_refused=False)
    good = Sent("sample submission", "submission.csv", data, is_refused=False)
    faulty = (Sent(name, "submission.csv", _table(table), is_refused=True) for name, table in kinds.items())
    return (good, reordered, *faulty)


def run(stage: Stage, sent: Sent, profile: Profile, limits: Limits, interpreter: Interpreter, work: Path) -> Outcome:
    """Call `score` on the solution and a submission, in a process of its own.

    Args:
        stage: metric, solution and sample submission.
        sent: the submission, a CSV file.
        profile: conditions of the run.
        limits: bounds of the run.
        interpreter: interpreter, which needs pandas.
        work: an empty folder, to which all of this is confined.
    """
    blank = Outcome(sent.name, stage.name, profile.name, "failed", "Submission Scoring Error")
    given, answer = work / "input", work / "output" / "answer.json"
    write_below({METRIC: stage.program[METRIC], SOLUTION: stage.settings[SOLUTION], "submission.csv": sent.data}, given)
    answer.parent.mkdir()
    row_id = stage.settings[SAMPLE].split(b"\n", 1)[0].decode("utf-8", "replace").split(",")[0].strip()
    if profile.is_read_only:
        set_writable(given, writable=False)
    try:
        names = [str(given / name) for name in (METRIC, SOLUTION, "submission.csv")]
        command = [interpreter.path, "-c", DRIVER, *names, row_id, str(answer)]
        ran = run_program(command, answer.parent, work, limits=limits, profile=profile)
    finally:
        if profile.is_read_only:
            set_writable(given, writable=True)
    return _outcome(blank, sent, ran, answer)


def _outcome(blank: Outcome, sent: Sent, ran: Run, answer: Path) -> Outcome:
    told = replace(blank, errors=ran.errors, seconds=ran.seconds, remarks=ran.remarks)
    if ran.is_late:
        found, fix = f"the metric was ended at the time limit, {ran.seconds:.0f} s", "make it faster"
        return replace(told, problems=(Problem("O29", found, "an end within the limit", fix, sent.name),))
    try:
        with answer.open("rb") as file:
            result: Any = json.loads(file.read(LARGEST_ANSWER))
    except (OSError, ValueError):
        return told
    if "error" in result:
        # the team reads a visible error, and of any other only that there was one
        is_told = bool(result["visible"] and str(result["error"]).strip())
        text = str(result["error"]) if is_told else ""
        hidden = () if is_told else (f"the organisers alone read: {result['kind']}: {str(result['error'])[:500]}",)
        return replace(told, state="refused" if is_told else "failed", errors=text, remarks=(*ran.remarks, *hidden))
    value = number(result["score"])
    finished = replace(told, state="unscored", platform_says="Complete", errors="")
    if value is None or result["kind"] not in {"float", "float64", "int"}:
        fix = "return one finite float, or raise ParticipantVisibleError"
        found = f"a score of {result['score']} ({result['kind']})"
        return replace(finished, problems=(Problem("O25", found, "one finite float", fix, sent.name),))
    return replace(finished, state="scored", is_on_board=True, scores={SCORE: value})


def _metric_problems(bundle: Opened) -> Iterator[Problem]:
    file = bundle.place(METRIC)
    try:
        tree = ast.parse(bundle.files[METRIC])
    except (SyntaxError, ValueError) as error:
        yield Problem("O24", f"source that does not parse: {error}", "Python", "correct it", file)
        return
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == SCORE]
    if not found:
        yield Problem("O24", "no function `score`", "`score(solution, submission, ...) -> float`", "add it", file)
        return
    arguments = [*found[0].args.args, *found[0].args.kwonlyargs]
    bare = [one.arg for one in arguments if one.annotation is None]
    if bare or found[0].returns is None:
        what = bare[0] if bare else "the answer"
        yield Problem("O24", f"`score`: {what} without annotation", "every argument annotated", "annotate it", file)


def _table(rows: list[list[str]]) -> bytes:
    stream = io.StringIO()
    write: Callable[[list[list[str]]], Any] = csv.writer(stream, lineterminator="\n").writerows
    write(rows)
    return stream.getvalue().encode()
