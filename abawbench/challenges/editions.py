"""The eleven editions, and `record`, which makes a challenge from fields that tracks share and its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from abawbench.challenges.model import Baseline, Challenge, ForbiddenData, FormatId, Metric, Size, Statement, Task
from abawbench.challenges.sources import (
    BAH_PAGES,
    OUR_NAME,
    PAGE_9,
    PAGE_10,
    PAGE_11,
    PAPER_10,
    UNKNOWN,
    all_of,
    assumed,
)
from abawbench.challenges.tasks import METRIC_SOURCES

LINK_SOURCE = assumed("sent so in the editions before the 11th; zip layout and text of the e-mail are unknown")
FIVE = assumed("five in the 3rd to 9th edition: teams keep five numbered runs")
FIVE_IN_10 = PAPER_10

NO_FRAMES = assumed("one row is one video, so no frame number occurs in a file")


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition: its number (0 outside the editions), venue, the organisers' paper, and the sources of these three."""

    number: int
    venue: str
    paper: str | None
    sources: Mapping[str, str]


def _with_paper(number: int, venue: str, paper: str) -> Edition:
    return Edition(number, venue, paper, dict.fromkeys(("edition", "venue", "paper"), f"organisers' paper {paper}"))


FIRST = _with_paper(1, "FG 2020", "arXiv:2001.11409")
SECOND = _with_paper(2, "ICCV 2021", "arXiv:2106.15318")
THIRD = _with_paper(3, "CVPR 2022", "arXiv:2202.10659")
FOURTH = _with_paper(4, "ECCV 2022", "arXiv:2207.01138")
FIFTH = _with_paper(5, "CVPR 2023", "arXiv:2303.01498")
SIXTH = _with_paper(6, "CVPR 2024", "arXiv:2402.19344")
SEVENTH = _with_paper(7, "ECCV 2024", "arXiv:2407.03835")
EIGHTH = Edition(
    8,
    "CVPR 2025",
    None,
    {
        "edition": BAH_PAGES,
        "venue": assumed("no organisers' page or paper of the 8th edition was found"),
        "paper": UNKNOWN,
    },
)
NINTH = Edition(9, "ICCV 2025", None, {"edition": PAGE_9, "venue": PAGE_9, "paper": UNKNOWN})
TENTH = Edition(
    10,
    "CVPR 2026",
    "arXiv:2605.27451",
    {"edition": PAGE_10, "venue": PAGE_10, "paper": PAPER_10},
)
ELEVENTH = Edition(11, "ECCV 2026", None, {"edition": PAGE_11, "venue": PAGE_11, "paper": UNKNOWN})


class Fields(TypedDict, total=False):
    """Fields of a record, as in `Challenge`; `formats` has the formats of annotation, list and prediction."""

    track: str
    title: str
    dataset: str
    tasks: tuple[Task, ...]
    metric: Metric
    formats: tuple[FormatId, FormatId, FormatId]
    list_files: tuple[str, ...]
    annotation_places: Mapping[str, tuple[str, ...]]
    frame_base: int
    sizes: Mapping[str, Size]
    valid_rows: Mapping[str, Mapping[str, int]]
    submissions: int | None
    channel: str | None
    rules: tuple[Statement, ...]
    forbidden_data: tuple[ForbiddenData, ...]
    notes: tuple[Statement, ...]
    baselines: tuple[Baseline, ...]
    sources: Mapping[str, str]


# fields that may stay empty; a record without one of them has no source for it
_EMPTY: Fields = {"list_files": (), "annotation_places": {}, "valid_rows": {}, "submissions": None}
_DEFAULTS: Fields = {
    **_EMPTY,
    "frame_base": 1,
    "channel": "a link to the predictions, with code and paper",
    "rules": (),
    "forbidden_data": (),
    "notes": (),
    "baselines": (),
    "sources": {},
}


def record(edition: Edition, shared: tuple[Fields, ...], /, **own: Unpack[Fields]) -> Challenge:
    """Make the record of a track in an edition.

    Later fields replace earlier ones, except that rules, notes and sources are added to the earlier ones. Sources of
    the edition, of the metric, and of rules, notes and baselines are filled in; an empty field without a source gets
    `UNKNOWN`.

    Args:
        edition: edition of the track.
        shared: fields that several records share.
        own: fields of this record alone.
    """
    fields: dict[str, Any] = {**_DEFAULTS}
    for layer in (*shared, own):
        fields |= {
            **layer,
            "rules": (*fields["rules"], *layer.get("rules", ())),
            "notes": (*fields["notes"], *layer.get("notes", ())),
            "sources": {**fields["sources"], **layer.get("sources", {})},
        }
    annotation, listed, prediction = fields.pop("formats")
    fields["sources"] = {
        "id": OUR_NAME,
        "title": OUR_NAME,
        **edition.sources,
        "track": edition.sources["edition"],
        **METRIC_SOURCES[fields["metric"].id],
        **{name: UNKNOWN for name in _EMPTY if not fields[name]},
        "channel": LINK_SOURCE,
        **{name: _sources_of(fields[name]) for name in ("rules", "forbidden_data", "notes", "baselines")},
        **fields["sources"],
    }
    return Challenge(
        id=f"abaw{edition.number}-{fields['track']}" if edition.number else fields["track"],
        edition=edition.number,
        venue=edition.venue,
        paper=edition.paper,
        annotation_format=annotation,
        list_format=listed,
        prediction_format=prediction,
        **fields,
    )


def _sources_of(items: Sequence[Statement | ForbiddenData | Baseline]) -> str:
    """The sources of all items together; each item also has its own."""
    if not items:
        return assumed("none was found; that is not to say that there is none")
    named = [item.source for item in items if not item.source.startswith("assumed")]
    if not named:
        return assumed("all of them, each with its reason")
    return all_of(*named) + ("" if len(named) == len(items) else "; some are assumed, each with its reason")
