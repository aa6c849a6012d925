"""The audit as a page: a sheet of small pictures and a strip of time for every unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench.base.problems import Problem
from abawbench.clips.crop_index import FOLLOWED, MISSING, Index
from abawbench.faces import audit

if TYPE_CHECKING:
    from abawbench.faces.audit import Row

TEMPLATE = "audit.html.j2"
# a strip is this wide; no stretch is drawn narrower than one, or it would not be seen
STRIP = 1000
SHOWN_TRACKS = 60


def sheet(index: Index, rows: Sequence[Row]) -> Mapping[str, Any]:
    """What the page shows of a video."""
    facts = index.facts
    numbers = np.unique(index.frame)
    units = [
        {
            "row": row,
            "thumbs": facts["thumbs"][row.unit],
            "strips": _strips(index, row.unit),
            "jumps": [_place(numbers, at) for at in audit.jumps(index, row.unit)],
        }
        for row in rows
        if row.unit
    ]
    tracks = facts["tracks"]
    longest = sorted(tracks, key=lambda track: (-track["frames"], track["number"]))[:SHOWN_TRACKS]
    return {
        "video": index.video,
        "kind": facts["kind"],
        "frames": facts["frames"],
        "claimed": facts["claimed"],
        "rate": facts["rate"],
        "first": int(numbers[0]),
        "last": int(numbers[-1]),
        "cuts": [_place(numbers, at) for at in facts["cuts"]],
        "scene": facts["scene"],
        "units": units,
        "aside": [(facts["aside"][str(t["number"])], t) for t in longest if str(t["number"]) in facts["aside"]],
        "tracks": sorted(longest, key=lambda track: track["number"]),
        "more_tracks": len(tracks) - len(longest),
        "problems": facts["problems"],
        "look": [row.look for row in rows if row.look],
    }


def _strips(index: Index, unit: str) -> list[tuple[str, float, float]]:
    """Stretches of a unit as (state, begin, width) on a strip."""
    states = index.state[index.rows_of(unit)]
    scale = STRIP / len(states)
    found: list[tuple[str, float, float]] = []
    for name, flags in (("seen", states != MISSING), ("followed", states == FOLLOWED)):
        # followed frames lie between detected ones; drawn one by one they would be a grey blur
        if name == "followed" and flags.mean() > 0.2:
            continue
        found += [(name, round(b * scale, 2), round(max((e - b) * scale, 1), 2)) for b, e in audit.runs(flags)]
    return found


def _place(numbers: np.ndarray[Any, Any], number: int) -> float:
    return round(float(np.searchsorted(numbers, number)) * STRIP / len(numbers), 2)


def page(rows: Sequence[Row], sheets: Sequence[Mapping[str, Any]], problems: Sequence[Problem]) -> str:
    """The page, with every picture inside it."""
    import jinja2

    source = files("abawbench.faces").joinpath(TEMPLATE).read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    faces, units = sum(row.faces for row in rows), sum(bool(row.unit) for row in rows)
    totals = {
        "videos": len(sheets),
        "units": units,
        "frames": sum(sheet["frames"] for sheet in sheets),
        "faces": faces,
        "look": sum(bool(sheet["look"]) for sheet in sheets),
    }
    return environment.from_string(source).render(totals=totals, sheets=sheets, problems=problems, strip=STRIP)
