"""abawbench diff: is one prediction better than another?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.cli.options import (
    CHALLENGE,
    PATH,
    json_option,
    missing_option,
    resamples_option,
    seed_option,
    subjects_option,
)
from abawbench.cli.output import exits_on_problems, print_json, print_table, say

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.fill import Policy


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("truth", type=PATH)
@click.argument("a", type=PATH)
@click.argument("b", type=PATH)
@missing_option
@subjects_option
@resamples_option
@seed_option
@json_option
@exits_on_problems
def command(
    challenge: Challenge,
    truth: Path,
    a: Path,
    b: Path,
    missing: Policy,
    subjects: Path | None,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """The score of A minus that of B, tested by swapping the two video by video.

    \b
    Example:
      abawbench diff abaw4-mtl validation_set_annotations.txt mine.txt baseline.txt
    """
    from abawbench.api import against, table
    from abawbench.formats import subjects_from
    from abawbench.scoring.difference import difference

    known = table(challenge, truth, "truth")
    result = difference(
        challenge,
        known,
        against(challenge, known, a),
        against(challenge, known, b),
        missing=missing,
        resamples=resamples,
        seed=seed,
        subjects=None if subjects is None else subjects_from(subjects),
    )
    for flag in result["flags"]:
        say(f"note: {flag}")
    if result["warning"]:
        say(f"warning: {result['warning']}")
    if as_json:
        print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    rows = [
        [name, *(_figure(row[key]) for key in ("first", "second", "difference")), _span(row["interval"])]
        for name, row in result["figures"].items()
    ]
    print_table(rows, ["", "A", "B", "A - B", "95 % interval"])
    click.echo()
    print_table([[row["video"], _figure(row["effect"])] for row in result["videos"]], [f"{result['unit']}", "effect"])
    p = result["p"]
    verdict = (
        "no figure to compare"
        if p is None
        else f"p = {p:.4f} ({result['swaps']:,} swaps of {result['clusters']} {result['unit']}s)"
    )
    click.echo(
        f"\n{result['figure']}: A - B = {_figure(result['difference'])}, {verdict}\n"
        f"smallest difference this split detects (80 % power): {_figure(result['smallest_detectable'], signed=False)}"
    )


def _figure(value: float | None, *, signed: bool = True) -> str:
    if value is None:
        return "–"
    return f"{value:+.4f}" if signed else f"{value:.4f}"


def _span(interval: list[float] | None) -> str:
    return "–" if interval is None else f"{interval[0]:+.4f} to {interval[1]:+.4f}"
