"""The model card of an entry: a README.md whose head the Hugging Face Hub reads, with scores and their intervals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from abawbench.challenges import get
from abawbench.entries.model import Card
from abawbench.exports.figures import Figure, figures_of
from abawbench.exports.yaml_text import to_yaml
from abawbench.records.model import Record

README = "README.md"
TASK = "image-classification"
# words of the Hub for licences, which are SPDX ids in lower case; all others are `other` there
LICENCES = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "gpl-3.0", "agpl-3.0", "unlicense"),
    *("cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0", "cc-by-nc-sa-4.0", "cc0-1.0"),
}
_MARKS = re.compile(r"([\\`*_\[\]<>|#])")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a card is about.

    Attributes:
        name: name of the entry.
        title: title of the entry.
        licences: licences of its code and of its weights.
        trained_on: data sets that it was trained on.
        paper: reference to its paper; empty without one.
        notes: remarks that a reader must know.
        usage: how to use it, in Markdown; empty where only its scores are known.
    """

    name: str
    title: str
    licences: tuple[str, ...]
    trained_on: tuple[str, ...]
    paper: str = ""
    notes: tuple[str, ...] = ()
    usage: str = ""


def subject_of_card(card: Card, usage: str) -> Subject:
    """What the card of an entry says."""
    licences = dict.fromkeys([card.licence, *(file.licence for file in card.weights)])
    control = ("a control that reads the labels it is scored on: its scores are no results",) if card.sees_truth else ()
    return Subject(
        name=card.name,
        title=card.title,
        licences=tuple(filter(None, licences)),
        trained_on=card.trained_on,
        paper=card.paper or "",
        notes=(*control, *card.notes),
        usage=usage,
    )


def subject_of_record(record: Record) -> Subject:
    """What a record says of its entry."""
    told = record.disclosure
    return Subject(record.entry, record.entry, (told.licence,), tuple(told.trained_on))


def model_card(subject: Subject, records: Sequence[Record] = ()) -> str:
    """The text of a model card.

    Args:
        subject: what it is about.
        records: records of its scores.
    """
    parts = [f"---\n{to_yaml(_head(subject, records))}---", f"# {_plain(subject.title)}"]
    if subject.usage:
        parts.append(subject.usage)
    facts = [
        f"- Licence: {_plain(', '.join(subject.licences) or 'not stated')}",
        f"- Trained on: {_plain(', '.join(subject.trained_on) or 'nothing')}",
        *([f"- Paper: {_plain(subject.paper)}"] if subject.paper else []),
        *(f"- Note: {_plain(note)}" for note in subject.notes),
    ]
    parts += ["\n".join(facts), *(_section(subject, record) for record in records)]
    if not records:
        parts.append("No score of it has been recorded.")
    return "\n\n".join(parts) + "\n"


def interval_text(record: Record, figure: Figure) -> str:
    """The interval of a figure in words."""
    if figure.interval is None:
        return "no interval"
    kind, (low, high) = figure.interval
    counted = f"{record.intervals.clusters:,} {record.intervals.unit}s"
    return f"{100 * record.intervals.level:g} % interval {low:z.4f} to {high:z.4f} ({kind}, {counted})"


def size_text(record: Record) -> str:
    """The size of what was scored in words."""
    filled = sum(record.fill.rows.values())
    made = f", {filled:,} of them filled by the policy {record.fill.policy}" if filled else ""
    return f"{record.rows.labelled:,} labelled rows in {record.rows.units:,} units{made}"


def _head(subject: Subject, records: Sequence[Record]) -> dict[str, Any]:
    (*known,) = dict.fromkeys(licence.lower() for licence in subject.licences)
    head: dict[str, Any] = {"library_name": "abawbench"}
    if len(known) == 1 and known[0] in LICENCES:
        head["license"] = known[0]
    elif known:
        # a name without spaces; the words follow in the text
        head |= {"license": "other", "license_name": "see-below"}
    head |= {"pipeline_tag": TASK, "tags": ["abaw", "affective-behavior-analysis", "facial-expression-recognition"]}
    if records:
        head["model-index"] = [{"name": subject.name, "results": [_result(record) for record in records]}]
    return head


def _result(record: Record) -> dict[str, Any]:
    challenge = get(record.challenge)
    return {
        "task": {"type": TASK, "name": challenge.title},
        "dataset": {
            "type": record.challenge,
            "name": record.dataset,
            "split": record.split,
            "args": {"fingerprint": record.fingerprint, "synthetic_truth": record.disclosure.synthetic_truth},
        },
        "metrics": [_metric(record, figure) for figure in _shown(record)],
    }


def _metric(record: Record, figure: Figure) -> dict[str, Any]:
    metric: dict[str, Any] = {"type": figure.criterion, "name": figure.name, "value": figure.value}
    if figure.interval is not None:
        kind, bounds = figure.interval
        metric["args"] = {"interval": list(bounds), "level": record.intervals.level, "kind": kind}
    return metric


def _shown(record: Record) -> Iterable[Figure]:
    """The figures of a card: those of single classes and action units are left to the record."""
    return (figure for figure in figures_of(record) if len(figure.path) < 3)


def _section(subject: Subject, record: Record) -> str:
    challenge, told = get(record.challenge), record.disclosure
    is_known = tuple(told.trained_on) == subject.trained_on
    rows = [f"| {figure.name} | {figure.value:z.4f} | {_bounds(figure)} |" for figure in _shown(record)]
    lines = [
        *(["**The truth is generated, not annotated: the score says nothing about real faces.**", ""]
          if told.synthetic_truth else []),
        f"{_plain(challenge.metric.formula)}. {size_text(record)}.",
        "",
        f"| figure | value | {100 * record.intervals.level:g} % interval over {record.intervals.unit}s |",
        "|---|---:|---|",
        *rows,
        "",
        *([] if is_known else [f"- Trained on, by the record: {_plain(', '.join(told.trained_on) or 'nothing')}"]),
        f"- Validation labels used for: {_plain(told.validation_used_for)}",
        f"- Thresholds from: {_plain(told.thresholds_from)}",
        f"- Crops: {_plain(told.crops)}",
        f"- Predictions scored on this split up to this one: {told.trials}",
        f"- Scored by abawbench {record.versions.abawbench}, {record.date.isoformat()}; "
        f"definition {record.fingerprint}",
        *([f"- {_plain(told.note)}"] if told.note else []),
        *(f"- {_plain(flag)}" for flag in record.flags),
    ]  # fmt: skip
    heading = f"## {record.challenge}, {record.split} split of {_plain(record.dataset)}"
    return "\n".join([heading, "", *lines])


def _bounds(figure: Figure) -> str:
    if figure.interval is None:
        return "none"
    kind, (low, high) = figure.interval
    return f"{low:z.4f} to {high:z.4f} ({kind})"


def _plain(text: str) -> str:
    """A text in one line of Markdown that shows it as it is."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
