"""Test the papers' claims: all with `python -m benchmarks.claims`, one with its name, `report` for the pages.

A run that was stopped goes on where it stopped. `report` writes the pages again from the committed results.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from abawbench.base.files import write_text
from abawbench.base.problems import ProblemError, render
from benchmarks.claims.cells import run_claim
from benchmarks.claims.claim import CLAIMS, load_claim
from benchmarks.claims.report import RESULTS, pages, results_of, summary, write_results
from benchmarks.claims.report import publish as publish_results


@click.command(help=__doc__)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/claims"), show_default=True,
              help="Folder of all claims: cells and results of each, and drawn faces.")  # fmt: skip
@click.option("--large", is_flag=True, help="The size for a GPU.")
@click.option("--processes", type=click.IntRange(1), default=os.cpu_count(), show_default="one for each core",
              help="Number of processes.")  # fmt: skip
@click.option("--publish", is_flag=True, help="With report: take the results from --out first.")
def main(names: tuple[str, ...], out: Path, large: bool, processes: int, publish: bool) -> None:
    """Run claims, or write their pages."""
    try:
        if names == ("report",):
            if publish:
                publish_results(out)
            for path, text in pages().items():
                if path.read_text("utf-8") != text:
                    write_text(path, text)
                    click.echo(f"written: {path}")
            return
        claims = [load_claim(name, large=large) for name in names or CLAIMS]
        for claim in claims:
            tell(f"{claim.name}: {claim.title}")
            tuned = run_claim(claim, out, processes=processes, report=tell)
            results = results_of(claim, tuned, out, large=large)
            write_results(results, out / claim.name)
            click.echo(f"\n{claim.title}\n\n{summary(results)}\n\n{out / claim.name / RESULTS}")
    except ProblemError as error:
        click.echo(render(error.problems), err=True)
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        tell("stopped; every finished cell is kept, the same command goes on")
        raise SystemExit(130) from None


def tell(text: str) -> None:
    """Say something on standard error."""
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
