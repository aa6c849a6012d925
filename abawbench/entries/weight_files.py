"""Files of weights that a user brings: there, and the very file that was asked for."""

from __future__ import annotations

from pathlib import Path

from abawbench.base.problems import Problem, ProblemError
from abawbench.entries.model import Weights
from abawbench.records import sha256_of


def weights_of(role: str, path: Path, *, sha256: str = "", licence: str = "", source: str = "") -> Weights:
    """What a card says of a file of weights.

    Args:
        role: what the file is for, as `network`.
        path: the file.
        sha256: that it must have; empty where any will do.
        licence: SPDX id, or in words.
        source: where it is published.

    Raises:
        ProblemError: E11 there is no such file, E04 it is another than was asked for.
    """
    if not path.is_file():
        raise ProblemError(no_file(path, source))
    found = sha256_of(path)
    if sha256 and found != sha256.lower():
        raise ProblemError(
            Problem(
                "E04", f"sha256 {found}", f"sha256 {sha256}", "bring the file that the entry was made with", str(path)
            )
        )
    return Weights(role, path.name, found, licence, source)


def no_file(path: Path, source: str) -> Problem:
    """What is said of a file of weights that is not there."""
    fix = f"get it from {source}" if source else "bring the file, or correct the path"
    return Problem("E11", "no such file", "a file of weights", fix, str(path))
