"""Options of a label set, checked before they are used."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TypeVar

from abawbench.base.problems import Problem, ProblemError
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Marks, Numbers

OneTask = TypeVar("OneTask", Classes, Marks)


def columns_of(label_set: LabelSet) -> tuple[str, ...]:
    """Names of the columns of all tasks; of a task of classes its own name."""
    return tuple(name for facts in label_set.tasks for name in columns_of_task(facts))


def columns_of_task(facts: Classes | Marks | Numbers) -> tuple[str, ...]:
    """Names of a task's columns; of a task of classes its own name."""
    return (facts.name,) if isinstance(facts, Classes) else facts.columns


def only_task(manifest: Manifest, label_set: LabelSet, kind: type[OneTask]) -> OneTask:
    """The one task of a label set whose reader knows no more than one, of this kind.

    Raises:
        ProblemError: D01 for more tasks, or one of another kind.
    """
    facts = label_set.tasks[0]
    if len(label_set.tasks) == 1 and isinstance(facts, kind):
        return facts
    found = f"labels.{label_set.id} with tasks {', '.join(facts.kind for facts in label_set.tasks)}"
    expected = f"one task of {kind.__name__.lower()}"
    raise ProblemError(Problem("D01", found, expected, "correct the manifest", manifest.id))


def check_options(label_set: LabelSet, known: Iterable[str]) -> None:
    """Raise for an option that the reader does not know.

    Raises:
        ProblemError: D01, with the option that comes near.
    """
    names = tuple(known)
    unknown = [name for name in label_set.options if name not in names]
    if unknown:
        raise ProblemError(*(_unknown(label_set, name, names) for name in unknown))


def wrong_option(label_set: LabelSet, name: str, expected: str) -> ProblemError:
    """The error for an option whose value is none: D01."""
    found = f"{name} = {label_set.options.get(name)!r}"
    return ProblemError(Problem("D01", found, expected, "correct the manifest", label_set.id))


def text_option(label_set: LabelSet, name: str, default: str = "") -> str:
    """An option's text.

    Raises:
        ProblemError: D01, it is something else.
    """
    value = label_set.options.get(name, default)
    if not isinstance(value, str):
        raise wrong_option(label_set, name, "a text")
    return value


def texts_option(label_set: LabelSet, name: str) -> tuple[str, ...]:
    """An option's texts; one alone may stand without brackets.

    Raises:
        ProblemError: D01, they are something else.
    """
    value = label_set.options.get(name, ())
    texts = value if isinstance(value, tuple) else (value,)
    found = tuple(text for text in texts if isinstance(text, str))
    if len(found) < len(texts):
        raise wrong_option(label_set, name, "texts")
    return found


def pairs_option(label_set: LabelSet, name: str) -> dict[str, str]:
    """An option's texts of the form `this=that`.

    Raises:
        ProblemError: D01, one is not of that form.
    """
    pairs = [text.partition("=") for text in texts_option(label_set, name)]
    if not all(mark for _, mark, _ in pairs):
        raise wrong_option(label_set, name, "texts as 'this=that'")
    return {this: that for this, _, that in pairs}


def _unknown(label_set: LabelSet, name: str, known: tuple[str, ...]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    expected = f"'{near[0]}'" if near else f"one of {', '.join(known)}"
    return Problem("D01", f"an unknown option '{name}'", expected, "correct the manifest", label_set.id)
