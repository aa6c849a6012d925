"""Whose video is whose: a text file of lines `video,subject`."""

from __future__ import annotations

from pathlib import Path

from abawbench.base.problems import Problem, ProblemError
from abawbench.formats.read import load


def subjects_from(path: Path) -> dict[str, str]:
    """Subject of each video from a file of lines `video,subject`.

    Raises:
        ProblemError: F01, F06.
    """
    lines = load(path).decode("utf-8", "replace").splitlines()
    problems = [
        Problem("F06", f"'{line}'", "video,subject", "write one video and its subject", str(path), number)
        for number, line in enumerate(lines, start=1)
        if line.strip() and line.count(",") != 1
    ]
    if problems:
        raise ProblemError(*problems[:3])
    pairs = [line.strip().split(",") for line in lines if line.strip()]
    return {video: subject for video, subject in pairs if (video, subject) != ("video", "subject")}
