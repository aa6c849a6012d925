"""A certificate of each team, a page of LaTeX."""

from __future__ import annotations

from collections.abc import Iterator

from abawbench.base.latex_text import escaped
from abawbench.base.problems import inert
from abawbench.organisers.mail.account import slug
from abawbench.organisers.mail.board import Board, Standing
from abawbench.organisers.mail.board_files import PREAMBLE
from abawbench.scoring.criteria import figure_name


def certificates(board: Board) -> Iterator[tuple[str, bytes]]:
    """Name and content of the certificate of each team on the board."""
    for one in board.standings:
        yield f"{slug(one.team)}.tex", _certificate(board, one).encode()


def _certificate(board: Board, one: Standing) -> str:
    shared = sum(other.rank == one.rank for other in board.standings) > 1
    teams = len(board.standings)
    place = f"{'shared ' if shared else ''}rank {one.rank} of {teams} team{'s'[: teams > 1]}"
    within = "" if one.interval is None else f" (95 % interval {one.interval[0]:z.4f} to {one.interval[1]:z.4f})"
    day = board.terms.ends or board.newest
    phase = f", {board.terms.phase}" if board.terms.phase else ""
    lines = (
        rf"{{\LARGE\bfseries {escaped(_line(board.terms.title))}}}\\[6mm]",
        rf"{{\large {escaped(_line(board.challenge.title + phase))}}}\\[22mm]",
        r"{\large This certifies that the team}\\[8mm]",
        rf"{{\Huge\bfseries {escaped(_line(one.team))}\par}}\vspace{{8mm}}",
        rf"{{\large reached {escaped(place)}}}\\[4mm]",
        rf"{{\large with a {escaped(figure_name(board.figure))} of {one.value:z.4f}{escaped(within)}.}}\\[22mm]",
        *([rf"{day:%Y-%m-%d}\\[14mm]"] if day is not None else []),
        r"\rule{6cm}{0.4pt}\\[2mm]",
        rf"{escaped(_line(board.terms.organisers) or 'The organisers')}\par\vfill",
        rf"{{\footnotesize {escaped(board.challenge.id)}, definition {board.challenge.fingerprint}; trial "
        rf"\texttt{{{one.sha256[:16]}}}}}",
    )
    body = "\n".join(lines)
    begin = (r"\pagestyle{empty}", r"\begin{document}", r"\centering\vspace*{2cm}")
    return "\n".join([*PREAMBLE[:-1], *begin, body, r"\end{document}", ""])


def _line(text: str) -> str:
    return " ".join(inert(text).split())
