"""The inbox: which mails, zips and files lie in a folder, whatever their order, their nesting and their names."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from abawbench.base.files import special_kind
from abawbench.base.folders import is_litter, is_text
from abawbench.base.hashes import sha256_of_file
from abawbench.base.problems import Problem, inert, unreadable
from abawbench.challenges import Challenge
from abawbench.formats.archive import is_archive
from abawbench.formats.column_folders import column_folders
from abawbench.formats.layout import layouts, prediction_layouts
from abawbench.organisers.mail.letter import LARGEST_MAIL
from abawbench.organisers.mail.trials import are_parts

# mails without an ending, as in a folder of Maildir
_MAIL_START = re.compile(
    rb"(From |(return-path|received|delivered-to|date|from|to|subject|mime-version|message-id|x-[a-z-]+|arc-[a-z-]+"
    rb"|dkim-signature|authentication-results):)",
    re.IGNORECASE,
)
_MAILBOXES = {".mbox": "a mailbox", ".mbx": "a mailbox", ".pst": "a mailbox of Outlook", ".msg": "a mail of Outlook"}

Kind = Literal["mail", "zip", "files"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that came in by itself: a mail, a zip, a file, or a folder of files that are one prediction.

    Attributes:
        place: path below the inbox, with forward slashes.
        kind: a mail with its headers, or a zip or files without.
        folder: the uppermost folder of the inbox in which it lies; None where it lies in the inbox itself.
        files: the files that it consists of.
        sha256: SHA-256 of the file, or over names and hashes of several.
    """

    place: str
    kind: Kind
    folder: str | None
    files: tuple[Path, ...]
    sha256: str


def deliveries(challenge: Challenge, inbox: Path) -> tuple[list[Delivery], tuple[Problem, ...]]:
    """Everything that lies in an inbox, sorted by path.

    Links are not followed.

    Args:
        challenge: the challenge; its format says whether a folder of files is one prediction.
        inbox: the folder.

    Returns:
        The deliveries, and a problem of each file that is none: links, pipes, names that are no UTF-8, mailboxes, mails
        that are too large.

    Raises:
        ProblemError: F01, a folder or file cannot be read.
    """
    problems: list[Problem] = []
    found = sorted(_found(challenge, inbox, problems), key=lambda one: one.place)
    return found, tuple(problems)


def _found(challenge: Challenge, inbox: Path, problems: list[Problem]) -> Iterator[Delivery]:
    layout = prediction_layouts(challenge)[0]
    columns: set[Path] = set()
    try:
        for name, folders, names in os.walk(inbox, onerror=_raise):
            folders.sort()
            folder = Path(name)
            problems += [_link(folder / one, inbox) for one in folders if (folder / one).is_symlink()]
            loose: list[Path] = []
            for path in sorted(folder / one for one in names):
                kind = _kind_of(path, inbox, problems)
                if kind is None:
                    continue
                if kind == "files":
                    loose.append(path)
                else:
                    yield Delivery(_place(path, inbox), kind, _uppermost(path, inbox), (path,), sha256_of_file(path))
            if folder in columns:
                continue
            if folder != inbox and layout.per_unit:
                own = [
                    one for candidate in layouts(challenge, "prediction") for one in [column_folders(folder, candidate)]
                ]
                inner = next((one for one in own if one), None)
                if inner:
                    columns |= set(inner.values())
                    loose += sorted(path for one in inner.values() for path in one.iterdir() if path.is_file())
            yield from _loose(challenge, folder, loose, inbox)
    except OSError as error:
        raise unreadable(inbox, error) from error


def _raise(error: OSError) -> None:
    raise error


def _kind_of(path: Path, inbox: Path, problems: list[Problem]) -> Kind | None:
    """The kind of a file; None for what is no delivery, which is a problem unless it is litter."""
    place = path.relative_to(inbox).as_posix()
    if not is_text(place):
        fix = "rename it, as with convmv"
        problems.append(Problem("F19", f"'{inert(place)}'", "names in UTF-8", fix, inert(place)))
        return None
    if is_litter(place):
        return None
    if path.is_symlink() or special_kind(path) is not None or not path.is_file():
        problems.append(_link(path, inbox))
        return None
    ending = path.suffix.lower()
    if ending in _MAILBOXES:
        fix = "export its mails as .eml files"
        problems.append(Problem("O34", _MAILBOXES[ending], "one .eml file for each mail", fix, place))
        return None
    if ending in {".eml", ".mime"} or (ending not in {".txt", ".csv", ".zip"} and _is_mail(path)):
        if path.stat().st_size > LARGEST_MAIL:
            found, expected = f"{path.stat().st_size:,} bytes", f"at most {LARGEST_MAIL:,}"
            problems.append(Problem("O34", found, expected, "ask the sender for a smaller one", place))
            return None
        return "mail"
    return "zip" if is_archive(path) else "files"


def _link(path: Path, inbox: Path) -> Problem:
    """F01 for a link, a pipe or a device, which may lead anywhere."""
    found = "a link" if path.is_symlink() else special_kind(path) or "no file"
    return Problem("F01", found, "a plain file or folder", "copy what it leads to into the inbox", _place(path, inbox))


def _is_mail(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(4096)
    return _MAIL_START.match(start) is not None and b"\nfrom:" in b"\n" + start.lower()


def _loose(challenge: Challenge, folder: Path, files: Sequence[Path], inbox: Path) -> Iterator[Delivery]:
    """The deliveries of a folder's files that came without a mail."""
    if not files:
        return
    is_one = prediction_layouts(challenge)[0].per_unit or are_parts(challenge, files)
    if is_one:
        lines = (f"{sha256_of_file(path)} {path.relative_to(folder).as_posix()}\n" for path in files)
        digest = hashlib.sha256("".join(lines).encode()).hexdigest()
        yield Delivery(_place(folder, inbox), "files", _uppermost(files[0], inbox), tuple(files), digest)
        return
    for path in files:
        yield Delivery(_place(path, inbox), "files", _uppermost(path, inbox), (path,), sha256_of_file(path))


def _uppermost(path: Path, inbox: Path) -> str | None:
    parts = path.relative_to(inbox).parts
    return parts[0] if len(parts) > 1 else None


def _place(path: Path, inbox: Path) -> str:
    return path.relative_to(inbox).as_posix()
