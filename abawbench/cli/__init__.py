"""The command line: one small file for each verb, imported only when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

# group -> verb -> (module:attribute, short help); the short help stands here so that --help imports no verb
VERBS: dict[str, dict[str, tuple[str, str]]] = {
    "Score": {
        "challenges": ("abawbench.cli.challenges:command", "List the editions and tracks, or make one of your own."),
        "score": ("abawbench.cli.score:command", "Compute the official score, with intervals."),
        "diff": ("abawbench.cli.diff:command", "Compare two predictions, or rank more."),
        "frequencies": (
            "abawbench.cli.frequencies:command",
            "Compare shares of predicted classes with published ones.",
        ),
        "fairness": ("abawbench.cli.fairness:command", "Compare groups of people."),
        "report": ("abawbench.cli.report:command", "Show one prediction, or two, on a page."),
        "paper": ("abawbench.cli.paper:command", "Write tables, figures and a paragraph for LaTeX."),
    },
    "Tune": {
        "tune": ("abawbench.cli.tune:command", "Choose thresholds, smoothing and the like, honestly judged."),
        "ensemble": ("abawbench.cli.ensemble:command", "Average prediction stores with fitted weights."),
        "trials": ("abawbench.cli.trials:command", "Select which of many predictions to send."),
    },
    "Submit": {
        "check": ("abawbench.cli.check:command", "Check a submission file, or an entry."),
        "write": ("abawbench.cli.write:command", "Write predictions as the challenge's file."),
        "pack": ("abawbench.cli.pack:command", "Pack trials into one zip."),
    },
    "Data": {
        "synth": ("abawbench.cli.synth:command", "Make a synthetic corpus, whose truth is known."),
        "data": ("abawbench.cli.data:command", "Describe, verify, fetch, read and split data sets."),
        "faces": ("abawbench.cli.faces:command", "Crop and align the faces of videos."),
    },
    "Models": {
        "entry": ("abawbench.cli.entry:command", "Make an entry to fill in, or export one."),
        "extract": ("abawbench.cli.extract:command", "Compute and keep the features of every crop."),
        "cache": ("abawbench.cli.cache:command", "List, verify and clear folders of features."),
        "pretrain": ("abawbench.cli.pretrain:command", "Train encoders on crops without labels."),
        "train": ("abawbench.cli.train:command", "Train an entry on crops or features."),
        "predict": ("abawbench.cli.predict:command", "Run an entry on crops, features or videos."),
        "synthesise": ("abawbench.cli.synthesise:command", "Give faces other expressions."),
    },
    "Leaderboards": {
        "leaderboard": (
            "abawbench.cli.leaderboard:command",
            "Build tables and pages of facts and records.",
        ),
    },
    "Organise": {
        "freeze": ("abawbench.cli.freeze:command", "Write the scorer of a challenge as one file."),
        "bundle": ("abawbench.cli.bundle:command", "Make everything that Codabench, EvalAI or Kaggle asks for."),
        "rehearse": ("abawbench.cli.rehearse:command", "Run submissions through a bundle, or test a validator."),
        "mailroom": ("abawbench.cli.mailroom:command", "Judge mailed submissions; board and replies."),
    },
    "Start": {
        "doctor": ("abawbench.cli.doctor:command", "Say what is installed and what is missing."),
        "demo": ("abawbench.cli.demo:command", "Run every step on a small corpus, in a minute."),
    },
}

# key of a context's `meta`: the words of the command line
_WORDS = "abawbench.words"


class Verbs(click.Group):
    """A group of verbs that imports a verb when it is called, and lists the verbs under headings.

    Args:
        groups: for each heading, the verbs with `module:attribute` and a short help, in the order of the help text.
        settings: arguments of `click.Group`.
    """

    def __init__(self, *, groups: Mapping[str, Mapping[str, tuple[str, str]]], **settings: Any) -> None:
        super().__init__(**settings)
        self.groups = groups

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all verbs."""
        del ctx
        return [verb for verbs in self.groups.values() for verb in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, imported now."""
        del ctx
        for verbs in self.groups.values():
            if cmd_name in verbs:
                module, attribute = verbs[cmd_name][0].split(":")
                return getattr(importlib.import_module(module), attribute)
        return None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command line, and remember them for `invoke`."""
        ctx.meta.setdefault(_WORDS, tuple(args))
        with _usage_errors_as_json(ctx):
            return super().parse_args(ctx, args)

    def main(self, args: Sequence[str] | None = None, *others: Any, **settings: Any) -> Any:
        """Run the command line, which Ctrl-C and SIGTERM stop."""
        from abawbench.cli.stopping import stoppable

        words = list(sys.argv[1:] if args is None else args)
        with stoppable(words):
            return super().main(words, *others, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; wrong use of it is also printed as JSON where --json asks for that."""
        with _usage_errors_as_json(ctx):
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a verb; the error for an unknown verb suggests a similar one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs under their headings."""
        del ctx
        for group, verbs in self.groups.items():
            with formatter.section(group):
                formatter.write_dl([(verb, text) for verb, (_, text) in verbs.items()])


@contextmanager
def _usage_errors_as_json(context: click.Context) -> Generator[None]:
    try:
        yield
    except click.UsageError as error:
        if context.parent is None and "--json" in context.meta[_WORDS]:
            _print_usage_error(error, context)
        raise


def _path_of(words: Sequence[str], root: click.Context) -> list[str]:
    """The verb that the words name, as `["abawbench", "data", "list"]`."""
    path, command = [root.command_path], root.command
    for word in words:
        found = command.get_command(root, word) if isinstance(command, click.Group) else None
        if found is None:
            break
        path, command = [*path, word], found
    return path


def _print_usage_error(error: click.UsageError, root: click.Context) -> None:
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.cli.output import print_json

    path = _path_of(root.meta[_WORDS], root)
    known = error.__context__
    expected = "arguments and options as the help describes"
    wrong_use = Problem("C02", error.format_message(), expected, f"see `{' '.join(path)} --help`")
    problems = known.problems if isinstance(known, ProblemError) else (wrong_use,)
    print_json({}, problems=problems, ok=False, verb=" ".join(path[1:]))


@click.group(
    cls=Verbs, groups=VERBS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="abawbench")
@click.option("-v", "--verbose", is_flag=True, help="Also say what is done.")
@click.option("-q", "--quiet", is_flag=True, help="Say no progress.")
@click.pass_context
def main(context: click.Context, quiet: bool, verbose: bool) -> None:
    """Benchmark and submission harness for the ABAW challenges.

    \b
    Example:
      abawbench score abaw4-mtl validation_set_annotations.txt my_predictions.txt

    Results go to standard output, progress and problems to standard error. Exit status: 0 fine, 1 problems found, 2
    wrong use. -q and -v may stand before or behind the verb.
    """
    if quiet or verbose:
        from abawbench.cli.output import set_level

        set_level(context, quiet=quiet, verbose=verbose)
    # https://no-color.org
    if os.environ.get("NO_COLOR"):
        context.color = False
