"""The catalogue: every record by its id, in the order of the editions; protocols of other data sets come last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from abawbench.challenges import aff_wild2_rows, aff_wild2_units, ambivalence, other_tracks, protocols, s_aff_wild2
from abawbench.challenges.model import Challenge


def _all() -> Mapping[str, Challenge]:
    # tracks of one edition stay in the order of the modules and their records
    modules = (aff_wild2_units, aff_wild2_rows, s_aff_wild2, other_tracks, ambivalence, protocols)
    records = (challenge for module in modules for challenge in module.RECORDS)
    ordered = sorted(records, key=lambda challenge: challenge.edition or math.inf)
    return MappingProxyType({challenge.id: challenge for challenge in ordered})


CHALLENGES: Mapping[str, Challenge] = _all()
