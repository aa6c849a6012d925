"""abawbench tune: choose thresholds, smoothing and the like on validation labels, and say what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import click

from abawbench.base.number_text import format_figure, format_interval
from abawbench.cli.options import CHALLENGE, PATH, ScoringOptions, json_option, resampling, scoring_options_with
from abawbench.cli.output import (
    exits_on_problems,
    print_json,
    print_paragraph,
    print_table,
    say,
    stage,
    tell,
    writing,
)
from abawbench.fill import COPYING
from abawbench.scoring.intervals import warning
from abawbench.tuning.search.crossfit import FIGURES
from abawbench.tuning.steps.kinds import STEPS, describe

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.tuning.search.crossfit import CrossFit
    from abawbench.tuning.steps.tuned import Tuned

READING = (
    "In-sample: the tuned values on the videos that they were chosen on. Cross-fitted: each fold of the videos with "
    "what the whole search finds on the others, so what to expect on new videos. Gain: cross-fitted minus before; "
    "optimism: in-sample minus cross-fitted. Intervals repeat the search in every resample."
)
SIGNS = {"gain": "+", "optimism": "+"}


class _Options(ScoringOptions):
    only: tuple[str, ...]
    plateau: bool
    online: bool
    folds: int
    repeats: int


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("truth", type=PATH)
@click.argument("store", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="File for the tuned values, as tuned.json.")
@click.option("--only", type=click.Choice(list(STEPS)), multiple=True, help="Tune this alone; may be given again.")
@click.option("--plateau", is_flag=True, help="Take the middle of a flat top, not its peak.")
@click.option("--online", is_flag=True, help="Steps that need no answer of the future.")
@click.option("--gate", type=PATH, help="Store of another entry, to answer where this one is not confident.")
@click.option("--folds", default=5, show_default=True, type=click.IntRange(2), help="Folds of videos.")
@click.option("--repeats", default=20, show_default=True, type=click.IntRange(1), help="How often the folds are dealt.")
@scoring_options_with(COPYING)
@json_option
@exits_on_problems
def command(
    challenge: Challenge,
    truth: Path,
    store: Path,
    out: Path,
    gate: Path | None,
    as_json: bool,
    **options: Unpack[_Options],
) -> None:
    """Tune the predictions in STORE on the annotations in TRUTH, and say honestly what that is worth.

    Smoothing over time, thresholds of labels, offsets of classes, scale and offset of values, lag, gate, fill policy:
    each is searched for every task, and the whole search is repeated without each fold. `write`, `score` and `predict`
    take the file with --tuned.

    \b
    Example:
      abawbench tune abaw4-mtl validation_set_annotations.txt out/validation -o tuned.json
      abawbench tune abaw6-va VA_Estimation_Challenge/Validation_Set out/validation -o tuned.json --only smoothing
    """
    tell(f"tune: {store} against {truth}")
    from abawbench.api import read_table
    from abawbench.tuning.steps.tuned import write_tuned
    from abawbench.tuning.tune import Settings, open_answers, tune

    with writing(out, truth, store, gate, options["subjects"]):
        with stage("reading"):
            opened, other = open_answers(store), None if gate is None else open_answers(gate)
            known = read_table(challenge, truth, "truth")
        settings = Settings(
            steps=frozenset(options["only"] or STEPS),
            folds=options["folds"],
            repeats=options["repeats"],
            online=options["online"],
            plateau=options["plateau"],
            missing=options["missing"],
            allow_filled=options["allow_filled"],
        )
        with stage("tuning"):
            tuned, figures = tune(
                challenge,
                known,
                opened,
                settings,
                gate=other,
                resampling=resampling(options, truth),
                tell=tell,
            )
        write_tuned(tuned, out)
    tell(f"tuned values: {out}")
    _warn(tuned)
    if as_json:
        print_json({**tuned.to_json(), "figures": {name: _figures(one) for name, one in figures.items()}})
    else:
        _print(tuned, figures)


def _figures(one: CrossFit) -> dict[str, Any]:
    return {figure: {"value": getattr(one, figure), "interval": one.interval(figure)} for figure in FIGURES}


def _warn(tuned: Tuned) -> None:
    for note in tuned.report.notes:
        say(f"note: {note}")
    report = tuned.report
    text = warning(report.clusters, report.unit)
    if text is not None:
        say(f"warning: {text}")
    for name, figure in report.figures.items():
        gain = figure.gain
        if gain is not None and gain[0] <= 0 <= gain[1] and gain != (0.0, 0.0):
            interval = format_interval(list(gain), "+")
            say(f"warning: {name.removeprefix('terms.')}: the cross-fitted gain may be 0 ({interval})")


def _print(tuned: Tuned, figures: Mapping[str, CrossFit]) -> None:
    rows = [
        [
            name.removeprefix("terms.") if figure == "before" else "",
            figure.replace("_", "-"),
            format_figure(getattr(one, figure), SIGNS.get(figure, "")),
            format_interval(one.interval(figure), SIGNS.get(figure, "")),
        ]
        for name, one in figures.items()
        for figure in FIGURES
    ]
    print_table(rows, ["", "", "value", "95 %"], keys=2)
    steps = [(task, describe(step)) for task, own in tuned.tasks.items() for step in own]
    print_table(
        steps or [("", "nothing")],
        ["task", "tuned"],
        "What was chosen on all videos, in the order in which it is applied",
    )
    click.echo()
    print_paragraph(READING)
    report = tuned.report
    click.echo(
        f"{report.folds} folds of {report.clusters} {report.unit}s, {report.repeats} times; "
        f"{report.resamples:,} resamples, seed {report.seed}; challenge {tuned.fingerprint}"
    )
