"""The board as published facts, of which `abawbench leaderboard build` makes the web board."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import tomli_w

from abawbench.challenges import CHALLENGES
from abawbench.leaderboard.published import HEADER, OUTSIDE, place_of
from abawbench.organisers.mail.board import Board
from abawbench.organisers.mail.board_files import guarded
from abawbench.scoring.criteria import spans

LONGEST = 200


def web_board(board: Board, split: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of the files of `published/`: facts, and the description of a challenge of one's own.

    Args:
        board: the board.
        split: split of the truth; empty where nothing says it.
    """
    challenge = board.challenge
    is_known = challenge.id in CHALLENGES
    track = challenge.id.partition("-")[2]
    edition = f"ABAW{challenge.edition}" if challenge.edition and is_known else OUTSIDE
    if not is_known or place_of(edition, track) != challenge.id:
        edition, track = OUTSIDE, challenge.id
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    measure = _measure(board)
    for one in board.standings:
        team = " ".join(guarded(one.team).split())[:LONGEST].strip()
        about = {
            "kind": "organiser",
            "edition": edition,
            "challenge": track,
            "dataset": challenge.dataset,
            "split": {"validation": "val", "test": "test"}.get(split, ""),
            "rank": str(one.rank),
            "team": team,
            "metric_name": measure,
            "source": f"mail room of {_words(board.terms.title)}",
        }
        row = about | {"figure": "score", "value": f"{one.value:z.4f}"}
        writer.writerow([row.get(column, "") for column in HEADER])
    yield f"{challenge.id}.csv", stream.getvalue().encode()
    if not is_known:
        low, high = spans(challenge)[board.figure]
        described = {
            "title": _words(challenge.title),
            "dataset": _words(challenge.dataset),
            "measure": measure,
            "low": low,
            "high": high,
            "venue": _words(challenge.venue),
        }
        yield (
            f"{challenge.id}.toml",
            tomli_w.dumps({key: value for key, value in described.items() if value != ""}).encode(),
        )


def _measure(board: Board) -> str:
    metric = board.challenge.metric
    return metric.id if metric.terms and board.figure == ("score",) else ""


def _words(text: str) -> str:
    return " ".join(text.split())[:LONGEST].strip()
