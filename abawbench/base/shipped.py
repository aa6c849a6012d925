"""Folders that come with abawbench: manifests, entries and published facts."""

from __future__ import annotations

from pathlib import Path

from abawbench.base.problems import Problem, ProblemError

_PACKAGE = Path(__file__).parents[1]


def shipped_folder(name: str) -> Path:
    """A folder that comes with abawbench: inside the installed package, else that of the checkout.

    Args:
        name: `data_manifests`, `submissions` or `leaderboard/published`.

    Raises:
        ProblemError: F01, there is no such folder.
    """
    places = (_PACKAGE / "share" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise ProblemError(Problem("F01", f"no folder {name}", str(places[0]), "install abawbench again", str(places[1])))
