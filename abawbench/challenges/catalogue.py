"""The catalogue: every record by its id, in the order of the editions; protocols of other data sets come last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import aff_wild2_rows, aff_wild2_units, ambivalence, other_tracks, protocols, s_aff_wild2
from abawbench.challenges.model import Challenge


def _all() -> Mapping[str, Challenge]:
    # tracks of one edition stay in the order of the modules and their records
    modules = (aff_wild2_units, aff_wild2_rows, s_aff_wild2, other_tracks, ambivalence, protocols)
    records = (challenge for module in modules for challenge in module.RECORDS)
    ordered = sorted(records, key=lambda challenge: challenge.edition or math.inf)
    return MappingProxyType({challenge.id: challenge for challenge in ordered})


CHALLENGES: Mapping[str, Challenge] = _all()


def get(identifier: str) -> Challenge:
    """Get a challenge by its id, in any case.

    Raises:
        ProblemError: C01, the id is unknown; the message names similar ones.
    """
    known = CHALLENGES.get(identifier) or CHALLENGES.get(identifier.lower())
    if known is not None:
        return known
    near = _near(identifier)
    fix = "run `abawbench challenges` for the list"
    raise ProblemError(Problem("C01", f"'{identifier}'", f"an id such as {', '.join(near or ['abaw4-mtl'])}", fix))


def _near(identifier: str) -> list[str]:
    """Up to five similar ids: those spelt alike first, then those of the same edition or track."""
    import difflib

    asked = identifier.strip().lower().replace("_", "-").replace(" ", "-")
    if asked in CHALLENGES:
        return [asked]
    words = set(asked.split("-"))
    alike = difflib.get_close_matches(asked, CHALLENGES, n=3)
    related = [name for name in CHALLENGES if words & set(name.split("-"))]
    return list(dict.fromkeys((*alike, *related)))[:5]
