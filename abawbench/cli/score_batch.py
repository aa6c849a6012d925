"""The part of abawbench score that scores many predictions: its options, and the ranked table."""

from __future__ import annotations

import functools
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.base.number_text import format_figure, format_interval
from abawbench.cli.options import PATH, ScoringOptions, cluster_options, resampling
from abawbench.cli.output import ProgressLine, print_json, print_table, say, say_remarks, stage, tell, writing

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.organisers.batch import Ranking
    from abawbench.scoring import Score

# a remark that begins with the id of a rule
_RULE = re.compile(r"[A-Z]\d\d\b")
# number of files that are no predictions and are named
NAMED = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """The options of a batch.

    Attributes:
        folder: folder of the predictions.
        template: the organisers' list; None for no check.
        out: CSV to write; None for none.
        workers: number of processes; None for the default.
        address: address of a Ray cluster; None for this machine.
    """

    folder: Path
    template: Path | None
    out: Path | None
    workers: int | None
    address: str | None


def batch_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add --batch and the options that go with it; the verb gets them as `batch`, None where there is no batch."""

    @cluster_options
    @functools.wraps(verb)
    def called(
        *args: Any,
        folder: Path | None,
        template: Path | None,
        out: Path | None,
        workers: int | None,
        address: str | None,
        **values: Any,
    ) -> Any:
        if folder is not None:
            return verb(*args, batch=Batch(folder, template, out, workers, address), **values)
        given = {"--template": template, "--out": out, "--workers": workers, "--engine": address}
        wrong = [name for name, value in given.items() if value is not None]
        if wrong:
            raise click.UsageError(f"{' and '.join(wrong)}: only with --batch")
        return verb(*args, batch=None, **values)

    result: Callable[..., Any] = called
    options = (
        click.option("--batch", "folder", type=PATH, metavar="DIR", help="Score all predictions below this folder."),
        click.option("--template", type=PATH, help="With --batch: the organisers' list; what `check` refuses is out."),
        click.option("--out", "-o", type=PATH, metavar="CSV", help="With --batch: also write the table to a file."),
        click.option(
            "--workers", type=click.IntRange(1), help="With --batch: processes.  [default: one for each core]"
        ),
    )
    for option in reversed(options):
        result = option(result)
    return result


def refuse_with_batch(options: Mapping[str, Any]) -> None:
    """Refuse what --batch has no use for. Raises: UsageError, one of the options is given."""
    wrong = [name.replace("_", "-") for name, value in options.items() if value]
    if wrong:
        raise click.UsageError(f"--batch scores many predictions: leave {' and '.join(wrong)} out")


def score_batch(challenge: Challenge, truth: Path, batch: Batch, options: ScoringOptions, *, as_json: bool) -> None:
    """Score the predictions of a batch and print their table; exit with 1 if some are refused."""
    tell(f"score: the predictions in {batch.folder} against {truth}")
    from abawbench.api import read_table
    from abawbench.organisers.batch import score_folder

    with writing(batch.out, truth, batch.folder, batch.template, options["subjects"]):
        # a table shows the jackknife alone
        own = resampling(options, truth) if as_json else replace(resampling(options, truth), resamples=0)
        with stage("reading the truth"):
            known = read_table(challenge, truth, "truth")
        line, begin = ProgressLine("predictions"), time.monotonic()

        def show(done: int, total: int) -> None:
            if not done:
                tell(f"{total:,} predictions of {len(known):,} rows")
            line.show((done, total), (done * len(known), total * len(known)), time.monotonic() - begin)

        with stage("scoring"):
            ranking = score_folder(
                challenge,
                known,
                batch.folder,
                apart=[truth],
                template=batch.template,
                missing=options["missing"],
                allow_filled=options["allow_filled"],
                resampling=own,
                workers=batch.workers,
                engine="local" if batch.address is None else "ray",
                address=batch.address,
                tick=show,
            )
        line.end()
        if batch.out is not None:
            from abawbench.base.files import write_text

            write_text(batch.out, ranking.to_csv())
    _say_notes(ranking)
    if as_json:
        problems = [problem for judged in ranking.refused for problem in judged.problems]
        rows: dict[str, Any] = {"truth": len(known)}
        if ranking.standings:
            rows["size"] = ranking.standings[0].score.size_to_json()
        print_json({**ranking.to_json(), "rows": rows}, problems=problems, ok=not ranking.refused)
    else:
        _print(challenge, ranking)
    if batch.out is not None:
        tell(f"table: {batch.out}")
    if ranking.refused:
        sys.exit(1)


def _say_notes(ranking: Ranking) -> None:
    """What is odd: about the folder, about single predictions in a line for each kind, and about the truth."""
    from abawbench.base.problems import remarks

    say_remarks(remarks(ranking.notes))
    if ranking.unread:
        count = len(ranking.unread)
        more = f" and {count - NAMED:,} more" if count > NAMED else ""
        tell(f"not read, as no prediction: {', '.join(ranking.unread[:NAMED])}{more}")
        if any(name.lower().endswith(".eml") for name in ranking.unread):
            tell("mails are read by `abawbench mailroom`")
    say_remarks(list(_together((one.name, flag) for one in ranking.standings for flag in one.score.flags)))
    if ranking.standings:
        say_size(ranking.standings[0].score)


def say_size(score: Score) -> None:
    """Say what the size of the truth, and the number of its videos, mean for the score."""
    if score.size.verdict != "official size":
        say(f"note: {score.size.text}")
    if score.intervals["warning"]:
        say(f"warning: {score.intervals['warning']}")


def _together(flags: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Remarks on predictions, those of one rule as one line with the number of predictions."""
    from abawbench.base.problems import inert

    groups: dict[str, list[tuple[str, str]]] = {}
    for name, flag in flags:
        rule = _RULE.match(flag)
        groups.setdefault(flag if rule is None else rule[0], []).append((name, flag))
    for group in groups.values():
        name, flag = group[0]
        others = len({other for other, _ in group}) - 1
        more = f" and {others:,} more prediction{'s'[: others > 1]}" if others else ""
        yield inert(f"{flag} [{name}{more}]")


def _print(challenge: Challenge, ranking: Ranking) -> None:
    from abawbench.base.problems import inert
    from abawbench.organisers.batch.ranking import describe, first_problem
    from abawbench.scoring.criteria import figure_name

    click.echo(f"{challenge.id}  {challenge.metric.formula}")
    if ranking.standings:
        rows = [
            [
                str(one.rank),
                one.name,
                f"{one.best:,} to {one.worst:,}",
                format_figure(one.value),
                format_interval(one.interval),
                *(format_figure(one.score.terms[term]) for term in ranking.terms),
            ]
            for one in ranking.standings
        ]
        heads = ["rank", "prediction", "range", figure_name(ranking.figure), "95 % interval", *ranking.terms]
        print_table(rows, heads, keys=2, optional=list(reversed(ranking.terms)))
        head = ranking.standings[0].score.intervals
        count = "1 prediction" if len(rows) == 1 else f"{len(rows):,} predictions"
        click.echo(
            f"{count} over {head['clusters']:,} {head['unit']}s. Range: the ranks that the "
            f"{head['unit']}s leave open, by intervals of all\ndifferences together. Challenge {ranking.fingerprint}"
        )
    if ranking.refused:
        click.echo(f"\nRefused: {len(ranking.refused):,}")
        for judged in ranking.refused:
            more = len(judged.problems) - 1
            others = f" (and {more:,} more)" if more else ""
            click.echo(f"  {inert(judged.name)}: {describe(first_problem(judged))}{others}")
            click.echo(f"      fix: {inert(first_problem(judged).fix)}")
