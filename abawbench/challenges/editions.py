"""The eleven editions, and one way to write a record of a track."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

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

NOTHING: Mapping[str, tuple[str, ...]] = MappingProxyType({})
NO_COUNTS: Mapping[str, Mapping[str, int]] = MappingProxyType({})

LINK = "a link to the predictions, with code and paper"
LINK_SOURCE = assumed("sent so in the editions before the 11th; zip layout and text of the e-mail are unknown")
FIVE = assumed("five in the 3rd to 9th edition: teams keep five numbered runs")
FIVE_IN_10 = PAPER_10

NO_FRAMES = assumed("one row is one video, so no frame number occurs in a file")


@dataclass(frozen=True, slots=True)
class Edition:
    """When and where: number, venue, organisers' paper, and where these three come from."""

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


@dataclass(frozen=True, slots=True)
class Formats:
    """Format ids of a track's files, in the order annotation, list, prediction."""

    annotation: FormatId
    list: FormatId
    prediction: FormatId


def record(
    identifier: str,
    edition: Edition,
    *,
    title: str,
    dataset: str,
    tasks: tuple[Task, ...],
    metric: Metric,
    formats: Formats,
    sizes: Mapping[str, Size],
    sources: Mapping[str, str],
    list_files: tuple[str, ...] = (),
    annotation_places: Mapping[str, tuple[str, ...]] = NOTHING,
    frame_base: int = 1,
    valid_rows: Mapping[str, Mapping[str, int]] = NO_COUNTS,
    submissions: int | None = None,
    channel: str | None = LINK,
    rules: tuple[Statement, ...] = (),
    forbidden_data: tuple[ForbiddenData, ...] = (),
    notes: tuple[Statement, ...] = (),
    baselines: tuple[Baseline, ...] = (),
) -> Challenge:
    """A record, its sources completed: those of the edition, the metric, and of each rule, note and baseline.

    Args:
        identifier: `abaw<edition>-<track>`; a correction of a record adds `-2` and so on.
        edition: when and where.
        title: as in `Challenge`, like all that follows.
        dataset: name of the data.
        tasks: what is predicted.
        metric: how it is judged.
        formats: how it is written.
        sizes: by split.
        sources: by field; a field that is empty and not named here is said to be unknown.
        list_files: names of the organisers' lists.
        annotation_places: by split.
        frame_base: number of the first frame.
        valid_rows: by split and task.
        submissions: how many a team may send.
        channel: how they are sent.
        rules: what a participant may and may not do.
        forbidden_data: data that a model may not have been trained on.
        notes: quirks and counts.
        baselines: the organisers' own figures.
    """
    empty = {
        name: UNKNOWN
        for name, value in {
            "list_files": list_files,
            "annotation_places": annotation_places,
            "valid_rows": valid_rows,
            "submissions": submissions,
        }.items()
        if not value
    }
    own = {
        "id": OUR_NAME,
        "title": OUR_NAME,
        **edition.sources,
        "track": edition.sources["edition"],
        **METRIC_SOURCES[metric.id],
        **empty,
        "channel": LINK_SOURCE,
        "rules": _sources_of(rules),
        "forbidden_data": _sources_of(forbidden_data),
        "notes": _sources_of(notes),
        "baselines": _sources_of(baselines),
    }
    return Challenge(
        id=identifier,
        edition=edition.number,
        track=identifier.split("-")[1],
        title=title,
        venue=edition.venue,
        paper=edition.paper,
        dataset=dataset,
        tasks=tasks,
        metric=metric,
        annotation_format=formats.annotation,
        list_format=formats.list,
        prediction_format=formats.prediction,
        list_files=list_files,
        annotation_places=annotation_places,
        frame_base=frame_base,
        sizes=sizes,
        valid_rows=valid_rows,
        submissions=submissions,
        channel=channel,
        rules=rules,
        forbidden_data=forbidden_data,
        notes=notes,
        baselines=baselines,
        sources=own | dict(sources),
    )


def _sources_of(items: Sequence[Statement | ForbiddenData | Baseline]) -> str:
    """Where the items come from, taken together; each of them says it for itself too."""
    if not items:
        return assumed("none was found; that is not to say that there is none")
    named = [item.source for item in items if not item.source.startswith("assumed")]
    if not named:
        return assumed("all of them, each with its reason")
    return all_of(*named) + ("" if len(named) == len(items) else "; some are assumed, each with its reason")
