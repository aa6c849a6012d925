"""A small truth in the format of ABAW4 MTL, and stores that answer with noise about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from abawbench.challenges import get
from abawbench.entries.outputs import softmax
from tests.tuning.stores import write_store

MTL = get("abaw4-mtl")
UNITS = ("10-30-640x480_left", "10-30-640x480_right", "video45", "video9", "last")
FRAMES = 24


def truth_values(units=UNITS, frames=FRAMES, seed=0):
    """By unit and task, the values of each frame, shape (frames, width): numbers, one-hot classes, labels."""
    random = np.random.default_rng(seed)
    values = {}
    for unit in units:
        course = np.cumsum(random.normal(0, 0.12, (frames, 2)), axis=0)
        classes = np.repeat(random.integers(0, 8, frames // 4), 4)
        labels = np.repeat(random.random((frames // 6, 12)) < 0.4, 6, axis=0)
        values[unit] = {
            "va": np.clip(course, -1, 1).round(3),
            "expression": np.eye(8)[classes],
            "action_units": labels.astype(np.float64),
        }
    return values


def write_truth(path: Path, values) -> Path:
    lines = ["image,valence,arousal,expression,aus"]
    for unit, tasks in values.items():
        for frame in range(len(tasks["va"])):
            numbers = ",".join(f"{value:.3f}" for value in tasks["va"][frame])
            labels = ",".join(str(int(value)) for value in tasks["action_units"][frame])
            lines.append(f"{unit}/{frame + 1:05d}.jpg,{numbers},{tasks['expression'][frame].argmax()},{labels}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def write_answers(root: Path, values, seed: int, name: str, lacking=()) -> Path:
    """A store with noise about the truth; without a crop at some frames of every unit."""
    random = np.random.default_rng(seed)
    units = {}
    for unit, tasks in values.items():
        frames = len(tasks["va"])
        noise = {task: random.normal(0, 1, own.shape) for task, own in tasks.items()}
        answers = {
            "va": np.clip(0.7 * tasks["va"] + 0.1 + 0.2 * noise["va"], -1, 1),
            "expression": softmax(3 * tasks["expression"] + noise["expression"]),
            "action_units": 1 / (1 + np.exp(-3 * (2 * tasks["action_units"] - 1) - 1.5 * noise["action_units"])),
        }
        for own in answers.values():
            own[[at for at in lacking if at < frames]] = np.nan
        units[unit] = list(range(1, frames + 1)), answers
    write_store(root, MTL, name, units)
    return root
