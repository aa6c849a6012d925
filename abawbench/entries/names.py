"""Names of classes, action units and values that entries bring: in the words of the challenges, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from abawbench.base.problems import Problem, Problems, did_you_mean
from abawbench.challenges import Task, known
from abawbench.entries.model import Card
from abawbench.labels import OUTSIDE, known_name

# names that a message lists
MOST_NAMES = 20


def read_names(names: Sequence[str], task: Task, place: str, problems: Problems) -> tuple[Task, tuple[str, ...]]:
    """The task with the names of a model's outputs in their order, in the words of the challenge.

    Other spellings and synonyms are read as what they mean. What other vocabularies have, as Contempt, and names that
    begin with `outside:` stay among the outputs, although no challenge asks for them.

    Args:
        names: names of the outputs, as the model has them.
        task: task of the challenge.
        place: place of the names, for messages.
        problems: gets an E02 for each name that is not known, for names that mean the same, and where none is one of
            the task.

    Returns:
        The task, and notes for the card on what was read as what, and on what the challenge does not ask for.
    """
    read: dict[str, list[str]] = {}
    for name in names:
        meant = known_name(name, task.outputs)
        if meant is None:
            problems.add(_unknown("E02", place, name, task.outputs))
        read.setdefault(meant or name, []).append(name)
    for meant, own in read.items():
        if len(own) > 1:
            fix = f"correct the names; what is not meant to be {meant} is written {OUTSIDE}{own[-1]}"
            problems.add(Problem("E02", f"{place}: {' and '.join(own)}", f"{meant} once", fix))
    if read.keys().isdisjoint(task.outputs):
        found = f"{place}: {', '.join(names) or 'none'}"
        expected = f"some of {', '.join(task.outputs)}"
        problems.add(Problem("E02", found, expected, "write the names of the columns in their order"))
    others = [meant for meant in read if meant not in task.outputs]
    notes = [f"{task.name}: not asked for by the challenge: {', '.join(others)}"] if others else []
    return task.with_outputs(list(read)), (*note_respelt((own[0], meant) for meant, own in read.items()), *notes)


def note_respelt(names: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """A note for the card on names that are read as others; none where each is spelt as it is meant.

    >>> note_respelt([("happy", "Happiness"), ("Fear", "Fear"), ("AU01", "AU1")])
    ('read happy as Happiness, AU01 as AU1',)
    """
    read = [f"{name} as {meant}" for name, meant in names if name != meant]
    return (f"read {', '.join(read)}",) if read else ()


def check_names(card: Card, tasks: Sequence[Task] | None = None) -> tuple[Problem, ...]:
    """E16 for each name on a card that is none of the challenges, and would be lost where the entry is scored.

    Args:
        card: card of an entry.
        tasks: tasks that the entry is asked for; None for those of all challenges. A task that only protocols of
            data sets have, as identities, takes any names then: they are those of the data that it was trained on.
    """
    asked = _shared_tasks() if tasks is None else tasks
    problems: list[Problem] = []
    for task in card.tasks:
        alike = [other for other in asked if (other.name, type(other)) == (task.name, type(task))]
        outputs = tuple(dict.fromkeys(name for other in alike for name in other.outputs))
        for name in task.outputs if outputs else ():
            meant = known_name(name, outputs)
            place = f"{card.name}: {task.name}"
            if meant is None:
                problems.append(_unknown("E16", place, name, outputs))
            elif meant != name:
                fix = f"did you mean {meant}?"
                problems.append(Problem("E16", f"{place}: {name}", "names of the challenges, to the letter", fix))
    return tuple(problems)


def _shared_tasks() -> list[Task]:
    """The tasks of all challenges whose names some ABAW challenge has, too."""
    challenges = known().values()
    shared = {task.name for challenge in challenges if challenge.edition for task in challenge.tasks}
    return [task for challenge in challenges for task in challenge.tasks if task.name in shared]


def _unknown(rule: str, place: str, name: str, outputs: Sequence[str]) -> Problem:
    # the formats take as long to import as all entries, and most names are known
    from abawbench.formats.value_forms import near_classes

    near = near_classes(outputs, name)
    fix = f"did you mean {near}?" if near else did_you_mean(name, outputs, "")
    mark = f"what is none of them is written {OUTSIDE}{name}"
    rest = len(outputs) - MOST_NAMES
    listed = f"{', '.join(outputs[:MOST_NAMES])}{f' and {rest} others' * (rest > 0)}"
    return Problem(rule, f"{place}: {name}", f"one of {listed}", f"{fix} {mark}".strip())
