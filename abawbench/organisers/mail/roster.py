"""The roster of teams: names, addresses and other names, from a CSV file that is checked line by line."""

from __future__ import annotations

import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError, Problems, unreadable
from abawbench.organisers.mail.letter import ADDRESS

LARGEST = 16 << 20
LONGEST_NAME = 200
HEADERS: Mapping[str, tuple[str, ...]] = {
    "team": ("team", "team name", "name"),
    "addresses": ("address", "addresses", "email", "emails", "e-mail", "mail"),
    "aliases": ("alias", "aliases"),
}
EXAMPLE = "team,address,aliases"


@dataclass(frozen=True, slots=True)
class Team:
    """A team.

    Attributes:
        name: its name.
        addresses: addresses that its mails may come from, in lower case.
        aliases: other names of it, as of its folder.
    """

    name: str
    addresses: tuple[str, ...]
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Roster:
    """The teams of a challenge, in the order of the file."""

    teams: tuple[Team, ...]

    def of_address(self, address: str | None) -> Team | None:
        """The team that writes from an address."""
        return next((team for team in self.teams if address is not None and address.lower() in team.addresses), None)

    def of_name(self, name: str) -> Team | None:
        """The team with a name or an alias; case and blanks do not matter."""
        wanted = name_key(name)
        return next((team for team in self.teams if wanted in map(name_key, (team.name, *team.aliases))), None)


def name_key(name: str) -> str:
    """What names that are meant alike have in common.

    >>> name_key("Team  Blue") == name_key("team blue")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def read_roster(path: Path) -> Roster:
    """Read a roster: a CSV file with the columns team, address and, if wanted, aliases.

    Several addresses or aliases in one cell are separated by semicolons; a team may also have several rows. Lines above
    the header that begin with # are comments.

    Raises:
        ProblemError: F01 not readable; O30 it is no such table, O31 a name or an address of two teams, O32 a name or an
            address that cannot be used; every line that is wrong.
    """
    try:
        data = read_input(path, LARGEST)
    except OSError as error:
        raise unreadable(path, error) from error
    rows = _rows(data, str(path))
    problems = Problems()
    found: dict[str, Team] = {}
    owners: dict[str, tuple[str, int]] = {}
    for line, (name, addresses, aliases) in rows:
        wrong = [
            *_name_faults(name, *aliases),
            *(f"address '{one}'" for one in addresses if not ADDRESS.fullmatch(one)),
        ]
        for fault in wrong:
            expected = "a printable name, and addresses as name@example.org"
            problems.add(Problem("O32", fault, expected, "correct the line", str(path), line))
        if wrong:
            continue
        key = name_key(name)
        for one in (f"name {key}", *(f"name {name_key(alias)}" for alias in aliases), *addresses):
            owner, first = owners.setdefault(one, (key, line))
            if owner != key:
                said = f"'{one.removeprefix('name ')}', which line {first} gives to another team"
                problems.add(Problem("O31", said, "one team for each name and address", "keep one", str(path), line))
        before = found.get(key, Team(name, (), ()))
        found[key] = Team(
            before.name,
            tuple(dict.fromkeys((*before.addresses, *addresses))),
            tuple(dict.fromkeys((*before.aliases, *aliases))),
        )
    problems.raise_if_any()
    return Roster(tuple(found.values()))


def _rows(data: bytes, file: str) -> list[tuple[int, tuple[str, tuple[str, ...], tuple[str, ...]]]]:
    """Line, name, addresses and aliases of each row. Raises: ProblemError O30."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_table(f"bytes that are no UTF-8 (at {error.start:,})", "UTF-8 text", file) from error
    lines = io.StringIO(text, newline="")
    comments = 0
    while (head := lines.readline()).startswith("#"):
        comments += 1
    separator = ";" if ";" in head and "," not in head else ","
    reader = csv.reader(itertools.chain([head], lines), delimiter=separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    problems = Problems()
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((comments + reader.line_num, cells))
    except csv.Error as error:
        raise _no_table(str(error), "comma-separated values", file, comments + reader.line_num) from error
    places = {
        name: next((header.index(one) for one in known if one in header), None) for name, known in HEADERS.items()
    }
    team, addresses, aliases = places["team"], places["addresses"], places["aliases"]
    if team is None or addresses is None:
        raise _no_table(f"the header '{','.join(header)[:80]}'", f"the header {EXAMPLE}", file, 1)
    result: list[tuple[int, tuple[str, tuple[str, ...], tuple[str, ...]]]] = []
    for line, cells in rows:
        if len(cells) != len(header):
            found, expected = f"{len(cells)} fields", f"{len(header)} fields"
            problems.add(Problem("O30", found, expected, "separate several addresses by semicolons", file, line))
            continue
        other = () if aliases is None else _several(cells[aliases], r"[;|]")
        mails = tuple(one.lower() for one in _several(cells[addresses], r"[;|,\s]"))
        result.append((line, (cells[team].strip(), mails, other)))
    problems.raise_if_any()
    if not result:
        raise _no_table("no team", "a row for each team", file)
    return result


def _several(cell: str, separators: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(separators, cell) if part.strip())


def _name_faults(*names: str) -> list[str]:
    return [f"name '{name[:60]}'" for name in names if not name or not name.isprintable() or len(name) > LONGEST_NAME]


def _no_table(found: str, expected: str, file: str, line: int | None = None) -> ProblemError:
    return ProblemError(Problem("O30", found, expected, f"write it as `{EXAMPLE}`", file, line))
