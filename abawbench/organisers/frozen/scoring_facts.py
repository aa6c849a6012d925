"""The facts of a challenge that a frozen scorer scores by, as plain data."""

from __future__ import annotations

from typing import Any

from abawbench.challenges import Challenge
from abawbench.organisers.frozen.record import Facts, reading_facts
from abawbench.scoring.criteria import criterion_of, spans


def scorer_facts(challenge: Challenge) -> Facts:
    """What a frozen scorer knows of a challenge: the facts of `reading_facts`, and those of its metric.

    The result has the `terms` of the score, for each task its `criteria`, counted or reported, the `spans` of figures
    that go from other values than 0 to 1, and names of figures `of_probability`.

    Raises:
        ProblemError: C02, the challenge names a criterion that there is not.
    """
    facts = reading_facts(challenge)
    metric = challenge.metric
    for task in facts["tasks"]:
        task["criteria"] = _criteria(challenge, task["name"])
    facts["terms"] = [
        {"task": term.task, "parts": [[part.criterion, part.weight] for part in term.parts]} for term in metric.terms
    ]
    ends = {"/".join(path): list(span) for path, span in spans(challenge).items()}
    facts["spans"] = {path: span for path, span in ends.items() if span != [0.0, 1.0] and span[0] == span[0]}
    facts["of_probability"] = [name for reported in metric.reported for name in reported.of_probability]
    return facts


def _criteria(challenge: Challenge, name: str) -> dict[str, dict[str, Any]]:
    """By criterion of a task, reported or counted, the names of its figures below `metrics`."""
    task, term = challenge.task(name), challenge.metric.term(name)
    reported = challenge.metric.reports(name).criteria
    counted = [part.criterion for part in term.parts] if term else []
    found: dict[str, dict[str, Any]] = {}
    for criterion_name in dict.fromkeys((*reported, *counted)):
        criterion = criterion_of(task, criterion_name)
        whole = criterion.whole_path(task)
        is_hidden = criterion_name not in reported
        found[criterion_name] = {
            "whole": None if whole is None or is_hidden else whole[-1],
            "parts": [part.replace("{task}", name) for part in (criterion.parts or ())[1:]],
            **({"hidden": True} if is_hidden else {}),
        }
    return found
