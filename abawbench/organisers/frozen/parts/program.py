"""The program: `evaluate` for other programs, `main` for the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from abawbench.organisers.frozen.parts.checking import check
from abawbench.organisers.frozen.parts.facts import CHALLENGE, FINGERPRINT, MADE, RECORD, VERSION
from abawbench.organisers.frozen.parts.problems import is_refused, problem
from abawbench.organisers.frozen.parts.reading import Rows, read
from abawbench.organisers.frozen.parts.scoring import annotated, meet, score

DESCRIPTION = "Check PREDICTIONS, score them against TRUTH, and print one JSON object."
# stands for a truth that nobody has but the organisers
NO_TRUTH = "-"


def evaluate(
    truth: str, prediction: str, template: str | None = None, intervals: bool = False, private: bool = False
) -> dict[str, Any]:
    """Check and score a prediction; where something is wrong, `ok` is False and `problems` says what.

    Args:
        truth: file or folder of the annotations; "-" for none: the prediction is checked, and not scored.
        prediction: file, folder of files of units, or zip of one trial.
        template: the organisers' list of rows to predict, if the rows are to be compared with it.
        intervals: also compute the 95 % intervals.
        private: say nothing of the truth but the figures: no names, numbers or values.

    Returns:
        ok, challenge, fingerprint, version, score, terms, metrics, of_probability, rows, flags, intervals if asked for,
        and problems. Figures are None where they are undefined; problems whose rule begins with N are notes.
    """
    head = {"ok": False, "challenge": CHALLENGE, "fingerprint": FINGERPRINT, "version": VERSION, "made": MADE}
    result: dict[str, Any] = dict(head, score=None, terms={}, metrics={}, rows={}, flags=[])
    try:
        known, odd = (None, []) if truth == NO_TRUTH else read(truth, "truth", RECORD)
        problems, rows = check(prediction, template, RECORD, known if template is None else None)
        if private:
            # in messages, a truth has no lines and no values
            rules = dict.fromkeys(one["rule"] for one in odd if is_refused([one]))
            found, expected, fix = "a fault in the truth", "a truth in the official format", "tell the organisers"
            odd = [problem(rule, found, expected, fix) for rule in rules]
        problems = problems + odd
        if known is not None and rows is not None and not is_refused(problems):
            figures, more = scored(known, rows, prediction, intervals, private)
            problems = problems + more
            result.update(figures)
        elif truth == NO_TRUTH:
            result["ok"] = rows is not None and not is_refused(problems)
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        problems = [problem("F01", reason, "files that can be read", "check the files and their rights")]
    return dict(result, problems=problems)


def scored(
    truth: Rows, prediction: Rows, file: str, with_intervals: bool, private: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What `evaluate` finds out about rows that can be read, and problems of truth and prediction together.

    Args:
        truth: rows of the truth.
        prediction: rows of the prediction.
        file: the prediction, for messages.
        with_intervals: also compute the intervals.
        private: say nothing of the truth but the figures.
    """
    valid, partly = annotated(RECORD, truth)
    some = np.logical_or.reduce(list(valid.values()))
    if not some.any():
        return {}, [problem("T10", "no annotated row", "annotated rows in the truth", "give the truth, not a list")]
    # a verdict may not depend on annotations that messages may not tell
    rows, flags, problems = meet(truth, prediction, some | private, file, private)
    if problems:
        return {}, problems
    found = score(RECORD, truth, prediction, valid, rows, with_intervals)
    shown = {"rows": {}, "flags": []} if private else {"flags": partly + flags + found["flags"]}
    return dict(found, ok=True, **shown), []


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 scored, 1 problems found; wrong use ends with 2."""
    parser = argparse.ArgumentParser(description=DESCRIPTION)
    parser.add_argument("truth", metavar="TRUTH", help="file or folder of the annotations, or - to check alone")
    parser.add_argument("predictions", metavar="PREDICTIONS", help="file, folder of files, or zip of one trial")
    parser.add_argument("--template", metavar="LIST", help="the organisers' list of rows to predict")
    parser.add_argument("--intervals", action="store_true", help="also compute the 95 %% intervals")
    parser.add_argument("--private", action="store_true", help="say nothing of the truth but the figures")
    given = parser.parse_args(arguments)
    result = evaluate(given.truth, given.predictions, given.template, given.intervals, given.private)
    print(json.dumps(result, indent=2, allow_nan=False))  # noqa: T201
    return 0 if result["ok"] else 1
