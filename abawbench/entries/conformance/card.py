"""Checks of a card: the facts without which a score means nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import cast

from abawbench.base.problems import Problem
from abawbench.challenges import known
from abawbench.clips.crop import FORMS, Crop
from abawbench.entries.model import Card
from abawbench.entries.names import check_names

NAME = re.compile(r"\d{4}_[a-z0-9-]+_[a-z0-9-]+")
SHA256 = re.compile(r"[0-9a-f]{64}")
# words in the notes of a card that say that its weights were never trained
RANDOM_WEIGHTS = "random weights"
IMAGE_INPUT = ("size", "colour", "mean", "std")
# found, expected, fix
Lack = tuple[str, str, str]


def check_card(card: Card, *, reads_crops: bool, needs_networks: bool, is_fitted: bool) -> tuple[Problem, ...]:
    """Everything that a card lacks, E16, except tasks, which `check_task_names` checks.

    Args:
        card: card of an entry that is ready to predict.
        reads_crops: True where the entry reads crops to predict.
        needs_networks: True where torch networks encode its crops.
        is_fitted: True where the entry was fitted.
    """
    return tuple(
        Problem("E16", f"{card.name or 'an entry without a name'}: {found}", expected, fix)
        for found, expected, fix in (
            *_check_texts(card),
            *_check_picture(card, reads_crops),
            *_check_weights(card),
            *_check_networks(card, needs_networks),
            *_check_training(card, is_fitted),
        )
    )


def _check_texts(card: Card) -> Iterable[Lack]:
    if not NAME.fullmatch(card.name):
        yield f"name = {card.name}", "<year>_<team>_<method> in a-z, 0-9 and -", "correct the name"
    if not card.title:
        yield "no title", "the entry in a few words", "add title"
    if not card.licence:
        yield "no licence", "the SPDX id of its code", "add licence"


def _check_picture(card: Card, reads_crops: bool) -> Iterable[Lack]:
    if reads_crops and card.picture is None:
        yield "it reads crops, and names no picture", "size, colour and crop", "add picture to the card"
    if card.crop and card.crop != _crop_name(card.crop):
        yield f"crop = {card.crop}", FORMS, "correct the crop, or leave it empty where any will do"


def _crop_name(text: str) -> str:
    """The name of a crop as it is written; empty for a name that is not known."""
    try:
        return Crop.named(text).name
    except ValueError:
        return ""


def _check_weights(card: Card) -> Iterable[Lack]:
    for file in card.weights:
        name = f"weights {file.file or file.role}"
        if not SHA256.fullmatch(file.sha256):
            yield (
                f"{name}: sha256 = {file.sha256 or 'nothing'}",
                "64 hexadecimal digits",
                "write the file's hash to the card",
            )
        if not file.licence:
            yield f"{name}: no licence", "an SPDX id, or words", "find out under which licence they are published"


def _check_networks(card: Card, needs_networks: bool) -> Iterable[Lack]:
    if needs_networks and not card.networks:
        yield "no networks", "the image input of each network that takes crops", "add them to the card's networks"
    for place, network in enumerate(card.networks, start=1):
        intake = network.get("intake")
        image_input = cast(Mapping[str, object], intake) if isinstance(intake, Mapping) else {}
        absent = [name for name in IMAGE_INPUT if not image_input.get(name)]
        if absent:
            expected = f"intake with {', '.join(IMAGE_INPUT)}"
            yield f"network {place}: no {', '.join(absent)} of its intake", expected, "add them"


def _check_training(card: Card, is_fitted: bool) -> Iterable[Lack]:
    if card.weights and not card.trained_on and not any(RANDOM_WEIGHTS in text for text in card.notes):
        fix = f'name them, else a leak is not found; where there are none write the note "{RANDOM_WEIGHTS}"'
        yield "weights, and no trained_on", "the data sets that its weights were trained on", fix
    if is_fitted and not card.trained_videos:
        yield "fitted, and no trained_videos", "the videos of its fit", "put the names of the clips on the card"


def check_task_names(card: Card) -> tuple[Problem, ...]:
    """Everything wrong with the tasks of a card, E16: none at all, repeated names, and names that are not known."""
    problems: list[Problem] = []

    def add(found: str, expected: str, fix: str) -> None:
        problems.append(Problem("E16", f"{card.name}: {found}", expected, fix))

    if not card.tasks:
        add("no tasks", "one at least", "name in the card the tasks that it answers")
    for name in _repeated(task.name for task in card.tasks):
        add(f"two tasks {name}", "one of each name", "put them together")
    for task in card.tasks:
        if not task.outputs:
            add(f"{task.name} of no columns", "one at least", "leave the task out, or name its columns")
        for name in _repeated(task.outputs):
            add(f"{name} twice in {task.name}", "every name once", "correct the names")
        alike = [other for challenge in known().values() for other in challenge.tasks if other.name == task.name]
        if alike and type(task) not in {type(other) for other in alike}:
            expected = f"{type(alike[0]).__name__}, as in the challenges"
            add(f"{task.name} is a {type(task).__name__} task", expected, "give the task another name or kind")
    return (*problems, *check_names(card))


def _repeated(names: Iterable[str]) -> list[str]:
    listed = list(names)
    return sorted({name for name in listed if listed.count(name) > 1})
