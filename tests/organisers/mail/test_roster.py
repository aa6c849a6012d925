"""The roster: every line that is wrong is told, and names and addresses find their team."""

from __future__ import annotations

from pathlib import Path

import pytest

from abawbench.base.problems import ProblemError
from abawbench.organisers.mail.roster import Roster, read_roster
from tests.damage import changed_bytes, outcome

GOOD = "team,address,aliases\nBlue Team,ada@blue.org;Bob@blue.org,blue;the blues\nRed,eve@red.org,\n"


def read(tmp_path: Path, text: str | bytes) -> Roster:
    path = tmp_path / "teams.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_roster(path)


def problems(tmp_path: Path, text: str | bytes) -> list[tuple[str, int | None]]:
    with pytest.raises(ProblemError) as caught:
        read(tmp_path, text)
    return [(problem.rule, problem.line) for problem in caught.value.problems]


def test_a_team_is_found_by_address_name_and_alias(tmp_path: Path) -> None:
    roster = read(tmp_path, GOOD)
    blue, red = roster.teams
    assert roster.of_address("BOB@blue.org") is blue
    assert roster.of_name("  BLUE   team ") is blue
    assert roster.of_name("The Blues") is blue
    assert roster.of_name("red") is red
    assert roster.of_address("eve@blue.org") is None
    assert roster.of_address(None) is None


def test_a_team_may_have_several_rows(tmp_path: Path) -> None:
    (team,) = read(tmp_path, "team,email\nBlue,a@b.org\nblue,c@d.org\n").teams
    assert team.addresses == ("a@b.org", "c@d.org")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + GOOD,
        "# our teams\n#\n" + GOOD,
        GOOD.replace("\n", "\r\n"),
        "Team;E-Mail\nBlue Team;ada@blue.org, bob@blue.org\n",
        "note,address,team\nx,ada@blue.org|bob@blue.org,Blue Team\n",
    ],
    ids=["byte order mark", "comments", "Windows", "semicolons", "other columns"],
)
def test_usual_spellings_are_read(tmp_path: Path, text: str) -> None:
    team = read(tmp_path, text).teams[0]
    assert (team.name, team.addresses) == ("Blue Team", ("ada@blue.org", "bob@blue.org"))


def test_every_wrong_line_is_told(tmp_path: Path) -> None:
    text = "team,address\nBlue,a@b.org\nRed,a@b.org\n,x@y.org\nGreen,nowhere\nGrey\u202e,z@z.org\n"
    assert problems(tmp_path, text) == [("O31", 3), ("O32", 4), ("O32", 5), ("O32", 6)]
    assert problems(tmp_path, f"# ours\n{text}") == [("O31", 4), ("O32", 5), ("O32", 6), ("O32", 7)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("O30", 1)]),
        ("team,address\n", [("O30", None)]),
        ("name of us,where\nBlue,a@b.org\n", [("O30", 1)]),
        ("team,address\nBlue,a@b.org,c@d.org\nRed\n", [("O30", 2), ("O30", 3)]),
        (b"team,address\nBl\xfcue,a@b.org\n", [("O30", None)]),
        ('team,address\n"Blue,a@b.org\n', [("O30", 2)]),
        (f"team,address\n{'x' * 200_000},a@b.org\n", [("O30", 2)]),
    ],
    ids=["empty", "no team", "other header", "fields", "bytes", "quote", "long"],
)
def test_what_is_no_roster_is_told(tmp_path: Path, text: str | bytes, expected: list[tuple[str, int | None]]) -> None:
    assert problems(tmp_path, text) == expected


def test_an_alias_of_another_team_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, "team,address,alias\nBlue,a@b.org,red\nRed,c@d.org,\n") == [("O31", 3)]


def test_a_damaged_roster_is_told_or_read(tmp_path: Path) -> None:
    path = tmp_path / "teams.csv"
    for data in changed_bytes(GOOD.encode(), number=300):
        path.write_bytes(data)
        outcome(lambda: read_roster(path))


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="F01"):
        read_roster(tmp_path / "none.csv")
