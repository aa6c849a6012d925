"""Turns the options of a label set into settings of its reader, before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Marks, Strict

OneTask = TypeVar("OneTask", Classes, Marks)
Settings = TypeVar("Settings", bound=Strict)


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
"""Texts; one alone may stand without brackets."""
Pairs = Annotated[tuple[Annotated[str, Field(pattern="=")], ...], BeforeValidator(_as_tuple)]
"""Texts of the form `this=that`; one alone may stand without brackets."""


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """The mapping that texts of the form `this=that` describe."""
    return {this: that for this, _, that in (text.partition("=") for text in texts)}


def settings_of(kind: type[Settings], manifest: Manifest, label_set: LabelSet, columns: Sequence[str] = ()) -> Settings:
    """The options of a label set as settings of its reader.

    Args:
        kind: class of the reader's settings.
        manifest: manifest of the data set.
        label_set: label set with the options.
        columns: names of columns, which are options of their own and no settings.

    Raises:
        ProblemError: D01, an option is unknown, lacking, of another type or out of its range.
    """
    try:
        return kind.model_validate({name: value for name, value in label_set.options.items() if name not in columns})
    except ValidationError as error:
        raise ProblemError(*_faults(error, (*kind.model_fields, *columns), manifest, label_set)) from error


def _faults(error: ValidationError, known: Sequence[str], manifest: Manifest, label_set: LabelSet) -> list[Problem]:
    """One problem for each option at fault: pydantic reports each type that an option may have on its own."""
    messages: dict[str, list[str]] = {}
    unknown: set[str] = set()
    for fault in error.errors():
        name = str(fault["loc"][0])
        messages.setdefault(name, []).append(fault["msg"])
        if fault["type"] == "extra_forbidden":
            unknown.add(name)
    problems: list[Problem] = []
    for name, texts in messages.items():
        option = f"labels.{label_set.id}.options.{name}"
        expected = f"options {', '.join(known)} of the reader {label_set.reader}"
        found = f"{option}: {' or '.join(dict.fromkeys(texts))}"
        if name in unknown:
            found, expected = f"an unknown option {option}", near_names(name, known)
        problems.append(Problem("D01", found, expected, "correct the manifest", manifest.id))
    return problems


def columns_in_file(label_set: LabelSet) -> dict[str, str | int]:
    """The name, or the place from 0, that each column of the tasks has in the file, by the manifest's name of it.

    An option with the name of the column says it; by default the file uses the manifest's name.
    """
    names = (name for facts in label_set.tasks for name in facts.task.labels)
    options = {name: label_set.options.get(name, name) for name in names}
    return {name: option if isinstance(option, int) else str(option) for name, option in options.items()}


def wrong_option(label_set: LabelSet, name: str, expected: str) -> ProblemError:
    """The error for an option whose value cannot be used: D01."""
    found = f"labels.{label_set.id}.options.{name} = {label_set.options.get(name)!r}"
    return ProblemError(Problem("D01", found, expected, "correct the manifest", label_set.id))


def only_task(manifest: Manifest, label_set: LabelSet, kind: type[OneTask]) -> OneTask:
    """The task of a label set whose reader reads one task of one kind.

    Raises:
        ProblemError: D01, there are several tasks, or the one is of another kind.
    """
    facts = label_set.tasks[0]
    if len(label_set.tasks) == 1 and isinstance(facts, kind):
        return facts
    found = f"labels.{label_set.id} with tasks {', '.join(facts.kind for facts in label_set.tasks)}"
    expected = f"one task of {kind.__name__.lower()}"
    raise ProblemError(Problem("D01", found, expected, "correct the manifest", manifest.id))


def code_numbers(facts: Classes) -> dict[object, int]:
    """The number of the class for each code that a file may write; -1 for values that mean "not annotated"."""
    codes: dict[object, int] = {code: number for number, code in enumerate(facts.codes or range(len(facts.classes)))}
    return codes | dict.fromkeys(facts.missing, -1)


def class_names(facts: Classes, codes: Iterable[object], aliases: Iterable[str], label_set: LabelSet) -> dict[str, int]:
    """The number of the class for each name of a folder, in small letters.

    Args:
        facts: classes of the task.
        codes: name of the folder of each class.
        aliases: further names, as `Happy=Happiness`; after `=` stands a code or a class.
        label_set: label set of the classes, for messages.

    Raises:
        ProblemError: D01, an alias of something that is no class.
    """
    numbers = {str(code).lower(): number for number, code in enumerate(codes)}
    classes = numbers | {name.lower(): number for number, name in enumerate(facts.classes)}
    for alias, name in pairs(aliases).items():
        if name.lower() not in classes:
            raise wrong_option(label_set, "aliases", f"after '=' one of {', '.join(facts.classes)}")
        numbers[alias.lower()] = classes[name.lower()]
    return numbers
