"""Images in folders that are named after their class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from abawbench.base.folders import entries
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.labels import FOLDER_ALIASES
from abawbench.table import NO_FRAME, Table

IMAGES = {".jpg", ".jpeg", ".png"}


def read_class_folders(challenge: Challenge, path: Path) -> Table:
    """The truth in folders named after the classes of the first task: one row for each image, without a frame.

    Raises:
        ProblemError: C03 a folder is no class, F02 there is no image.
    """
    task = challenge.tasks[0]
    numbers = {name.upper(): number for number, name in enumerate(task.outputs)}
    # a challenge with other classes has no use for some aliases
    numbers |= {alias: numbers[name.upper()] for alias, name in FOLDER_ALIASES.items() if name.upper() in numbers}
    folders = [folder for folder in entries(path)[0] if folder.is_dir()]
    unknown = [folder for folder in folders if folder.name.upper() not in numbers]
    if unknown or not folders:
        expected = f"folders {', '.join(numbers)}"
        raise ProblemError(
            *(
                Problem("C03", f"folder '{folder.name}'", expected, "rename or move it", str(folder))
                for folder in unknown or [path]
            )
        )
    images = [
        (image.name, folder.name)
        for folder in folders
        for image in entries(folder)[0]
        if image.suffix.lower() in IMAGES
    ]
    if not images:
        raise ProblemError(Problem("F02", "no image", "images in class folders", "check the path", str(path)))
    names = [name for name, _ in images]
    if len(set(names)) < len(names):
        # names that occur in two class folders are told apart by the folder
        names = [f"{folder}/{name}" for name, folder in images]
    return Table(
        tuple(names),
        np.arange(len(names), dtype=np.int32),
        np.full(len(names), NO_FRAME, np.int32),
        {task.name: np.array([numbers[folder.upper()] for _, folder in images], np.int8)},
        source=str(path),
    )
