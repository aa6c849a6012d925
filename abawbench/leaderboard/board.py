"""A board as plain data: what its page shows and its JSON file holds."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from abawbench.base.problems import inert
from abawbench.leaderboard.collect import Subject
from abawbench.leaderboard.columns import COLUMNS
from abawbench.leaderboard.controls import Constant, constant_of
from abawbench.leaderboard.evidence import BADGES, Shelf, badges_of_record
from abawbench.leaderboard.rows import KINDS, Row, Section, sections
from abawbench.leaderboard.standing import LEVEL, Place, standing
from abawbench.leaderboard.tables import columns_of, heading_of, order_of

SCHEMA = 1
CONTROL = "control"
# a published row whose predictions somebody scored from their files
PUBLISHED_BADGES = {"organiser": "organiser", "claimed": "claimed", "reproduced": "scored from files"}
NO_NAME = re.compile(r"[^a-z0-9]+")


def board(subject: Subject, shelf: Shelf) -> dict[str, Any]:
    """Make the data of a board.

    Args:
        subject: what the board is about, and its rows.
        shelf: folders of records, reports, predictions and entries.

    Raises:
        ProblemError: an entry file that cannot be read, or a second run that is no record.
    """
    names: set[str] = set()
    found = [_section(section, subject, shelf, names) for section in sections(subject.rows)]
    kinds = {row["kind"] for part in found for row in part["rows"]}
    badges = {badge for part in found for row in part["rows"] for badge in row["badges"]}
    return {
        "schema": SCHEMA,
        "id": subject.name,
        "title": subject.title,
        **_facts(subject),
        "kinds": {kind: meaning for kind, meaning in KINDS.items() if kind in kinds},
        "badges": {badge: meaning for badge, meaning in BADGES.items() if badge in badges},
        "sections": found,
    }


def _facts(subject: Subject) -> dict[str, Any]:
    """Edition, venue, data and measure of a board, as far as they are known."""
    challenge, own = subject.challenge, subject.own
    if challenge is not None:
        measure = {"id": challenge.metric.id, "formula": challenge.metric.formula}
        facts = {"edition": challenge.edition or None, "venue": challenge.venue, "dataset": challenge.dataset}
        return {**facts, "measure": measure}
    if own is not None:
        measure = {"id": own.measure, "formula": own.formula}
        return {"edition": None, "venue": own.venue, "dataset": own.dataset, "measure": measure}
    return {"edition": None, "venue": "", "dataset": "", "measure": None}


def _section(section: Section, subject: Subject, shelf: Shelf, names: set[str]) -> dict[str, Any]:
    """A table: its rows in order, with their places, and controls among them."""
    challenge = subject.challenge
    badges = [_badges(row, shelf) for row in section.rows]
    controls = [place for place, found in enumerate(badges) if CONTROL in found]
    places = standing(section, challenge, controls)
    title = heading_of(section)
    listed = [
        _row(row, subject, found, place, title)
        for row, found, place in zip(section.rows, badges, places.places, strict=True)
    ]
    # a group of records has the challenge's own measure on other data
    is_own_measure = not section.group or all(row.record is not None for row in section.rows)
    constant = constant_of(challenge) if challenge is not None and is_own_measure else None
    if constant is not None and section.ordered_by == "score":
        listed.insert(_below(section, constant.value), _constant_row(constant))
    _name_rows(listed, section)
    return {
        "id": _unused(NO_NAME.sub("-", title.lower()).strip("-"), names),
        "title": title,
        "split": section.split or None,
        "group": section.group,
        "order": order_of(section, ""),
        "columns": [{"id": column, "title": COLUMNS[column].title} for column in columns_of(section)],
        "ordered_by": section.ordered_by,
        "places": {"basis": places.basis or None, "text": places.text, "level": LEVEL},
        "rows": listed,
    }


def _badges(row: Row, shelf: Shelf) -> list[str]:
    return [PUBLISHED_BADGES[row.kind]] if row.record is None else badges_of_record(row.record, shelf)


def _row(row: Row, subject: Subject, badges: list[str], place: Place | None, title: str) -> dict[str, Any]:
    record = row.record
    return {
        "kind": row.kind,
        "control": CONTROL in badges,
        "published_rank": int(row.rank) if row.rank else None,
        "place": None if place is None else {"best": place.best, "worst": place.worst, "tier": place.tier},
        "standard_error": None if place is None else place.error,
        "team": inert(row.team),
        "method": inert(row.method),
        "entry": None if record is None else record.entry,
        "position": None if math.isnan(row.position) else row.position,
        "figures": {
            name: {
                "text": figure.shown,
                "value": figure.value,
                "interval": None if figure.interval is None else list(figure.interval),
            }
            for name, figure in row.figures.items()
        },
        "badges": badges,
        "trained_on": None if record is None else [inert(name) for name in record.disclosure.trained_on],
        "note": inert(row.note),
        "source": inert(row.source),
        "record": None if record is None else f"records/{record.place}",
        "cost": None if record is None or record.disclosure.cost is None else record.disclosure.cost.model_dump(),
        "citation": inert(_citation(row, subject, title)),
    }


def _constant_row(constant: Constant) -> dict[str, Any]:
    """The negative control that needs no data, in the form of a row."""
    bound = "at most " if constant.is_bound else ""
    text = f"{constant.value:z.3f}"
    note = f"By the definition of the measure: {constant.reason}."
    return {
        "kind": CONTROL,
        "control": True,
        "published_rank": None,
        "place": None,
        "standard_error": None,
        "team": "",
        "method": constant.method,
        "entry": None,
        "position": constant.value,
        "figures": {"score": {"text": f"{'≤ ' if bound else ''}{text}", "value": constant.value, "interval": None}},
        "badges": [CONTROL],
        "trained_on": [],
        "note": note,
        "source": "the definition of the measure",
        "record": None,
        "cost": None,
        "citation": f"{constant.method}: {bound}{text}. {note}",
    }


def _below(section: Section, value: float) -> int:
    """The number of rows above a value."""
    return sum(not math.isnan(row.position) and row.position >= value for row in section.rows)


def _citation(row: Row, subject: Subject, title: str) -> str:
    """A row in a sentence that can be quoted: who, figure, measure, challenge, split, data, source."""
    who = ", ".join(part for part in (row.team, row.method) if part)
    figures = ", ".join(f"{COLUMNS[name].title} {figure.shown}" for name, figure in row.figures.items()) or "a rank"
    if row.rank:
        figures += f", rank {row.rank}"
    measure = f" ({row.metric})" if row.metric else ""
    return f"{who}: {figures}{measure}; {subject.name}, {subject.title}, {title.lower()}, {row.dataset}. {row.source}."


def _name_rows(listed: Sequence[dict[str, Any]], section: Section) -> None:
    """Give each row a name that stays as long as what it says about its origin stays."""
    seen: dict[str, int] = {}
    for row in listed:
        about = [section.split, section.group, *(row[key] for key in ("kind", "team", "method", "source", "note"))]
        name = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:8]
        seen[name] = seen.get(name, 0) + 1
        row["id"] = f"row-{name}" + (f"-{seen[name]}" if seen[name] > 1 else "")


def _unused(name: str, names: set[str]) -> str:
    """The name, or the name and a number where another table has it; short enough for a file."""
    base = (name or "rows")[:60].strip("-")
    chosen = next(one for one in _numbered(base) if one not in names)
    names.add(chosen)
    return chosen


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1
