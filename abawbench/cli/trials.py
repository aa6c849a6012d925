"""abawbench trials: which of many predictions to send."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import click

from abawbench.base.number_text import format_figure, format_interval
from abawbench.cli.options import CHALLENGE, PATH, ScoringOptions, json_option, resampling, scoring_options
from abawbench.cli.output import exits_on_problems, print_json, print_paragraph, print_table, say, say_remarks, tell

if TYPE_CHECKING:
    from abawbench.challenges import Challenge


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("truth", type=PATH)
@click.argument("predictions", type=PATH, nargs=-1, required=True)
@click.option("--send", default=5, show_default=True, type=click.IntRange(1), help="Number of trials to send.")
@scoring_options
@json_option
@exits_on_problems
def command(
    challenge: Challenge,
    truth: Path,
    predictions: tuple[Path, ...],
    send: int,
    as_json: bool,
    **options: Unpack[ScoringOptions],
) -> None:
    """Select which of many PREDICTIONS to send as trials, and say what the best of them will be worth.

    The trials that are sent are those whose best is expected to score highest, over resamples of videos that all trials
    share. The best of several trials flatters: its score is expected to lie above that of any trial named beforehand.

    \b
    Example:
      abawbench trials abaw10-ah truth/ out/one out/two out/three out/four --send 2 --missing nearest
    """
    from abawbench.api.tuning import trials

    tell(f"trials: {len(predictions)} predictions against {truth}")
    found = resampling(options, truth)
    result = trials(
        challenge.id,
        truth,
        predictions,
        send=send,
        missing=options["missing"],
        allow_filled=options["allow_filled"],
        resamples=found.resamples,
        seed=found.seed,
        subjects=found.subjects,
    )
    say_remarks(result["flags"])
    if result["warning"]:
        say(f"warning: {result['warning']}")
    if as_json:
        print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    sent = result["send"]["trials"]
    places = {trial["name"]: place for place, trial in enumerate(sent, start=1)}
    rows = [
        [
            trial["name"],
            format_figure(trial["score"]),
            format_interval(trial["interval"]),
            f"{trial['probability_best']:.2f}",
            places.get(trial["name"], ""),
        ]
        for trial in result["trials"]
    ]
    print_table(rows, ["trial", result["figure"], "95 % interval", "best of all", "send"], optional=["best of all"])
    click.echo()
    rows = [
        [trial["name"], format_figure(trial["expected"]), format_figure(trial["adds"], "+"), trial["probability_best"]]
        for trial in sent
    ]
    print_table(
        [[*row[:3], f"{row[3]:.2f}"] for row in rows], ["send", "expected", "adds to the best", "best of those sent"]
    )
    click.echo()
    for line in _sentences(result):
        print_paragraph(line)


def _sentences(result: dict[str, Any]) -> list[str]:
    """What the plan says, in words."""
    sent, count, best = result["send"], len(result["send"]["trials"]), result["expected_best"]
    how = (
        f"No other {count} are expected to do better (all sets were searched)."
        if sent["method"] == "exact"
        else "They were chosen one by one (at least 1 - 1/e of what the best set gains); no other set of this size is "
        f"expected to do better by more than {sent['shortfall']:.4f}."
    )
    lines = [
        f"name beforehand: {sent['named']}, expected {result['figure']} {result['expected_named']:.4f}",
        f"The best of these {count} is expected to score {best:.4f}; the {count} with the highest scores, "
        f"{result['top_scores']:.4f}. {how}",
        f"Best of {count} flatters by {result['flatters']:.4f}: by so much its expected score lies above that of the "
        f"trial named beforehand. The winner scores {result['inflation']['sent']:.4f} above its own worth.",
        f"Of the differences between the {len(result['trials'])} scores {result['kept']:.0%} are more than luck, so "
        f"the highest is about {result['inflation']['all']:.4f} too high.",
    ]
    if result["normal_gain"] is not None and count > 1:
        lines.append(
            f"The errors of those sent correlate at {result['correlation']['mean']:.2f} on average, with a standard "
            f"deviation of {result['spread']:.4f}; the best of {count} equally good trials like that gains "
            f"{result['normal_gain']:.4f}."
        )
    if result["expected_private"] is not None and not result["expected_private"]["is_beyond"]:
        from abawbench.tuning.trials.optimism import ExpectedPrivate

        expected = ExpectedPrivate(**result["expected_private"])
        lines.append(f"The one named, if this is a validation split: {expected.describe()}")
    return lines
