"""abawbench ensemble: average the answers of several entries with fitted weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import click

from abawbench.base.number_text import format_figure, format_interval
from abawbench.cli.options import (
    CHALLENGE,
    PATH,
    ResamplingOptions,
    allow_filled_option,
    choice_option,
    json_option,
    resampling,
)
from abawbench.cli.output import (
    exits_on_problems,
    print_json,
    print_paragraph,
    print_table,
    say,
    say_remarks,
    stage,
    tell,
    writing,
)
from abawbench.fill import COPYING

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.fill import Policy
    from abawbench.tuning.ensembles.members import Members
    from abawbench.tuning.ensembles.weights import Average, EnsembleWeights, Method


# options that only a fit follows
OF_A_FIT = ("method", "average", "missing", "subjects", "folds", "repeats", "resamples", "seed")


class _Options(ResamplingOptions):
    method: Method
    average: Average
    missing: Policy
    allow_filled: float
    folds: int
    repeats: int


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("inputs", type=PATH, nargs=-1, required=True, metavar="[TRUTH] STORE...")
@click.option("--out", "-o", type=PATH, required=True, help="Folder of the ensemble's store, new.")
@click.option("--weights", type=PATH, help="Apply the weights of this file to other stores of the same members.")
@choice_option(
    "--method",
    choices=["greedy", "simplex", "equal"],
    default="greedy",
    text="Greedy selection with replacement, ascent over weights that sum to 1, or equal weights.",
)
@choice_option(
    "--average", choices=["probability", "rank"], default="probability", text="Average probabilities, or ranks."
)
@choice_option(
    "--missing",
    choices=COPYING,
    default="error",
    text="Fill policy for annotated rows that no member answers.",
)
@allow_filled_option
@click.option("--subjects", type=PATH, help="File of lines 'video,subject': folds and resamples of subjects.")
@click.option("--folds", default=5, show_default=True, type=click.IntRange(2), help="Folds of videos.")
@click.option("--repeats", default=5, show_default=True, type=click.IntRange(1), help="How often the folds are dealt.")
@click.option("--resamples", default=1000, show_default=True, type=click.IntRange(100), help="Bootstrap resamples.")
@click.option("--seed", default=0, show_default=True, help="Seed of folds and resamples.")
@json_option
@exits_on_problems
def command(
    challenge: Challenge,
    inputs: tuple[Path, ...],
    out: Path,
    weights: Path | None,
    as_json: bool,
    **options: Unpack[_Options],
) -> None:
    """Average the answers of several prediction STOREs into a new store, with weights for each task.

    The weights are fitted to TRUTH, and what they gain over the best single store is cross-fitted by video. With
    --weights, those of an earlier call are applied to the stores of the same members over other videos, and no TRUTH is
    named. In a frame, column or class that a member does not answer, the mean of those members that do stands in.

    \b
    Example:
      abawbench ensemble abaw6-va VA_Estimation_Challenge/Validation_Set out/one out/two out/three -o out/mean
      abawbench ensemble abaw6-va test/one test/two test/three --weights out/mean/weights.json -o test/mean
    """
    from abawbench.inference import is_store
    from abawbench.tuning.ensembles.members import read_members
    from abawbench.tuning.ensembles.weights import in_order, read_weights, write_ensemble

    if weights is None and is_store(inputs[0]):
        raise click.UsageError("the truth is named before the stores; or name --weights that are fitted already")
    if weights is not None:
        _refuse_settings_of_a_fit()
    stores = inputs if weights is not None else inputs[1:]
    tell(f"ensemble: {len(stores)} stores, into {out}")
    with writing(out, *inputs, weights):
        earlier = None if weights is None else read_weights(weights, challenge)
        with stage("reading the stores"):
            members = read_members(challenge, stores, options["allow_filled"])
        if earlier is not None and weights is not None:
            fitted = in_order(earlier, members, weights)
        else:
            with stage("fitting"):
                fitted = _fit(challenge, inputs[0], members, options)
        with stage("writing"):
            store = write_ensemble(challenge, members, fitted, out)
    say_remarks(members.remarks if earlier is not None else fitted.report["flags"])
    if earlier is None and fitted.report["warning"]:
        say(f"warning: {fitted.report['warning']}")
    if as_json:
        report = {} if earlier is not None else {"report": dict(fitted.report)}
        parts = {task: fitted.share(task).tolist() for task in fitted.weights}
        print_json({"store": str(out), "entry": fitted.name, "units": len(store.units()), "shares": parts, **report})
        return
    if earlier is None:
        _print_figures(fitted)
    _print_weights(fitted, members.names)
    click.echo(f"{out}: {len(store.units()):,} units written, as {fitted.name}")


def _refuse_settings_of_a_fit() -> None:
    """Raises: UsageError, an option is named that only a fit would follow."""
    context = click.get_current_context()
    given = [name for name in OF_A_FIT if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
    if given:
        raise click.UsageError(f"--weights are fitted already: leave --{given[0]} out")


def _fit(challenge: Challenge, truth: Path, members: Members, options: _Options) -> EnsembleWeights:
    from abawbench.api import read_table
    from abawbench.tuning.ensembles.fit import fit_ensemble

    return fit_ensemble(
        challenge,
        read_table(challenge, truth, "truth"),
        members,
        method=options["method"],
        average=options["average"],
        missing=options["missing"],
        allow_filled=options["allow_filled"],
        folds=options["folds"],
        repeats=options["repeats"],
        resampling=resampling(options, truth),
        tell=tell,
    )


def _print_figures(fitted: EnsembleWeights) -> None:
    report = fitted.report
    names = {"best_single": "best", "equal": "equal", "ensemble": fitted.method}
    if fitted.method == "equal":
        names.pop("ensemble")
    rows = [
        [
            figure,
            name,
            *(format_figure(approaches[key][part]) for part in ("in_sample", "cross_fitted")),
            "" if key == "best_single" else format_figure(approaches[key]["gain"], "+"),
            "" if key == "best_single" else format_interval(approaches[key]["gain_interval"], "+"),
        ]
        for figure, approaches in report["figures"].items()
        for key, name in names.items()
    ]
    print_table(rows, ["", "weights", "in sample", "cross-fitted", "gain", "95 % interval"], keys=2)
    click.echo()
    for line in _sentences(report["figures"]["score"], fitted):
        print_paragraph(line)
    click.echo()


def _sentences(figures: dict[str, Any], fitted: EnsembleWeights) -> list[str]:
    """What the figures say, in words."""
    own, equal, report = figures["ensemble"], figures["equal"], fitted.report
    interval, unit = own["gain_interval"], report["unit"]
    within = "" if interval is None else f" (95 % interval {format_interval(interval, '+')})"
    lines = [
        f"The ensemble gains {own['gain']:+.4f}{within} over the best single store, {report['best_single']}, on "
        f"{unit}s that neither was chosen on ({report['folds']} folds of {report['clusters']} {unit}s, "
        f"{report['repeats']} times)."
    ]
    if interval is not None and interval[0] <= 0 <= interval[1]:
        lines.append("This split does not show that it gains anything: the interval includes 0.")
    if max(own["gain"], equal["gain"]) <= 0:
        lines.append("The single store promises no less: keep it.")
    elif fitted.method != "equal" and equal["cross_fitted"] >= own["cross_fitted"]:
        lines.append(
            f"Equal weights promise {equal['cross_fitted']:.4f}, no less than the fitted ones: take --method equal."
        )
    return lines


def _print_weights(fitted: EnsembleWeights, names: tuple[str, ...]) -> None:
    shares = {task: fitted.share(task) for task in fitted.weights}
    rows = [[name, *(f"{own[place]:.3f}" for own in shares.values())] for place, name in enumerate(names)]
    print_table(rows, ["store", *shares], "Weights")
    click.echo()
