"""What a card must say for a score to mean something, and what an entry must answer of it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import cast

from abawbench.base.problems import Problem
from abawbench.challenges import CHALLENGES, MultiLabel, Task
from abawbench.entries.model import Card
from abawbench.labels import ACTION_UNITS_17

NAME = re.compile(r"\d{4}_[a-z0-9-]+_[a-z0-9-]+")
SHA256 = re.compile(r"[0-9a-f]{64}")
# what the notes say of weights that nothing was learned for
RANDOM = "random weights"
IMAGE_INPUT = ("size", "colour", "mean", "std")
# found, expected, fix
Lack = tuple[str, str, str]


def lacking(card: Card, *, reads: bool, needs_networks: bool, is_fitted: bool) -> tuple[Problem, ...]:
    """What a card leaves out, E16; its tasks are left to `misnamed`.

    Args:
        card: of an entry that is ready to answer.
        reads: whether it was seen to read crops.
        needs_networks: whether torch modules look at its crops.
        is_fitted: whether it was fitted here.
    """
    return tuple(
        Problem("E16", f"{card.name or 'an entry without a name'}: {found}", expected, fix)
        for found, expected, fix in (
            *_words(card),
            *_picture(card, reads),
            *_weights(card),
            *_networks(card, needs_networks),
            *_training(card, is_fitted),
            *_text(card),
        )
    )


def _words(card: Card) -> Iterable[Lack]:
    if not NAME.fullmatch(card.name):
        yield f"name = {card.name}", "<year>_<team>_<method> in a-z, 0-9 and -", "correct the name"
    if not card.title:
        yield "no title", "what it is in a few words", "add title"
    if not card.licence:
        yield "no licence", "the SPDX id of its code", "add licence"


def _picture(card: Card, reads: bool) -> Iterable[Lack]:
    if reads and card.picture is None:
        yield "it reads crops, and names no picture", "size, colour and crop", "add picture to the card"


def _weights(card: Card) -> Iterable[Lack]:
    for file in card.weights:
        name = f"weights {file.file or file.role}"
        if not SHA256.fullmatch(file.sha256):
            yield f"{name}: sha256 = {file.sha256 or 'nothing'}", "64 hexadecimal digits", "put the file's on the card"
        if not file.licence:
            yield f"{name}: no licence", "an SPDX id, or words", "find out under which licence they are published"


def _networks(card: Card, needs_networks: bool) -> Iterable[Lack]:
    if needs_networks and not card.networks:
        yield "no networks", "what each network that looks at crops takes", "add them to the card's networks"
    for place, network in enumerate(card.networks, start=1):
        image_input = network.get("intake")
        given = cast(Mapping[str, object], image_input) if isinstance(image_input, Mapping) else {}
        absent = [name for name in IMAGE_INPUT if not given.get(name)]
        if absent:
            expected = f"intake with {', '.join(IMAGE_INPUT)}"
            yield f"network {place}: no {', '.join(absent)} of its intake", expected, "add them"


def _training(card: Card, is_fitted: bool) -> Iterable[Lack]:
    if card.weights and not card.trained_on and not any(RANDOM in text for text in card.notes):
        fix = f'name them, else a leak is not found; where there are none write the note "{RANDOM}"'
        yield "weights, and no trained_on", "the data sets that its weights were made from", fix
    if is_fitted and not card.trained_videos:
        yield "fitted, and no trained_videos", "the videos of its fit", "put the names of the clips on the card"


def _text(card: Card) -> Iterable[Lack]:
    try:
        json.dumps(card.to_json())
    except (TypeError, ValueError) as error:
        yield f"a card that is no JSON: {error}", "text, numbers, lists and mappings", "correct the card's fields"


def misnamed(card: Card) -> tuple[Problem, ...]:
    """What is wrong with the tasks of a card, E16: there are none, names stand twice or are nearly known ones."""
    problems: list[Problem] = []

    def add(found: str, expected: str, fix: str) -> None:
        problems.append(Problem("E16", f"{card.name}: {found}", expected, fix))

    if not card.tasks:
        add("no tasks", "one at least", "say in the card what it answers")
    names = [task.name for task in card.tasks]
    for name in _twice(names):
        add(f"two tasks {name}", "one of each name", "put them together")
    for task in card.tasks:
        if not task.outputs:
            add(f"{task.name} of no columns", "one at least", "leave the task out, or name what it answers")
        for name in _twice(task.outputs):
            add(f"{name} twice in {task.name}", "every name once", "correct the names")
        alike = [other for other in _asked() if other.name == task.name]
        if alike and type(task) not in {type(other) for other in alike}:
            expected = f"{type(alike[0]).__name__}, as in the challenges"
            add(f"{task.name} is a {type(task).__name__} task", expected, "give the task another name or kind")
            continue
        known = _known(alike)
        for name in task.outputs:
            near = None if name in known else _near(name, known)
            if near is not None:
                expected = "the names of the challenges, to the letter"
                add(f"{name} in {task.name}, which no challenge asks for", expected, f"did you mean {near}?")
    return tuple(problems)


def _asked() -> Iterable[Task]:
    return (task for challenge in CHALLENGES.values() for task in challenge.tasks)


def _known(tasks: Iterable[Task]) -> set[str]:
    names: set[str] = set()
    for task in tasks:
        names |= {*task.outputs, *(ACTION_UNITS_17 if isinstance(task, MultiLabel) else ())}
    return names


def _near(name: str, known: set[str]) -> str | None:
    """The known name that a misspelt one means; None where it is a name of its own, as that of a further unit."""
    unit = re.fullmatch(r"au0*(\d+)", name.casefold())
    if unit:
        return f"AU{unit[1]}" if f"AU{unit[1]}" in known else None
    folded = {other.casefold(): other for other in sorted(known)}
    near = difflib.get_close_matches(name.casefold(), folded, 1, 0.8)
    return folded[near[0]] if near else None


def _twice(names: Iterable[str]) -> list[str]:
    listed = list(names)
    return sorted({name for name in listed if listed.count(name) > 1})
