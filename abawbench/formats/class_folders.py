"""Annotations that are folders of images, one folder for each class: LSD's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Challenge
from abawbench.labels import FOLDER_ALIASES
from abawbench.table import NO_FRAME, Table


def read_class_folders(challenge: Challenge, path: Path) -> Table:
    """A truth from folders named after classes, one row for each image.

    Raises:
        ProblemError: C03 folders that are no class, F02 no image.
    """
    task = challenge.tasks[0]
    assert isinstance(task, Categorical)
    numbers = {name.upper(): number for number, name in enumerate(task.classes)}
    numbers |= {alias: numbers[name.upper()] for alias, name in FOLDER_ALIASES.items()}
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir())
    unknown = [folder for folder in folders if folder.name.upper() not in numbers]
    if unknown or not folders:
        raise ProblemError(
            *(
                Problem(
                    "C03", f"folder '{folder.name}'", f"folders {', '.join(numbers)}", "rename or move it", str(folder)
                )
                for folder in unknown or [path]
            )
        )
    found = [
        (image.name, folder.name, numbers[folder.name.upper()])
        for folder in folders
        for image in sorted(folder.iterdir())
        if image.suffix.lower() in {".jpg", ".jpeg", ".png"}
    ]
    if not found:
        raise ProblemError(Problem("F02", "no image", "images in class folders", "check the path", str(path)))
    names = [name for name, _, _ in found]
    # names that occur in two class folders are told apart by the folder
    if len(set(names)) < len(names):
        names = [f"{folder}/{name}" for name, folder, _ in found]
    count = len(names)
    return Table(
        tuple(names),
        np.arange(count, dtype=np.int32),
        np.full(count, NO_FRAME, np.int32),
        {task.name: np.array([number for _, _, number in found], np.int8)},
        source=str(path),
    )
