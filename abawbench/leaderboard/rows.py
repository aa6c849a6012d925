"""Facts and records as rows of one form; the kind of a row says who vouches for its figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from abawbench.challenges import Challenge, Task, Term
from abawbench.challenges.eligibility import forbidden_training
from abawbench.challenges.split_sizes import size_of_truth
from abawbench.leaderboard.columns import COLUMNS
from abawbench.leaderboard.own import OwnChallenge
from abawbench.leaderboard.published import Fact, measures_of
from abawbench.records import Record
from abawbench.records.quote import is_in_sample, quote
from abawbench.scoring.criteria import criterion_of

Kind = Literal["organiser", "claimed", "reproduced"]
KINDS: dict[Kind, str] = {
    "organiser": "from a table or ranking of the organisers, also where a paper reprints it",
    "claimed": "by the authors of the method, or quoted by others",
    "reproduced": "predictions scored from their files; with a 95 % interval where it was done here",
}

SPLITS = ("test", "validation", "train", "")
SHOWN_DECIMALS = 4
# folder of records beside the tables
RECORDS = "records/"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: the text of its source, its value, and the bounds of its interval if it has one."""

    text: str
    value: float
    interval: tuple[float, float] | None = None

    @property
    def shown(self) -> str:
        """The figure with at most four decimals; with an interval three, as `0.512 [0.480, 0.540]`."""
        if self.interval is not None:
            low, high = self.interval
            return f"{self.value:z.3f} [{low:z.3f}, {high:z.3f}]"
        decimals = len(self.text.partition(".")[2])
        return f"{self.value:.{SHOWN_DECIMALS}f}" if decimals > SHOWN_DECIMALS else self.text


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a leaderboard.

    Attributes:
        kind: origin of the figures, one of `KINDS`.
        split: test, validation, train, or empty where the source does not say.
        dataset: name of the data, as in the source.
        group: empty for the challenge's own measure on its own data, else the other measure or data.
        metric: the measure in the source's words.
        rank: published rank; empty where there is none.
        team: published name of the team.
        method: published name of the method; for a record the entry's name.
        figures: figures by name of a column of `COLUMNS`; columns without a figure are left out.
        position: figure that decides the row's place; NaN where there is none.
        note: remarks that a reader needs.
        source: paper, page or file that holds the figures.
        record: the record behind a row that was scored here; None for a published row.
    """

    kind: Kind
    split: str
    dataset: str
    group: str
    metric: str
    rank: str
    team: str
    method: str
    figures: Mapping[str, Figure]
    position: float
    note: str
    source: str
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that may be compared with each other.

    Attributes:
        split: split of all rows.
        group: group of all rows.
        ordered_by: column that decides the order; None where no row has a figure, so that the rank decides.
        has_derived: True if a row without a figure in that column is placed by a value computed from its parts.
        rows: rows from the highest figure to the lowest.
    """

    split: str
    group: str
    ordered_by: str | None
    has_derived: bool
    rows: tuple[Row, ...]


def from_fact(fact: Fact, challenge: Challenge | None, own: OwnChallenge | None = None) -> Row:
    """Make a row of a published fact.

    Args:
        fact: the fact.
        challenge: its challenge; None for facts of no challenge of the catalogue.
        own: description of a challenge that the catalogue does not have.
    """
    figures = {name: Figure(fact.figures[name], float(fact.figures[name])) for name in COLUMNS if name in fact.figures}
    is_official = own is not None and fact.metric_name == own.measure
    if challenge is not None:
        is_official |= challenge.metric.id in measures_of(challenge, own)[fact.metric_name].same_as
    is_own = (challenge or own) is not None and (is_official or not figures)
    measure = fact.metric_name or "not said"
    group = "" if is_own else f"other measure: {measure}"
    if challenge is None and own is None:
        group = f"{fact.challenge} on {fact.dataset}, measure: {measure}"
    return Row(
        kind=fact.kind,
        split=fact.split,
        dataset=fact.dataset,
        group=group,
        metric=fact.metric_name,
        rank=fact.rank,
        team=fact.team,
        method=fact.method,
        figures=figures,
        position=_position(figures, challenge if is_own else None),
        note=fact.note,
        source=fact.source,
    )


def from_record(record: Record, challenge: Challenge) -> Row:
    """Make a row of a record, with the intervals to quote.

    A record on other data than the challenge's split gets a group. A score on the videos that its values were tuned on
    flatters: the row has the cross-fitted figures in its place, and without these stands apart from honest scores.
    """
    figures = _figures(record)
    size = size_of_truth(challenge, record.counts, split=record.split)
    is_named = record.dataset == challenge.dataset and not record.disclosure.synthetic_truth
    is_plain = (size.verdict, size.split) == ("official size", record.split)
    is_own = is_named and size.verdict != "other data"
    return Row(
        kind="reproduced",
        split=record.split,
        dataset=record.dataset,
        group="; ".join(
            part
            for part, is_apart in (
                (f"other data: {record.dataset}, {record.rows.truth:,} rows", not is_own),
                ("in-sample: tuned on scored videos", is_in_sample(record)),
            )
            if is_apart
        ),
        metric=challenge.metric.formula,
        rank="",
        team="",
        method=record.entry,
        figures=figures,
        position=_position(figures, challenge),
        note=_note(challenge, record, size.text if is_named and not is_plain else ""),
        source=f"{RECORDS}{record.place}, truth {record.truth_sha256[:8]}",
        record=record,
    )


def _figures(record: Record) -> dict[str, Figure]:
    """The figures to quote of a record, by column."""
    figures: dict[str, Figure] = {}
    for name, column in COLUMNS.items():
        found = quote(record, column.path)
        if found is not None:
            low_high = None if found.interval is None else (found.interval[1][0], found.interval[1][1])
            figures[name] = Figure(repr(found.value), found.value, low_high)
    return figures


def sections(rows: Iterable[Row]) -> tuple[Section, ...]:
    """Sort rows into sections by split and group, the challenge's own measure first, the highest figure on top."""
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((SPLITS.index(row.split), row.group), []).append(row)
    return tuple(_section(groups[key]) for key in sorted(groups))


def _section(rows: list[Row]) -> Section:
    column, positions = "score", [row.position for row in rows]
    if all(math.isnan(position) for position in positions):
        column = next((name for name in COLUMNS if any(name in row.figures for row in rows)), "")
        positions = [row.figures[column].value if column in row.figures else math.nan for row in rows]
    has_derived = any(
        column not in row.figures and not math.isnan(position) for row, position in zip(rows, positions, strict=True)
    )

    def order(item: tuple[Row, float]) -> tuple[object, ...]:
        row, position = item
        missing = math.isnan(position)
        return (
            missing,
            0.0 if missing else -position,
            int(row.rank) if row.rank else math.inf,
            list(KINDS).index(row.kind),
            row.team,
            row.method,
            row.source,
            row.note,
        )

    ordered = tuple(row for row, _ in sorted(zip(rows, positions, strict=True), key=order))
    return Section(rows[0].split, rows[0].group, column or None, has_derived, ordered)


def _position(figures: Mapping[str, Figure], challenge: Challenge | None) -> float:
    """The score, or the value of the challenge's own metric if a source prints the parts alone; else NaN."""
    if "score" in figures:
        return figures["score"].value
    if challenge is None or not challenge.metric.terms:
        return math.nan
    values = {COLUMNS[name].path: figure.value for name, figure in figures.items()}
    return sum(part_of_score(term, challenge.task(term.task), values) for term in challenge.metric.terms)


def part_of_score(term: Term, task: Task, values: Mapping[tuple[str, ...], float]) -> float:
    """A term of the score, as printed or computed from its parts; NaN if there is neither.

    Args:
        term: the term.
        task: its task.
        values: figures by path in a score.
    """
    if ("terms", term.task) in values:
        return values["terms", term.task]
    total = 0.0
    for part in term.parts:
        criterion = criterion_of(task, part.criterion)
        whole, parts = criterion.whole_path(task), criterion.part_paths(task)
        if whole is not None and whole in values:
            value = values[whole]
        else:
            value = sum(values.get(path, math.nan) for path in parts) / len(parts) if parts else math.nan
        total += part.weight * value
    return total


def _note(challenge: Challenge, record: Record, size: str) -> str:
    disclosure = record.disclosure
    scored = set(record.statistics.groups)
    seen = scored & set(disclosure.trained_on)
    filled = ", ".join(f"{count:,} rows filled by {policy}" for policy, count in sorted(record.fill.rows.items()))
    clauses = [
        f"trained on {len(seen)} of the {len(scored)} scored {record.intervals.unit}s" if seen else "",
        "synthetic truth" if disclosure.synthetic_truth else "",
        f"trained on {_listed(disclosure.trained_on)}",
        _eligibility(challenge, disclosure.trained_on),
        f"validation used for {disclosure.validation_used_for}",
        f"thresholds from {disclosure.thresholds_from}",
        _tuned(record),
        f"trials {disclosure.trials}",
        f"crops {disclosure.crops}",
        f"licence {disclosure.licence}",
        filled,
        size,
        record.intervals.warning or "",
        disclosure.note,
        *record.flags,
    ]
    return "; ".join(clause for clause in clauses if clause)


def _tuned(record: Record) -> str:
    """A remark on the tuned values of a record; empty where none were used."""
    if record.tuned is None:
        return ""
    steps = f"tuned: {', '.join(record.tuned.steps) or 'nothing'}"
    if record.tuned.cross_fitted and record.score is not None:
        return f"{steps}; cross-fitted figures (in-sample {record.score:.4f})"
    if record.tuned.is_in_sample:
        return f"{steps}; in-sample: fitted on {record.tuned.overlap} of the scored videos"
    return f"{steps}; fitted on other videos"


def _eligibility(challenge: Challenge, trained_on: Sequence[str]) -> str:
    """A remark if the challenge's rules forbid the data that a model was trained on; else empty."""
    against = forbidden_training(challenge, trained_on)
    if not against:
        return ""
    names = " and ".join(forbidden.name for forbidden in challenge.forbidden_data)
    is_certain = any(not problem.is_note for problem in against)
    return f"not eligible: {challenge.id} forbids {names} as training data" + ("" if is_certain else " (assumed)")


def _listed(names: list[str]) -> str:
    if not names:
        return "nothing"
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
