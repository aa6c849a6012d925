"""abawbench freeze: write the scorer of a challenge as one file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import CHALLENGE, PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, writing

if TYPE_CHECKING:
    from abawbench.challenges import Challenge


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.option(
    "--out", "-o", type=PATH, default=Path(), show_default="score_<challenge>.py here", help="The file to write."
)
@click.option(
    "--date", "made", type=click.DateTime(["%Y-%m-%d"]), show_default="today", help="Date that the file bears."
)
@json_option
@exits_on_problems
def command(challenge: Challenge, out: Path, made: datetime | None, *, as_json: bool) -> None:
    """Write the scorer of CHALLENGE as one file that needs Python 3.8 and NumPy alone.

    It checks and scores predictions as `abawbench check` and `abawbench score` do, prints JSON, and may be given to
    anybody. The same version and date give the same bytes.

    \b
    Example:
      abawbench freeze abaw11-ah -o score_abaw11_ah.py
      python score_abaw11_ah.py test.txt trial-1.txt --template trial-0.txt --intervals
    """
    from abawbench.api.organisers import scorer_path
    from abawbench.base.files import write_text
    from abawbench.base.installed import VERSION
    from abawbench.organisers.frozen import default_name, frozen_scorer

    place = scorer_path(out, default_name(challenge))
    day = (made or datetime.now(UTC)).date().isoformat()
    text = frozen_scorer(challenge, day)
    with writing(place):
        write_text(place, text)
    if as_json:
        print_json(
            {
                "file": str(place),
                "challenge": challenge.id,
                "fingerprint": challenge.fingerprint,
                "version": VERSION,
                "made": day,
                "lines": text.count("\n"),
            }
        )
        return
    click.echo(f"{place}: scorer of {challenge.id}, definition {challenge.fingerprint}, {text.count(chr(10)):,} lines")
