"""The list of challenges, and the description of one, for the terminal and as JSON."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from abawbench.cli.output import print_paragraph, print_table

if TYPE_CHECKING:
    from abawbench.challenges import Challenge, Task
    from abawbench.challenges.footnotes import Footnotes
    from abawbench.formats.columns import Role

WIDEST = 120


def brief(challenge: Challenge) -> dict[str, Any]:
    """A challenge in a few fields, as the list has them."""
    from abawbench.challenges import assumed_fields

    return {
        "id": challenge.id,
        "edition": challenge.edition,
        "title": challenge.title,
        "venue": challenge.venue,
        "dataset": challenge.dataset,
        "tasks": {task.name: task.width for task in challenge.tasks},
        "metric": challenge.metric.id,
        "formula": challenge.metric.formula,
        "annotation_format": challenge.annotation_format,
        "list_format": challenge.list_format,
        "prediction_format": challenge.prediction_format,
        "submissions": challenge.submissions,
        "assumed": len(assumed_fields(challenge)),
        "fingerprint": challenge.fingerprint,
        **_file_of(challenge),
    }


def whole(challenge: Challenge) -> dict[str, Any]:
    """Every field of a challenge, with examples of its files."""
    from abawbench.challenges import assumed_fields
    from abawbench.formats.examples import examples

    return {
        **challenge.to_json(),
        "fingerprint": challenge.fingerprint,
        **_file_of(challenge),
        "assumed": list(assumed_fields(challenge)),
        "examples": {role: list(examples(challenge, role)) for role in ("truth", "list", "prediction")},
    }


def _file_of(challenge: Challenge) -> dict[str, str]:
    """The file of a challenge of your own; empty for one of the catalogue."""
    from abawbench.challenges.lookup import path_of

    path = path_of(challenge.id)
    return {} if path is None else {"file": str(path)}


def print_all(challenges: Sequence[Challenge], title: str | None = None) -> None:
    """Print a line for each challenge."""
    from abawbench.challenges import assumed_fields

    print_table(
        [
            [
                challenge.id,
                challenge.venue,
                ", ".join(f"{task.name} ({task.width})" for task in challenge.tasks),
                challenge.metric.id,
                challenge.prediction_format,
                "?" if challenge.submissions is None else challenge.submissions,
                len(assumed_fields(challenge)),
            ]
            for challenge in challenges
        ],
        ["id", "venue", "tasks (columns or classes)", "metric", "prediction", "submissions", "assumed"],
        title,
        optional=("venue", "submissions", "prediction", "metric"),
    )


def print_legend() -> None:
    """Say what the last column of the list counts."""
    click.echo()
    print_paragraph(
        "assumed: number of fields, or parts of fields, without a source; `abawbench challenges ID` shows them"
    )


def print_one(challenge: Challenge) -> None:
    """Print everything that is known of a challenge, with its sources."""
    from abawbench.challenges.footnotes import Footnotes

    notes = Footnotes()
    paper = "" if challenge.paper is None else f", {challenge.paper}"
    venue = f"{challenge.venue}{_doubt(challenge, 'venue')}"
    click.echo(f"{challenge.id}  {challenge.title}, {challenge.dataset}; {venue}{paper}")
    if challenge.sources["track"].startswith("assumed"):
        _bullet(f"it is not certain that this track was held ({challenge.sources['track']})", sign="")
    click.echo(f"fingerprint {challenge.fingerprint}")
    for file in _file_of(challenge).values():
        click.echo(f"your own, of {file}")
    _heading(f"Tasks{_doubt(challenge, 'tasks')}")
    print_table([_task_row(task) for task in challenge.tasks], ["name", "kind", "in the file's order", "sentinel"])
    _print_metric(challenge)
    _print_files(challenge)
    _print_sizes(challenge)
    _heading("Submission")
    count = "an unknown number" if challenge.submissions is None else f"up to {challenge.submissions}"
    click.echo(f"{count} per team{'' if challenge.submissions is None else _doubt(challenge, 'submissions')}")
    click.echo(f"sent by {challenge.channel}{_doubt(challenge, 'channel')}" if challenge.channel else "channel unknown")
    if challenge.baselines:
        _heading("Baselines of the organisers")
        print_table(
            [
                [baseline.split, baseline.score, baseline.detail, notes.mark(baseline.source)]
                for baseline in challenge.baselines
            ],
            ["split", "score", "", "source"],
        )
    for title, statements in (("Rules", challenge.rules), ("Notes", challenge.notes)):
        if statements:
            _heading(title)
        for statement in statements:
            _bullet(f"{statement.text} {notes.mark(statement.source)}")
    if challenge.forbidden_data:
        _heading("Forbidden as training data")
    for forbidden in challenge.forbidden_data:
        _bullet(f"{forbidden.name} ({forbidden.source})")
    _print_sources(challenge, notes)


def _print_metric(challenge: Challenge) -> None:
    metric = challenge.metric
    _heading("Score")
    click.echo(f"{metric.id}: {metric.formula}{_doubt(challenge, 'metric')}")
    click.echo(f"pooled over: {metric.pooling}{_doubt(challenge, 'metric.pooling', 'metric')}")
    if metric.absent_class:
        doubt = _doubt(challenge, "metric.absent_class", "metric")
        click.echo(f"F1 of a class in neither truth nor prediction: {metric.absent_class}{doubt}")
    if metric.constant_series:
        doubt = _doubt(challenge, "metric.constant_series", "metric")
        click.echo(f"correlation of a constant series: {metric.constant_series}{doubt}")
    if not metric.terms:
        click.echo("the formula is unknown, so no score is computed")


def _print_files(challenge: Challenge) -> None:
    from abawbench.formats.examples import examples

    _heading("Files")
    roles: tuple[tuple[str, Role], ...] = (("annotation", "truth"), ("list", "list"), ("prediction", "prediction"))
    for name, role in roles:
        for example in examples(challenge, role):
            doubt = _doubt(challenge, f"{name}_format")
            click.echo(f"{name}: {example['format']}, {example['files']}{doubt}")
            for line in (example["header"], example["row"]):
                if line is not None:
                    click.echo(f"    {line}")
    click.echo(f"first frame: {challenge.frame_base}{_doubt(challenge, 'frame_base')}")
    for split, places in challenge.annotation_places.items():
        click.echo(f"{split} labels: {', or '.join(places)}{_doubt(challenge, 'annotation_places')}")
    if challenge.list_files:
        click.echo(f"organisers' list: {', '.join(challenge.list_files)}{_doubt(challenge, 'list_files')}")


def _print_sizes(challenge: Challenge) -> None:
    _heading("Sizes")
    sizes = challenge.sizes.values()
    columns: dict[str, list[tuple[int, ...]]] = {
        "units": [_counts(size.units, *(other.units for other in size.others)) for size in sizes],
        "rows": [_counts(size.rows, *(other.rows for other in size.others)) for size in sizes],
        "rows with a label": [_counts(size.labelled_rows) for size in sizes],
    }
    for task in challenge.tasks:
        columns[f"valid {task.name}"] = [
            _counts(challenge.valid_rows.get(split, {}).get(task.name)) for split in challenge.sizes
        ]
    known = {name: counts for name, counts in columns.items() if any(counts)}
    if not known:
        click.echo("unknown")
        return
    rows: list[list[str]] = []
    for place, split in enumerate(challenge.sizes):
        counts = [counts[place] for counts in known.values()]
        doubtful = any(counts) and _doubt_of_size(challenge, split)
        cells = [" or ".join(f"{one:,}" for one in several) or "?" for several in counts]
        rows.append([split, *cells, doubtful or ""])
    print_table(rows, ["split", *known, ""])


def _counts(*counts: int | None) -> tuple[int, ...]:
    """The counts that are known, each once."""
    return tuple(dict.fromkeys(count for count in counts if count is not None))


def _doubt_of_size(challenge: Challenge, split: str) -> str:
    if _doubt(challenge, f"sizes.{split}.rows"):
        return "rows assumed"
    return "assumed" if _doubt(challenge, f"sizes.{split}", "sizes") else ""


def _doubt(challenge: Challenge, *names: str) -> str:
    """` (assumed)` if the first of these fields that has a source of its own is assumed; else nothing."""
    from abawbench.challenges import is_assumed

    return " (assumed)" if is_assumed(challenge, *names) else ""


def _print_sources(challenge: Challenge, notes: Footnotes) -> None:
    _heading("Where each field comes from")
    order = [field.name for field in fields(challenge)]
    own = {"rules", "forbidden_data", "notes", "baselines"}
    names = sorted(challenge.sources, key=lambda name: (order.index(name.partition(".")[0]), name.count(".")))
    for name in names:
        if name in own and getattr(challenge, name):
            _bullet(f"{name}: as marked at each")
        else:
            _bullet(f"{name}: {notes.mark(challenge.sources[name])}")
    _heading("Sources")
    for number, source in notes.numbered():
        _bullet(source, sign=f"[{number}] ")


def _task_row(task: Task) -> list[str]:
    names = task.outputs if task.is_vector else [f"{number} {name}" for number, name in enumerate(task.outputs)]
    low, high = task.span
    span = f", {low:g} to {high:g}" if task.is_real else ""
    sentinel = "none" if task.sentinel is None else f"{task.sentinel:g}"
    return [task.name, type(task).__name__ + span, ", ".join(names), sentinel]


def _heading(text: str) -> None:
    click.secho(f"\n{text}", bold=True)


def _bullet(text: str, sign: str = "- ") -> None:
    width = min(shutil.get_terminal_size().columns, WIDEST)
    # a source may be a path, which a reader copies: it is not broken
    lines = textwrap.fill(
        text, width, initial_indent=sign, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )
    click.secho(lines, fg="yellow" if "(assumed" in text else None)
