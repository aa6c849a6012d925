"""The public functions for organisers."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from abawbench.base.problems import Problem, ProblemError, near_names

if TYPE_CHECKING:
    from abawbench.organisers.bundles import Bundle

    Paths = str | Path | Mapping[str, str | Path]


def bundle(
    platform: str,
    event: str | Path,
    truth: Paths,
    folder: str | Path,
    *,
    template: Paths | None = None,
    made: date | None = None,
) -> Bundle:
    """Make everything that a hosted platform asks for; the same inputs and date give the same bytes.

    Args:
        platform: codabench, evalai or kaggle.
        event: the event file.
        truth: path of the truth of every phase, or paths by the codename of the phase.
        folder: a new folder, or that of an earlier bundle that nobody has changed.
        template: path of the organisers' list of every phase, or paths by the codename of the phase; None, or no path
            for a public phase, takes the rows of the truth.
        made: date of the making; today by default.

    Raises:
        ProblemError: every problem of the event, the truths and the lists, or of the folder; nothing is written then.
    """
    from abawbench.organisers.bundles import PLATFORMS
    from abawbench.organisers.event import read_event

    if platform not in PLATFORMS:
        found, expected = f"platform '{platform}'", near_names(platform, PLATFORMS)
        raise ProblemError(Problem("C02", found, expected, "name a platform"))
    known = read_event(Path(event))
    names = [phase.codename for phase in known.phases]

    def paths(given: Paths | None) -> dict[str, Path]:
        if given is None:
            return {}
        if isinstance(given, str | Path):
            return dict.fromkeys(names, Path(given))
        return {name: Path(path) for name, path in given.items()}

    maker = importlib.import_module(f"abawbench.organisers.bundles.{platform}")
    day = (made or datetime.now(UTC).date()).isoformat()
    return maker.make(known, paths(truth), paths(template), Path(folder), day)
