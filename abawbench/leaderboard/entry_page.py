"""An entry as plain data: its card, its rows on every board, and its records with every figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from abawbench.base.problems import inert
from abawbench.leaderboard.evidence import BADGES, Shelf, badges_of_entry, badges_of_record
from abawbench.records import Record
from abawbench.records.quote import Quote, quote


def entry_names(made: Sequence[Record], shelf: Shelf) -> list[str]:
    """Names of the entries that have a record, or a folder beside that of the leaderboard; sorted."""
    from abawbench.entries.loading import folders

    return sorted({record.entry for record in made} | {folder.name for folder in folders(shelf.entries)})


def entry_page(
    name: str, boards: Mapping[str, Mapping[str, Any]], made: Sequence[Record], shelf: Shelf
) -> dict[str, Any]:
    """Make the data of an entry's page.

    Args:
        name: name of the entry.
        boards: every board by name, see `board.board`.
        made: the records of all entries.
        shelf: folders of records, reports, predictions and entries.

    Raises:
        ProblemError: E02, an entry file that cannot be read.
    """
    own = [record for record in made if record.entry == name]
    badges = {badge for record in own for badge in badges_of_record(record, shelf)} | set(badges_of_entry(name, shelf))
    return {
        "name": name,
        "card": _card(name, shelf),
        "badges": [badge for badge in BADGES if badge in badges],
        "rows": list(_rows_of(name, boards)),
        "records": [_record(record, shelf) for record in own],
    }


def _card(name: str, shelf: Shelf) -> dict[str, Any] | None:
    """What the entry file says; None where there is none."""
    entry = shelf.entry_file(name)
    if entry is None:
        return None
    return {
        "title": inert(entry.title),
        "kind": entry.kind,
        "trained_on": [inert(one) for one in entry.trained_on],
        "licence": inert(entry.licence),
        "paper": inert(entry.paper or ""),
        "notes": [inert(note) for note in entry.notes],
    }


def _rows_of(name: str, boards: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of an entry on every board, each with the board and the table that it stands on."""
    for one in boards.values():
        for part in one["sections"]:
            where = {"board": one["id"], "table_title": part["title"]}
            yield from ({**where, **row} for row in part["rows"] if row["entry"] == name)


def _record(record: Record, shelf: Shelf) -> dict[str, Any]:
    fields = record.model_dump(mode="json")
    report = shelf.report(record)
    return {
        "id": f"{record.challenge}.{record.split}",
        "place": f"records/{record.place}",
        "report": None if report is None else f"reports/{report.relative_to(shelf.root / 'reports').as_posix()}",
        "challenge": record.challenge,
        "split": record.split,
        "dataset": inert(record.dataset),
        "date": fields["date"],
        "figures": list(_figures(record)),
        "intervals": {
            "level": record.intervals.level,
            "resamples": record.intervals.resamples,
            "unit": record.intervals.unit,
            "clusters": record.intervals.clusters,
            "warning": record.intervals.warning,
        },
        "tuned": fields.get("tuned"),
        "rows": fields["rows"],
        "fill": fields["fill"],
        "flags": [inert(flag) for flag in record.flags],
        "disclosure": fields["disclosure"],
        "versions": fields["versions"],
        "truth_sha256": record.truth_sha256,
        "prediction_sha256": record.prediction_sha256,
    }


def _figures(record: Record) -> Iterator[dict[str, Any]]:
    """The score to quote of a record, its terms and its other figures that are defined, each with its interval."""
    named: list[tuple[list[str], tuple[str, ...]]] = [(["term", task], ("terms", task)) for task in record.terms]
    for name, value in record.metrics.items():
        parts = [[name, part] for part in value] if isinstance(value, dict) else [[name]]
        named += [(part, ("metrics", *part)) for part in parts]
    yield _figure(["score"], quote(record, ("score",)))
    for words, path in named:
        found = quote(record, path)
        if found is not None:
            yield _figure(words, found)


def _figure(name: list[str], found: Quote | None) -> dict[str, Any]:
    interval = None if found is None or found.interval is None else list(found.interval[1])
    return {"name": name, "value": None if found is None else found.value, "interval": interval}
