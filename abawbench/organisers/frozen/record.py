"""The facts of a challenge that a frozen scorer reads and checks files by, as plain data."""

from __future__ import annotations

from typing import Any

from abawbench.challenges import Challenge
from abawbench.formats.check import most_trials
from abawbench.formats.columns import task_columns
from abawbench.formats.layout import Layout, layouts

Facts = dict[str, Any]


def reading_facts(challenge: Challenge) -> Facts:
    """The tasks, layouts and limits of a challenge, all of them numbers, text, lists and dictionaries.

    The result has `official`, the format of a submission; `layouts`, those of a truth, the annotation's first, of which
    those in the official format are also those of a prediction; `tasks`, in the order of the columns; `places`, where
    the labels lie below the data's folder; `trials`, the most of them in one submission.
    """
    return {
        "official": challenge.prediction_format,
        "trials": most_trials(challenge),
        "places": list(challenge.annotation_places.get("validation", ())),
        "tasks": [_task(challenge, place) for place in range(len(challenge.tasks))],
        "layouts": [_layout(layout) for layout in layouts(challenge, "truth")],
    }


def _task(challenge: Challenge, place: int) -> Facts:
    """A task: the kind of its columns, their names and range, and the mark of a missing annotation."""
    task = challenge.tasks[place]
    columns = task_columns(task, "truth")
    whole = "labels" if task.is_vector else "class"
    return {
        "name": task.name,
        "kind": "numbers" if task.is_real else whole,
        "labels": list(task.labels),
        "outputs": list(task.outputs),
        "low": columns[0].low,
        "high": columns[0].high,
        "sentinel": columns[0].sentinel,
    }


def _layout(layout: Layout) -> Facts:
    """A layout, without its columns: those of the tasks, between `probabilities` and `text` where it has them."""
    return {
        "format": layout.format,
        "header": layout.header,
        "aliases": list(layout.header_aliases),
        "key": layout.key,
        "probabilities": layout.has_probabilities,
        "text": layout.has_text,
        "per_unit": layout.per_unit,
        "suffix": layout.suffix,
        "frame_base": layout.frame_base,
        "by_name": layout.by_name,
        "takes_blanks": layout.takes_blanks,
    }
