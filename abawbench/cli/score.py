"""abawbench score: compute the official score of a prediction."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

import click

from abawbench.base.number_text import format_figure, format_interval
from abawbench.cli.gain_table import find_gains, print_gains
from abawbench.cli.options import (
    CHALLENGE,
    PATH,
    ScoringOptions,
    TunedOptions,
    json_option,
    resampling,
    scoring_options,
    tuned_files,
    tuned_options,
)
from abawbench.cli.output import (
    exits_on_problems,
    print_json,
    print_table,
    say_remarks,
    stage,
    tell,
    tell_large,
    writing,
)
from abawbench.cli.score_batch import Batch, batch_options, refuse_with_batch, say_size, score_batch

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.records import Provenance, TunedUse
    from abawbench.scoring import Paired, Score
    from abawbench.table import Table
    from abawbench.tuning.use import TunedFile

# heads the line with the score and the interval to quote
QUOTE = "quote: "
FLAGS: tuple[Literal["confusion", "parts", "explain", "lens"], ...] = ("confusion", "parts", "explain", "lens")


class _Options(ScoringOptions, TunedOptions):
    tuned: Path | None
    by: tuple[str, ...]
    confusion: bool
    parts: bool
    explain: bool
    lens: bool
    gains: bool


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("truth", type=PATH)
@click.argument("predictions", type=PATH, required=False)
@click.option(
    "--by", type=click.Choice(["video", "class"]), multiple=True, help="Also print a table by video or by class."
)
@click.option("--confusion", is_flag=True, help="Also print the confusion matrices.")
@click.option("--parts", is_flag=True, help="Also print correlation, scale and offset, of which concordance consists.")
@click.option("--explain", is_flag=True, help="Also print which rows counted: every truth row in one bucket.")
@click.option("--lens", is_flag=True, help="Also print the score under every convention in use.")
@click.option("--gains", is_flag=True, help="Also print what the score would gain if one kind of error were repaired.")
@scoring_options
@tuned_options()
@click.option("--record", type=PATH, help="Write a record below this folder, as leaderboard/records.")
@click.option("--disclosure", type=PATH, help="With --record: TOML with entry, split, dataset, date, [disclosure].")
@batch_options
@json_option
@exits_on_problems
def command(
    challenge: Challenge,
    truth: Path,
    predictions: Path | None,
    record: Path | None,
    disclosure: Path | None,
    batch: Batch | None,
    as_json: bool,
    **options: Unpack[_Options],
) -> None:
    """Compute the official score of PREDICTIONS against TRUTH, with 95 % intervals.

    TRUTH and PREDICTIONS are each a file or a folder of per-unit files, in any format of the challenge. PREDICTIONS may
    also be a store of `predict`; labels that its entry does not answer are then listed.

    With --batch, score every prediction below a folder: each file, folder of files of units, and trial in a zip. They
    are ranked in one table, and those that are refused follow with their first problem. Exit status: 0 all are scored,
    1 some are refused.

    \b
    Example:
      abawbench score abaw4-mtl validation_set_annotations.txt predictions.txt
      abawbench score abaw6-va VA_Estimation_Challenge/Validation_Set predictions.txt --by video --json
      abawbench score abaw10-va test_labels.txt --batch received --template list.txt -o table.csv
    """
    if batch is not None:
        shown = {f"--{name}": options[name] for name in ("by", *FLAGS, "gains", "tuned", "gate", "any_entry")}
        refuse_with_batch({"PREDICTIONS": predictions, "--record": record, "--disclosure": disclosure, **shown})
        score_batch(challenge, truth, batch, options, as_json=as_json)
        return
    if predictions is None:
        raise click.UsageError("Missing argument 'PREDICTIONS'. A folder of many predictions goes with --batch.")
    if (record is None) != (disclosure is None):
        raise click.UsageError("--record and --disclosure go together")
    if options["gains"] and options["tuned"] is not None:
        raise click.UsageError("--gains says what the entry's own answers lack: leave --tuned out")
    tell_large(f"score: {predictions} against {truth}", truth, predictions)
    from abawbench.scoring import pair, score_paired

    (values,) = tuned_files(options, options["tuned"])
    with stage("reading"):
        tables, use = _read(challenge, truth, predictions, values)
    with stage("pairing"):
        paired = pair(challenge, *tables, missing=options["missing"], allow_filled=options["allow_filled"])
    provenance = None if disclosure is None else _provenance(disclosure, truth, predictions)
    own = resampling(options, truth)
    with stage("scoring"):
        result = score_paired(challenge, paired, own, None if provenance is None else provenance.split)
    names = [f"by_{part}" for part in options["by"]] + [name for name in FLAGS if options[name]]
    breakdowns = {name: _breakdown(name, challenge, result, paired) for name in names}
    if options["gains"]:
        tell("gains: repairing one kind of error after the other")
        with stage("gains"):
            breakdowns["gains"] = find_gains(challenge, paired, predictions, own)
    coverage = _coverage(challenge, paired, predictions)
    say_remarks(result.flags)
    say_size(result)
    if record is not None and provenance is not None:
        from abawbench.records import make, write

        made = make(result, provenance, options["missing"], use)
        with writing(record / made.place, truth, predictions, disclosure, options["tuned"], options["gate"]):
            place = write(made, record)
        tell(f"record: {place}")
    if as_json:
        rows = {"rows": {**result.rows, "size": result.size_to_json()}}
        parts = {"coverage": coverage} if coverage else {}
        if use is not None:
            parts["tuned"] = use.model_dump(mode="json")
        print_json(result.to_json() | rows | breakdowns | parts, problems=result.notes)
    else:
        _print(challenge, result, paired, use)
        for name, breakdown in breakdowns.items():
            click.echo()
            _PRINTERS[name](breakdown)
        if coverage:
            click.echo()
            _print_coverage(coverage)


def _read(
    challenge: Challenge, truth: Path, predictions: Path, values: TunedFile | None
) -> tuple[tuple[Table, Table], TunedUse | None]:
    """Truth and predictions, and how tuned values or fitted weights of an ensemble were used where there are some."""
    from abawbench.api import read_pair, read_predictions, read_table
    from abawbench.inference import is_ensemble

    if values is None and not is_ensemble(predictions):
        return read_pair(challenge, truth, predictions), None
    known = read_table(challenge, truth, "truth")
    table, use = read_predictions(challenge, predictions, values, known)
    return (known, table), use


def _provenance(disclosure: Path, truth: Path, predictions: Path) -> Provenance:
    from abawbench.records import read_provenance

    return read_provenance(disclosure, truth, predictions)


def _breakdown(name: str, challenge: Challenge, score: Score, paired: Paired) -> Any:
    from abawbench.scoring import breakdowns
    from abawbench.scoring.lens import lens

    match name:
        case "by_video":
            return breakdowns.by_video(challenge, score)
        case "by_class":
            return breakdowns.by_class(challenge, score)
        case "confusion":
            return breakdowns.confusion_matrices(challenge, score)
        case "parts":
            return breakdowns.concordance_parts(challenge, score)
        case "explain":
            return breakdowns.explain(challenge, paired)
        case _:
            return lens(challenge, paired)


def _coverage(challenge: Challenge, paired: Paired, predictions: Path) -> dict[str, Any]:
    """Coverage and both totals of each multi-label task of which a store's entry answers only a part."""
    from abawbench.inference import is_store

    if not is_store(predictions):
        return {}
    from dataclasses import asdict

    from abawbench.entries.coverage import coverage_scores
    from abawbench.inference.store import open_store

    found = coverage_scores(challenge, paired, open_store(predictions).card)
    return {task: asdict(part) for task, part in found.items() if part.absent}


def _print(challenge: Challenge, score: Score, paired: Paired, use: TunedUse | None) -> None:
    click.echo(f"{challenge.id}  {challenge.metric.formula}")
    rows = [_row("score", score.score, score.intervals["score"])]
    if len(score.terms) > 1:
        rows += [_row(f"  {name}", value, score.intervals["terms"][name]) for name, value in score.terms.items()]
    for name, value in score.metrics.items():
        interval = score.intervals["metrics"][name]
        if isinstance(value, Mapping):
            rows.extend(_row(f"  {part}", figure, interval[part]) for part, figure in value.items())
        else:
            rows.append(_row(name, value, interval))
    print_table(rows, ["", "value", "95 % interval"])
    if paired.prediction.probability is not None:
        from abawbench.scoring.lens import average_precisions

        for reading in (reading for task in challenge.tasks for reading in average_precisions(challenge, task, paired)):
            click.echo(f"average precision, {reading.variant}: {format_figure(reading.value)} (does not rank)")
    counted = ", ".join(f"{name} {count:,}" for name, count in score.rows["valid"].items())
    head = score.intervals
    click.echo(f"{QUOTE}{_quotable(score, use)}")
    click.echo(
        f"rows: truth {score.rows['truth']:,}, predicted {score.rows['predicted']:,}; counted: {counted}\n"
        f"intervals: each of {head['clusters']} {head['unit']}s left out in turn (jackknife); "
        f"challenge {score.fingerprint}"
    )


def _quotable(score: Score, use: TunedUse | None) -> str:
    """The score with the interval to quote; in-sample the cross-fitted one."""
    from abawbench.scoring.intervals import quoted

    value = format_figure(score.score)
    if use is not None and use.is_in_sample:
        known = use.cross_fitted.get("score")
        if known is None:
            return f"nothing: {value} is in-sample"
        interval = "" if known.interval is None else f" (95 % interval {format_interval(list(known.interval))})"
        return f"{format_figure(known.value)}{interval}, cross-fitted; {value} is in-sample"
    interval = quoted(score.intervals["score"])
    if interval is None:
        return f"{value}; there is no interval to quote"
    kind, bounds = interval
    head = score.intervals
    return f"{value} (95 % interval {format_interval(bounds)}, {kind}, {head['clusters']} {head['unit']}s)"


def _row(name: str, value: float | None, interval: dict[str, list[float] | None]) -> list[str]:
    from abawbench.scoring.intervals import quoted

    found = quoted(interval)
    return [name, format_figure(value), format_interval(None if found is None else found[1])]


def _print_by_video(breakdown: list[dict[str, Any]]) -> None:
    if not breakdown:
        return
    names = [name for name, value in breakdown[0]["metrics"].items() if not isinstance(value, dict)]
    print_table(
        [
            [
                row["video"],
                *row["valid"].values(),
                format_figure(row["score"]),
                *(format_figure(row["metrics"][name]) for name in names),
            ]
            for row in breakdown
        ],
        ["video", *(f"rows {task}" for task in breakdown[0]["valid"]), "score", *names],
        "By video (each alone; the official score pools all frames)",
    )


def _print_by_class(breakdown: dict[str, dict[str, dict[str, Any]]]) -> None:
    print_table(
        [
            [task, name, *map(format_figure, row.values())]
            for task, classes in breakdown.items()
            for name, row in classes.items()
        ],
        ["task", "class", "truth", "predicted", "precision", "recall", "F1"],
        "By class",
        keys=2,
    )


def _print_confusion(breakdown: dict[str, Any]) -> None:
    for task, matrix in breakdown.items():
        if "classes" in matrix:
            print_table(
                [[name, *map(str, row)] for name, row in zip(matrix["classes"], matrix["counts"], strict=True)],
                ["truth \\ prediction", *matrix["classes"]],
                f"Confusion: {task}",
            )
        else:
            print_table(
                [[name, *(str(cell) for row in cells for cell in row)] for name, cells in matrix.items()],
                ["", "both 0", "prediction alone", "truth alone", "both 1"],
                f"Confusion: {task}",
            )


def _print_parts(breakdown: dict[str, dict[str, float | None]]) -> None:
    print_table(
        [[name, *map(format_figure, parts.values())] for name, parts in breakdown.items()],
        ["", "correlation", "scale (prediction / truth)", "offset (prediction - truth)", "accuracy"],
        "Concordance = correlation x accuracy; scale 1 and offset 0 make accuracy 1",
    )


def _print_explain(breakdown: dict[str, Any]) -> None:
    tasks = breakdown["tasks"]
    print_table(
        [
            [bucket, *(f"{tasks[task][bucket]:,}" for task in tasks), meaning]
            for bucket, meaning in (*breakdown["buckets"].items(), ("sum", "rows of the truth"))
        ],
        ["bucket", *tasks, ""],
        "Every truth row in one bucket",
    )
    click.echo(f"prediction rows without a truth row: {breakdown['surplus']:,}")


def _print_lens(breakdown: list[dict[str, Any]]) -> None:
    print_table(
        [
            [
                row["task"],
                row["point"],
                row["variant"],
                format_figure(row["value"]),
                "official" if row["official"] else "",
            ]
            for row in breakdown
        ],
        ["task", "convention", "variant", "value", ""],
        "The same predictions under every convention",
    )


def _print_coverage(coverage: dict[str, Any]) -> None:
    print_table(
        [
            [
                task,
                f"{len(part['covered'])} of {len(part['covered']) + len(part['absent'])}",
                format_figure(part["of_covered"]),
                format_figure(part["absent_as_zero"]),
                ", ".join(part["absent"]),
            ]
            for task, part in coverage.items()
        ],
        ["task", "covered", "mean F1 of these", "absent as zero", "absent"],
        "What the entry does not answer",
    )


_PRINTERS = {
    "by_video": _print_by_video,
    "by_class": _print_by_class,
    "confusion": _print_confusion,
    "parts": _print_parts,
    "explain": _print_explain,
    "lens": _print_lens,
    "gains": print_gains,
}
