"""Arguments and options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import click

from abawbench.fill import POLICIES, Policy

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class ChallengeId(click.ParamType[Any]):
    """A challenge id, resolved to its record."""

    name = "challenge"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The record of this id; wrong use when there is none."""
        from abawbench.base.problems import ProblemError
        from abawbench.challenges import get

        if not isinstance(value, str):
            return value
        try:
            return get(value)
        except ProblemError as error:
            self.fail(str(error), param, ctx)


CHALLENGE = ChallengeId()
PATH = click.Path(path_type=Path)

json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


class ScoringOptions(TypedDict):
    """The values of `scoring_options`."""

    missing: Policy
    subjects: Path | None
    resamples: int
    seed: int


def scoring_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that decide a score and its intervals; the verb takes them as `**ScoringOptions`."""
    options: tuple[Decorator, ...] = (
        click.option(
            "--missing",
            type=click.Choice(POLICIES),
            default="error",
            show_default=True,
            help="What annotated rows without prediction get.",
        ),
        click.option("--subjects", type=PATH, help="File of lines 'video,subject': resample subjects, not videos."),
        click.option(
            "--resamples", default=10_000, show_default=True, type=click.IntRange(100), help="Bootstrap resamples."
        ),
        click.option("--seed", default=0, show_default=True, help="Seed of the resampling."),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


def resampling(options: ScoringOptions) -> dict[str, Any]:
    """Keyword arguments of `scoring.score_paired` and `scoring.difference` from the options, subjects read.

    Raises:
        ProblemError: every problem of the file of subjects.
    """
    from abawbench.formats import subjects_from

    path = options["subjects"]
    return {
        "resamples": options["resamples"],
        "seed": options["seed"],
        "subjects": None if path is None else subjects_from(path),
    }


engine_option: Decorator = click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="ray: on the machines of a Ray cluster that see the same folders.",
)
address_option: Decorator = click.option(
    "--address",
    default="local",
    show_default=True,
    help="With --engine ray: auto, ray://host:10001, or one started here.",
)
device_option: Decorator = click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps; auto takes a GPU if any."
)
looking_batch_option: Decorator = click.option(
    "--batch", type=click.IntRange(1), default=16, show_default=True, help="Crops looked at together."
)
submissions_option: Decorator = click.option(
    "--submissions", type=PATH, default=Path("submissions"), show_default=True, help="Where entries lie."
)
detector_option: Decorator = click.option(
    "--weights", type=PATH, help="YuNet's ONNX file, for videos; else the one that `data fetch yunet` got."
)
