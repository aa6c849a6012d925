"""Arguments and options that several verbs share, and options made of the fields of a dataclass."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import UnionType
from typing import IO, TYPE_CHECKING, Any, Literal, TypedDict, Union, get_args, get_origin, get_type_hints

import click
from click.shell_completion import CompletionItem

from abawbench.base.problems import Problem, ProblemError
from abawbench.cli.output import tell_later
from abawbench.fill import MOST_FILLED, POLICIES, Policy

if TYPE_CHECKING:
    from abawbench.scoring import Resampling
    from abawbench.tuning.use import TunedFile

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class ChallengeAtFault(click.UsageError):
    """The file of a challenge of your own has problems: the input is at fault, and not the use of the verb."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the problems to standard error."""
        click.echo(self.format_message(), file=file, err=True)


class ChallengeId(click.ParamType[Any]):
    """The type of an argument that is the id of a challenge, or the path of one of your own; the verb gets it."""

    name = "challenge"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Get the challenge of an id or path; an unknown id is wrong use."""
        from abawbench.challenges import get
        from abawbench.challenges.lookup import path_of

        if not isinstance(value, str):
            return value
        try:
            challenge = get(value)
            path = path_of(challenge.id)
        except ProblemError as error:
            if any(problem.rule != "C01" for problem in error.problems):
                raise ChallengeAtFault(str(error), ctx) from error
            self.fail(str(error), param, ctx)
        if ctx is not None and path is not None:
            tell_later(ctx, f"challenge {challenge.id}: {path}, fingerprint {challenge.fingerprint}")
        return challenge

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Ids of challenges that begin with what is typed, with their titles; files, where it is a path."""
        from abawbench.challenges import known

        del ctx, param
        begun = incomplete.lower()
        ids = [CompletionItem(name, help=one.title) for name, one in known().items() if name.startswith(begun)]
        return ids or [CompletionItem(incomplete, type="file")]


class Numbers(click.ParamType[tuple[float, ...]]):
    """The type of an option that takes several numbers, separated by commas."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Read the numbers; anything else is wrong use."""
        try:
            return tuple(float(part) for part in value.split(",")) if isinstance(value, str) else tuple(value)
        except ValueError:
            self.fail(f"{value!r} is no list of numbers, as 0.5,0.5,0.5", param, ctx)


CHALLENGE = ChallengeId()
PATH = click.Path(path_type=Path)

json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


def choice_option(*names: str, choices: Sequence[str], default: str, text: str) -> Decorator:
    """Add an option with a few values, its default shown in the help text."""
    return click.option(*names, type=click.Choice(choices), default=default, show_default=True, help=text)


deal_option: Decorator = choice_option(
    "--deal",
    choices=["balanced", "sorted"],
    default="balanced",
    text="Folds of even shares, or blocks of the sorted subjects or videos.",
)
allow_filled_option: Decorator = click.option(
    "--allow-filled",
    type=click.FloatRange(0, 1),
    default=MOST_FILLED,
    show_default=True,
    metavar="SHARE",
    help="Greatest share of rows that the policy may fill.",
)


class ResamplingOptions(TypedDict):
    """The options that decide what is resampled, and how often."""

    subjects: Path | None
    resamples: int
    seed: int


class ScoringOptions(ResamplingOptions):
    """The values of `scoring_options`."""

    missing: Policy
    allow_filled: float


def scoring_options_with(policies: tuple[Policy, ...]) -> Decorator:
    """The options that decide a score and its intervals, with these fill policies; see `scoring_options`."""
    options: tuple[Decorator, ...] = (
        choice_option(
            "--missing",
            choices=policies,
            default="error",
            text="Fill policy for annotated rows without a prediction.",
        ),
        allow_filled_option,
        click.option("--subjects", type=PATH, help="File of lines 'video,subject': resample subjects, not videos."),
        click.option(
            "--resamples", default=10_000, show_default=True, type=click.IntRange(100), help="Resamples and swaps."
        ),
        click.option("--seed", default=0, show_default=True, help="Seed of the resampling."),
    )

    def add(verb: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            verb = option(verb)
        return verb

    return add


scoring_options = scoring_options_with(POLICIES)
"""Add the options that decide a score and its intervals; the verb takes them as `**ScoringOptions`."""


def resampling(options: ResamplingOptions, truth: Path) -> Resampling:
    """The resampling that the options ask for, with the subjects read; without any, those that a Parquet truth names.

    Raises:
        ProblemError: every problem of the file of subjects.
    """
    from abawbench.formats import read_subjects
    from abawbench.scoring import Resampling

    path = options["subjects"]
    if path is not None:
        subjects = read_subjects(path)
    elif truth.suffix == ".parquet":
        from abawbench.datasets.label_file import subjects_of

        subjects = subjects_of([truth])
    else:
        subjects = None
    return Resampling(options["resamples"], options["seed"], subjects)


class TunedOptions(TypedDict):
    """The values of `tuned_options`."""

    gate: Path | None
    any_entry: bool


def tuned_options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add options for files of tuned values, `--tuned` or those named; the verb takes the others as `**TunedOptions`.

    Args:
        names: options of a verb that reads several stores, as `--tuned-a`.
    """
    files = names or ("--tuned",)
    text = "Apply the values that `tune` wrote to {}."
    options: tuple[Decorator, ...] = (
        *(
            click.option(name, type=PATH, help=text.format(f"the store {name[-1].upper()}" if names else "the store"))
            for name in files
        ),
        click.option("--gate", type=PATH, help="Store of the other entry, for tuned values with a gate."),
        click.option("--any-entry", is_flag=True, help="Take tuned values of another entry or challenge, too."),
    )

    def decorate(verb: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            verb = option(verb)
        return verb

    return decorate


def tuned_files(options: TunedOptions, *paths: Path | None) -> list[TunedFile | None]:
    """The files of tuned values at some paths, as the options ask. Raises: UsageError, options without a file."""
    if not any(paths):
        if options["gate"] is not None or options["any_entry"]:
            raise click.UsageError("--gate and --any-entry go with tuned values")
        return [None for _ in paths]
    from abawbench.tuning.use import TunedFile

    return [None if path is None else TunedFile(path, options["gate"], options["any_entry"]) for path in paths]


submissions_option: Decorator = click.option(
    "--submissions", type=PATH, default=Path("submissions"), show_default=True, help="Folder of the entries."
)
device_option: Decorator = click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, cuda:1 or mps; auto takes a GPU where there is one."
)


def resolve_device(name: str) -> str:
    """The device of this name; `auto` is a GPU where there is one, else the CPU.

    Raises:
        ProblemError: C02, there is no such device.
    """
    if name == "cpu" or importlib.util.find_spec("torch") is None:
        return "cpu"
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        fix = "name cpu, or install a torch that has it"
        raise ProblemError(Problem("C02", f"--device {name}: {reason}", "a device that is there", fix)) from error
    return name


detector_option: Decorator = click.option(
    "--weights",
    type=PATH,
    help="YuNet's ONNX file, to crop the faces of videos.  [default: the one that `data fetch yunet` got]",
)


def cluster_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add --engine and --address; the verb gets `address`, which is None for a run on this machine alone."""

    @functools.wraps(verb)
    def called(*args: Any, engine: str, address: str, **values: Any) -> Any:
        return verb(*args, address=address if engine == "ray" else None, **values)

    engine_help = "ray: on the machines of a Ray cluster that see the same folders."
    address_help = "Cluster of --engine ray: auto, ray://host:10001, or local, which starts one here."
    called = click.option("--address", default="local", show_default=True, help=address_help)(called)
    return choice_option("--engine", choices=["local", "ray"], default="local", text=engine_help)(called)


def options_from(record: type[Any], name: str = "options") -> Decorator:
    """Add options for the fields of a dataclass; the verb gets the filled dataclass.

    A field with a `help` in its metadata becomes an option of the same name, type and default. Further metadata:
    `least` and `most`, the smallest and the greatest number; `default`, a default for the command line alone; `flags`,
    other flags.

    Args:
        record: the dataclass.
        name: name of the verb's argument.

    >>> import dataclasses
    >>> @dataclasses.dataclass
    ... class Settings:
    ...     batch: int = dataclasses.field(default=16, metadata={"help": "Crops in a batch.", "least": 1})
    >>> @click.command()
    ... @options_from(Settings, "settings")
    ... def verb(settings: Settings) -> None:
    ...     click.echo(settings)
    >>> verb(["--batch", "8"], standalone_mode=False)
    Settings(batch=8)
    """
    hints = get_type_hints(record)
    fields = [field for field in dataclasses.fields(record) if "help" in field.metadata]

    def decorate(verb: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(verb)
        def called(*args: Any, **values: Any) -> Any:
            filled = record(**{field.name: values.pop(field.name) for field in fields})
            return verb(*args, **values, **{name: filled})

        result: Callable[..., Any] = called
        for field in reversed(fields):
            result = _option(field, hints[field.name])(result)
        return result

    return decorate


def _option(field: dataclasses.Field[Any], hint: Any) -> Decorator:
    metadata = field.metadata
    default = metadata.get("default", field.default)
    flags = metadata.get("flags", (f"--{field.name.replace('_', '-')}",))
    return click.option(
        *flags,
        field.name,
        type=_click_type(hint, metadata.get("least"), metadata.get("most")),
        default=default,
        show_default=default is not None,
        help=metadata["help"],
    )


def _click_type(hint: Any, least: float | None, most: float | None) -> Any:
    """The click type for the type of a field; None in a union stands for an option that is left out."""
    is_union = get_origin(hint) in (Union, UnionType)
    (kind,) = (part for part in (get_args(hint) if is_union else (hint,)) if part is not type(None))
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind))
    if get_origin(kind) is tuple:
        return Numbers()
    if least is not None or most is not None:
        kind_of_range: Any = click.IntRange if kind is int else click.FloatRange
        return kind_of_range(least, most)
    return PATH if kind is Path else kind
