"""What the templates of the site get: data of boards and entries, with charts, links and words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from abawbench.leaderboard.evidence import BADGES
from abawbench.leaderboard.plots import COSTS, Edition, Strips, against_cost, editions, over_years
from abawbench.leaderboard.rows import KINDS

if TYPE_CHECKING:
    from markupsafe import Markup

LINK = re.compile(r"https://[^\s;,)\]]+|arXiv:\d{4}\.\d{4,5}(?:v\d+)?")
# a line through fewer editions says nothing
FEWEST_EDITIONS = 3
Board = Mapping[str, Any]


def index_view(boards: Mapping[str, Board]) -> dict[str, Any]:
    """The values of the first page."""
    tracks: dict[str, tuple[Edition, ...]] = {}
    for one in boards.values():
        if one["edition"] and one["measure"]["id"] not in tracks:
            tracks[one["measure"]["id"]] = editions(boards, one["measure"]["id"])
    charts = [
        {
            "title": boards[track[-1].board]["title"],
            "measure": boards[track[-1].board]["measure"]["formula"],
            "last": track[-1].board,
            "chart": over_years(track, f"Scores of {boards[track[-1].board]['title']} by edition"),
        }
        for track in tracks.values()
        if len(track) >= FEWEST_EDITIONS
    ]
    rows = [row for one in boards.values() for part in one["sections"] for row in part["rows"]]
    return {
        "up": "",
        "boards": [_summary(one) for one in sorted(boards.values(), key=lambda one: -(one["edition"] or 0))],
        "charts": charts,
        "published": sum(row["record"] is None and not row["control"] for row in rows),
        "records": sum(row["record"] is not None for row in rows),
        "kinds": KINDS,
        "badges": BADGES,
    }


def _summary(one: Board) -> dict[str, Any]:
    """A board in a row of the first page."""
    rows = [row for part in one["sections"] for row in part["rows"]]
    return {
        **{key: one[key] for key in ("id", "title", "edition", "venue", "dataset")},
        "counts": {kind: sum(row["kind"] == kind for row in rows) for kind in KINDS},
        "test": _highest(one, "organiser", "test"),
        "validation": _highest(one, "reproduced", "validation"),
    }


def _highest(one: Board, kind: str, split: str) -> dict[str, Any] | None:
    """The highest printed score of a kind on a split, under the challenge's own measure."""
    for part in one["sections"]:
        if part["split"] == split and not part["group"]:
            for row in part["rows"]:
                if row["kind"] == kind and not row["control"] and "score" in row["figures"]:
                    return row["figures"]["score"]
    return None


def board_view(one: Board, boards: Mapping[str, Board]) -> dict[str, Any]:
    """The values of a board's page."""
    rows = [row for part in one["sections"] for row in part["rows"]]
    columns = {column["id"]: column["title"] for part in one["sections"] for column in part["columns"]}
    track = editions(boards, one["measure"]["id"]) if one["edition"] else ()
    title = f"Scores of {one['title']} by edition"
    return {
        "up": "../",
        "board": one,
        "all_badges": BADGES,
        "tables": [_table(part) for part in one["sections"]],
        "filters": {
            "kinds": [kind for kind in KINDS if any(row["kind"] == kind for row in rows)],
            "columns": columns,
            "has_records": any(row["record"] for row in rows),
            "training": sorted({name for row in rows if not row["control"] for name in row["trained_on"] or ()}),
        },
        "years": over_years(track, title, one["id"]) if len(track) >= FEWEST_EDITIONS else None,
        "track": [_edition(edition) for edition in track],
        "costs": list(_costs(one)),
    }


def _table(part: Mapping[str, Any]) -> dict[str, Any]:
    strips = Strips(part["rows"])
    figures = [column for column in part["columns"] if column["id"] != "score"]
    rows: list[dict[str, Any]] = []
    tier = 0
    for row in part["rows"]:
        own = row["place"]["tier"] if row["place"] else 0
        rows.append({**row, "begins": own > tier > 0, "strip": strips.of(row), "linked_source": linked(row["source"])})
        tier = max(tier, own)
    return {
        **part,
        "rows": rows,
        "figures": figures,
        "has_score": len(figures) < len(part["columns"]),
        "has_strips": strips.is_worth_it,
        "has_ranks": any(row["published_rank"] for row in rows),
        "mark": "" if part["places"]["basis"] == "resamples" else "≈ ",
        "sentence": _sentence(part),
    }


def _sentence(part: Mapping[str, Any]) -> str:
    """How many rows of a table may be first, in a sentence."""
    places = [row["place"] for row in part["rows"] if row["place"]]
    if len(places) < 2:
        return ""
    first = sum(place["best"] == 1 for place in places)
    return f"{first} of {len(places)} rows may be first. " if first > 1 else f"One of {len(places)} rows stands out. "


def _edition(edition: Edition) -> dict[str, Any]:
    highest = {split: edition.highest(split) for split in ("test", "validation")}
    return {"board": edition.board, "edition": edition.edition, "year": edition.year, "highest": highest}


def _costs(one: Board) -> Iterator[dict[str, Any]]:
    """A chart for each table with rows whose cost is known."""
    for part in one["sections"]:
        priced = [row for row in part["rows"] if row["position"] is not None and row["cost"]]
        for cost, words in COSTS.items():
            rows = [row for row in priced if row["cost"][cost] is not None]
            if rows:
                title = f"Score against {words}: {part['title']}"
                chart = against_cost(rows, cost, title)
                yield {"title": title, "chart": chart, "rows": rows, "cost": cost, "words": words}


def entries_view(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values of the page of all entries."""
    return {"up": "", "entries": entries, "meanings": BADGES}


def entry_view(one: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an entry's page."""
    paper = one["card"]["paper"] if one["card"] else ""
    return {"up": "../", "entry": one, "paper": linked(paper), "meanings": BADGES}


def linked(text: str) -> Markup:
    """A text in which addresses and arXiv ids are links.

    >>> print(linked("arXiv:2403.13659 <note>"))
    <a href="https://arxiv.org/abs/2403.13659" rel="external noreferrer">arXiv:2403.13659</a> &lt;note&gt;
    """
    from markupsafe import Markup, escape

    parts: list[Markup] = []
    end = 0
    for found in LINK.finditer(text):
        parts.append(escape(text[end : found.start()]))
        address = (
            found[0] if found[0].startswith("https:") else f"https://arxiv.org/abs/{found[0].removeprefix('arXiv:')}"
        )
        parts.append(Markup('<a href="{}" rel="external noreferrer">{}</a>').format(address, found[0]))
        end = found.end()
    parts.append(escape(text[end:]))
    return Markup("").join(parts)
