"""Whose a mail is: by the roster, else by its folder, else by its sender; never by a guess."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from abawbench.base.problems import Problem
from abawbench.organisers.mail.account import Mail
from abawbench.organisers.mail.inbox import Delivery
from abawbench.organisers.mail.roster import Roster, Team, name_key

# folders of mail programs, which are no teams
MAILBOXES = frozenset({"cur", "new", "tmp", "inbox", "mail", "mails", "maildir", "attachments", "posteingang"})


def whose(mail: Mail, delivery: Delivery, roster: Roster | None) -> Team | Problem:
    """The team that a mail is of, or O33 with the reason why nobody can say.

    Args:
        mail: the mail.
        delivery: where it lies.
        roster: the roster; without one a folder, an address or the name of a zip stands for a team.
    """
    folder, sender = delivery.folder, mail.opened.sender
    if folder is not None and folder.lower() in MAILBOXES:
        folder = None
    stem = None if mail.is_mail or folder is not None or not _is_named(delivery) else PurePosixPath(mail.place).stem
    if roster is None:
        name = folder or sender or stem
        if name is not None and name.isprintable() and name_key(name):
            return Team(" ".join(name.split()), (), ())
        return _unknown(mail, "no sender and no folder", "put it into a folder with the name of its team")
    by_sender = roster.of_address(sender)
    by_name = next((team for name in (folder, stem) if name is not None and (team := roster.of_name(name))), None)
    if by_sender is not None and by_name is not None and by_sender != by_name:
        found = f"a mail of {by_sender.name} ({sender}) in a folder of {by_name.name}"
        return _unknown(mail, found, "put it into the folder of its team, or correct the roster")
    team = by_sender or by_name
    if team is not None:
        return team
    said = " and ".join(
        part for part in (sender and f"the address {sender}", folder and f"the folder '{folder}'") if part
    )
    found = f"{said or 'no address'}, which no team of the roster has"
    return _unknown(mail, found, "add it to the roster, or put the mail into a folder with the name of its team")


def mixed_folders(mails: Sequence[tuple[Team, Mail]]) -> tuple[Problem, ...]:
    """N83 for each team without a roster whose folder holds mails of several senders."""
    senders: dict[str, dict[str, None]] = {}
    for team, mail in mails:
        if mail.opened.sender is not None:
            senders.setdefault(team.name, {})[mail.opened.sender] = None
    fix = "check that all are of the team, or give a roster"
    return tuple(
        Problem("N83", f"mails from {', '.join(sorted(found)[:5])} as those of {name}", "one sender", fix, name)
        for name, found in senders.items()
        if len(found) > 1
    )


def _is_named(delivery: Delivery) -> bool:
    return delivery.place != "." and (delivery.kind == "zip" or len(delivery.files) == 1)


def _unknown(mail: Mail, found: str, fix: str) -> Problem:
    return Problem("O33", found, "a team that is known", fix, mail.place)
