"""Small inboxes: mails, zips and predictions of one challenge."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from abawbench import formats
from abawbench.challenges import Challenge, get
from abawbench.organisers.mail.roster import read_roster
from abawbench.organisers.mail.run import Inputs, Outputs, run_mailroom
from abawbench.organisers.mail.terms import Terms, terms_of
from abawbench.organisers.samples import sample, write

AH = get("abaw11-ah")
VA = get("abaw3-va")
DATE = "Wed, 01 Jul 2026 10:00:00 +0000"


def mail(
    attachments: Sequence[tuple[str, bytes]],
    sender: str = "Ada <ada@blue.org>",
    date: str | None = DATE,
    subject: str = "Submission",
    number: int | None = 1,
) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "organisers@abaw.org"
    message["Subject"] = subject
    if date is not None:
        message["Date"] = date
    if number is not None:
        message["Message-ID"] = f"<{number}@mail.org>"
    message.set_content("Please find our trial attached.")
    for name, data in attachments:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def zipped(files: Mapping[str, bytes], folder: str = "") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(f"{folder}{name}"), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def worse(files: Mapping[str, bytes], pairs: int) -> dict[str, bytes]:
    """A prediction in which some neighbours have changed their answers; the rows are the same."""
    changed: dict[str, bytes] = {}
    for name, data in files.items():
        lines = data.decode().split("\n")
        rows = [place for place, line in enumerate(lines) if (line.count(",") and line[0].isdigit()) or "/" in line]
        for one, two in list(zip(rows[::2], rows[1::2], strict=False))[:pairs]:
            (a, *left), (b, *right) = lines[one].split(","), lines[two].split(",")
            lines[one], lines[two] = ",".join([a, *right]), ",".join([b, *left])
        changed[name] = "\n".join(lines).encode()
    return changed


@dataclass
class Place:
    """A folder with an inbox, a truth, a list, and predictions that get worse."""

    folder: Path
    challenge: Challenge
    truth: Path
    template: Path
    best: Mapping[str, bytes]

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def room(self) -> Path:
        return self.folder / "room"

    def trial(self, pairs: int = 0) -> bytes:
        """The bytes of a prediction of one file."""
        (data,) = worse(self.best, pairs).values()
        return data

    def put(self, name: str, data: bytes) -> Path:
        return put(self.inbox / name, data)

    def roster(self, text: str) -> Path:
        return put(self.folder / "roster.csv", text.encode())

    def run(self, *, terms: Terms | None = None, room: Path | None = None, **settings: Any) -> Outputs:
        path = self.folder / "roster.csv"
        inputs = Inputs(
            self.inbox,
            self.challenge,
            self.truth,
            self.template,
            read_roster(path) if path.is_file() else None,
            terms or terms_of(self.challenge),
        )
        truth = formats.read_truth(self.challenge, self.truth)
        settings = {"workers": 1, "told": lambda *_: None} | settings
        return run_mailroom(inputs, truth, room or self.room, **settings)


def place_of(folder: Path, challenge: Challenge = AH) -> Place:
    files = sample(challenge, units=6, rows=8)
    truth, template = write(files.truth, folder / "truth"), write(files.template, folder / "list")
    (folder / "inbox").mkdir()
    return Place(folder, challenge, truth, template, files.prediction)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path, without those that hold a lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
