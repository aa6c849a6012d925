"""The files of a mail room: what it is of, what was opened, what was answered; each is whole or not there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from abawbench.base.files import make_folder, read_input, write_file
from abawbench.base.hashes import sha256_of
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.base.typed import typed
from abawbench.challenges import Challenge
from abawbench.organisers.mail.account import File, Opened, slug
from abawbench.organisers.mail.inbox import Delivery
from abawbench.organisers.mail.letter import LARGEST_MAIL, read_letter
from abawbench.organisers.mail.replies import Reply
from abawbench.organisers.mail.trials import Source, Trial, open_sources, trial_path

SCHEMA = 1
ROOM, JOURNAL, ANSWERS = "room.json", "journal.json", "answers.json"
# what is made of the truth, which another truth makes again
JUDGED = ("verdicts", "mails", "trials")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a mail room is of: hashes of the challenge's definition, of the truth and of the list."""

    schema: int
    challenge: str
    fingerprint: str
    truth: str
    template: str | None


@dataclass(frozen=True, slots=True)
class Answers:
    """The replies to each team, by its name, in their order."""

    teams: dict[str, tuple[Reply, ...]]


def subject_of(challenge: Challenge, truth: Path, template: Path | None) -> Subject:
    """What a mail room with these inputs is of. Raises: ProblemError F01."""
    listed = None if template is None else sha256_of(template)
    return Subject(SCHEMA, challenge.id, challenge.fingerprint, sha256_of(truth), listed)


def require_room(out: Path) -> None:
    """Refuse a folder that is none of a mail room. Raises: ProblemError C02."""
    if out.is_dir() and not (out / ROOM).is_file() and any(not path.name.startswith(".") for path in out.iterdir()):
        fix = "name a new folder, or that of an earlier run"
        raise ProblemError(Problem("C02", "a folder with other files", "a mail room or a new folder", fix, str(out)))
    if out.exists() and not out.is_dir():
        raise ProblemError(Problem("C02", "a file", "a folder", "name a folder", str(out)))


def enter(out: Path, subject: Subject, *, is_anew: bool) -> None:
    """Take over the files of an earlier run, or begin a mail room.

    Args:
        out: folder of the room, which this run holds.
        subject: what it is of.
        is_anew: True to drop what was judged by another truth, list or definition; replies stay.

    Raises:
        ProblemError: O39, the room is of something else; O40, its file cannot be read.
    """
    path = out / ROOM
    if path.is_file():
        before = _read(path, Subject)
        if before != subject and not is_anew:
            old, new = asdict(before), asdict(subject)
            changed = ", ".join(
                {"truth": "truth", "template": "list", "schema": "version"}.get(name, name)
                for name in old
                if old[name] != new[name]
            )
            fix = "give what the room is of, name another folder, or judge every trial again with --anew"
            raise ProblemError(Problem("O39", f"another {changed}", "that of the earlier runs", fix, str(out)))
    if is_anew:
        for name in JUDGED:
            shutil.rmtree(out / name, ignore_errors=True)
    _write(path, asdict(subject))


def opened(challenge: Challenge, delivery: Delivery, out: Path) -> Opened:
    """What is in a delivery, read from an earlier run where that opened the same bytes.

    Raises:
        ProblemError: F01 it cannot be read, O40 the earlier run's file cannot be read.
    """
    names = [path.name for path in delivery.files]
    if delivery.kind == "mail":
        key = delivery.sha256
    else:
        key = hashlib.sha256("\0".join([delivery.sha256, *names]).encode()).hexdigest()
    path = out / "mails" / f"{key}.json"
    if path.is_file():
        before: Opened = _read(path, Opened)
        if all(trial_path(out, trial.sha256).exists() for trial in before.trials):
            return before
    found = _open(challenge, delivery, key, out)
    _write(path, _plain(found))
    return found


def _open(challenge: Challenge, delivery: Delivery, key: str, out: Path) -> Opened:
    try:
        if delivery.kind == "mail":
            letter = read_letter(read_input(delivery.files[0], LARGEST_MAIL), delivery.place)
            sources = [Source(one.name, one.data) for one in letter.attachments]
        else:
            letter = None
            sources = [Source(path.name, path) for path in delivery.files]
            if len(delivery.files) > 1:
                base = delivery.files[0].parent
                while any(base not in path.parents for path in delivery.files):
                    base = base.parent
                sources = [Source(path.relative_to(base).as_posix(), path) for path in delivery.files]
        files = tuple(File(source.name, len(source.data), _hash(source)) for source in sources)
        problems: tuple[Problem, ...] = () if letter is None else letter.problems
        trials: tuple[Trial, ...] = ()
        more: tuple[Problem, ...] = ()
        # of a mail that cannot be read, nobody can say that nothing is attached
        if sources or not problems:
            trials, more = open_sources(challenge, sources, out)
    except OSError as error:
        raise unreadable(delivery.place, error) from error
    if letter is None:
        return Opened(key, None, "", None, None, None, files, trials, more)
    return Opened(
        key,
        letter.sender,
        letter.subject,
        letter.message_id,
        letter.sent,
        letter.received,
        files,
        trials,
        (*problems, *more),
    )


def _hash(source: Source) -> str:
    if isinstance(source.content, Path):
        return sha256_of(source.content)
    return hashlib.sha256(source.content).hexdigest()


def read_answers(out: Path) -> Answers:
    """The replies of earlier runs. Raises: ProblemError O40."""
    path = out / ANSWERS
    return _read(path, Answers) if path.is_file() else Answers({})


def write_answers(out: Path, answers: Answers, contact: str | None) -> list[Path]:
    """Write down the replies, then the files of those that have none; files that are there stay as they are.

    Args:
        out: folder of the room.
        answers: every reply so far.
        contact: address of the organisers.

    Returns:
        The files that were written.
    """
    _write(out / ANSWERS, _plain(answers))
    written: list[Path] = []
    for team, replies in answers.teams.items():
        folder = out / "replies" / slug(team)
        for reply in replies:
            files = {".txt": reply.as_text().encode(), ".eml": reply.as_mail(contact)}
            for ending, data in files.items():
                path = folder / f"reply-{reply.number}{ending}"
                if not path.exists():
                    make_folder(folder)
                    write_file(path, data)
                    written.append(path)
    return written


def write_changed(files: Mapping[Path, bytes]) -> list[Path]:
    """Write the files whose bytes differ from those on disk, and return their paths."""
    changed = [path for path, data in files.items() if not path.is_file() or path.read_bytes() != data]
    for path in changed:
        make_folder(path.parent)
        write_file(path, files[path])
    return changed


def as_json(value: Any) -> bytes:
    """A value as JSON text, the same bytes for the same value."""
    return (json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()


def _plain(value: Any) -> Any:
    """A dataclass as plain data."""
    return json.loads(json.dumps(asdict(value), default=_moment))


def _moment(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def _write(path: Path, value: Any) -> None:
    make_folder(path.parent)
    write_file(path, as_json(value))


def _read(path: Path, kind: type[Any]) -> Any:
    try:
        return typed(kind)(parse_fields(read_input(path)))
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        found = str(error).splitlines()[0]
        fix = "remove the file, or begin again in another folder"
        raise ProblemError(Problem("O40", found, "a file that the mail room wrote", fix, str(path))) from error
