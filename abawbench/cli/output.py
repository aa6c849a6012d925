"""What every verb prints with: results to standard output, problems to standard error."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import click

from abawbench.base.problems import Problem, ProblemError

Arguments = ParamSpec("Arguments")


# module -> extra that installs it
EXTRAS: dict[str | None, str] = {
    **dict.fromkeys(("av", "cv2", "jinja2", "pooch", "requests", "sklearn", "threadpoolctl"), "video"),
    **dict.fromkeys(("onnxruntime", "safetensors", "torch", "transformers"), "models"),
    **dict.fromkeys(("kornia", "matplotlib"), "models"),
    "ray": "cluster",
}


def exits_on_problems(verb: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """The verb, with its ProblemError, or the extra it lacks, printed to standard error and exit status 1."""

    @functools.wraps(verb)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            verb(*args, **kwargs)
        except ProblemError as error:
            say(str(error))
            sys.exit(1)
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            fix = f"pip install 'abawbench[{EXTRAS[error.name]}]'"
            say(str(ProblemError(Problem("D53", f"no module {error.name}", "what this verb works with", fix))))
            sys.exit(1)
        except BrokenPipeError:
            # a reader such as `head` has seen enough
            sys.stderr.close()
            sys.exit(1)

    return guarded


def say(text: str) -> None:
    """A line for the person at the terminal: progress, problems, warnings."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:
    """A value as JSON, NaN refused."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(rows: Sequence[Sequence[object]], headers: Sequence[str], title: str | None = None) -> None:
    """A table: by rich on a terminal, else plain text that keeps whole columns."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        grid = Table(title=title, title_justify="left", header_style="bold")
        for header in headers:
            grid.add_column(header, overflow="fold")
        for row in cells:
            grid.add_row(*row)
        Console().print(grid)
        return
    if title:
        click.echo(title)
    widths = [max(len(text) for text in column) for column in zip(headers, *cells, strict=True)]
    for row in (headers, *cells):
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
