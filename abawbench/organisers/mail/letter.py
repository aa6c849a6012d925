"""Mails in .eml files: who wrote when, and what is attached; nothing is executed, and every size is bounded."""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import PurePosixPath

from abawbench.base.problems import Problem

MEBIBYTE = 1 << 20
# mail servers take a tenth of it
LARGEST_MAIL = 256 * MEBIBYTE
# bytes of the headers of a mail or of one of its parts
LARGEST_HEAD = 128 * 1024
MOST_PARTS = 500
DEEPEST = 10
# characters of a text of a header that are kept
LONGEST = 300
# without encoded words, which a program that writes a header would decode, line feeds included
ADDRESS = re.compile(r"(?!.*=\?)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
MESSAGE_ID = re.compile(r"(?!.*=\?)<[!-;=?-~]{1,250}>")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_FROM_LINE = re.compile(rb"From [^\n]*\n")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail.

    Attributes:
        name: name that the mail gives it, without folders; never empty.
        data: its bytes.
    """

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail.

    Attributes:
        sender: address of the sender in lower case; None where there is none, or several.
        subject: subject; may be empty.
        message_id: id of the mail in angle brackets; None where it has none that a reply could name.
        sent: time of the header Date, which the sender's machine wrote; None where it says none.
        received: time at which the last server took it, by the first header Received; None where there is none.
        attachments: the files, in the order of the mail.
        problems: what is wrong with the mail itself.
    """

    sender: str | None
    subject: str
    message_id: str | None
    sent: datetime | None
    received: datetime | None
    attachments: tuple[Attachment, ...]
    problems: tuple[Problem, ...]


@dataclass
class _Reading:
    """What has been read of a mail so far."""

    data: bytes
    file: str
    parts: int = 0
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    problems: list[Problem] = field(default_factory=list[Problem])

    def refuse(self, found: str, expected: str, fix: str = "send the mail again, with plain attachments") -> None:
        self.problems.append(Problem("O34", found, expected, fix, self.file))


def read_letter(data: bytes, file: str) -> Letter:
    """Read a mail; what cannot be read is a problem, never an error.

    Headers are read by the standard library one block at a time; the body is split here, since the library's parser
    keeps a whole object for every line that looks like the beginning of a part.

    Args:
        data: the bytes of the mail.
        file: name of the mail in messages.
    """
    reading = _Reading(data, file)
    begin = first.end() if (first := _FROM_LINE.match(data, 0, LARGEST_HEAD)) else 0
    head, body = _head(reading, begin, len(data))
    if head is None:
        return Letter(None, "", None, None, None, (), tuple(reading.problems))
    _read_part(reading, head, body, len(data), 0)
    senders = _addresses(head)
    if len(senders) != 1:
        found = f"{len(senders)} addresses" if senders else "no address that a reply would reach"
        reading.refuse(f"a header From with {found}", "the address of one sender", "ask the sender to write again")
    identity = str(head.get("Message-ID", "")).strip()
    return Letter(
        sender=senders[0] if len(senders) == 1 else None,
        subject=_text(head.get("Subject", ""))[:LONGEST],
        message_id=identity if MESSAGE_ID.fullmatch(identity) else None,
        sent=_time(str(head.get("Date", ""))),
        received=_time(str(head.get("Received", "")).rpartition(";")[2]),
        attachments=tuple(reading.attachments),
        problems=tuple(reading.problems),
    )


def _head(reading: _Reading, begin: int, end: int) -> tuple[Message | None, int]:
    """The headers that begin at a place, and the place of what follows them."""
    if reading.data[begin : begin + 1] in {b"\n", b"\r"}:
        # a part without headers
        return _parsed(b""), begin + 1
    most = min(end, begin + LARGEST_HEAD)
    blank = _BLANK_LINE.search(reading.data, begin, most)
    if blank is None and most < end:
        reading.refuse(f"headers of more than {LARGEST_HEAD:,} bytes", "headers of usual length")
        return None, end
    stop = end if blank is None else blank.start()
    return _parsed(reading.data[begin:stop]), end if blank is None else blank.end()


def _parsed(block: bytes) -> Message:
    # the grammar of the newer policies raises on headers that hostile senders write
    return BytesParser(policy=compat32).parsebytes(block + b"\n\n", headersonly=True)


def _read_part(reading: _Reading, head: Message, begin: int, end: int, depth: int) -> None:
    """Read the attachments of one part, whose body lies between two places."""
    reading.parts += 1
    if reading.parts > MOST_PARTS or depth > DEEPEST:
        if not any("parts" in problem.found for problem in reading.problems):
            found = f"more than {MOST_PARTS:,} parts, or parts in parts more than {DEEPEST} deep"
            reading.refuse(found, "a mail with a few attachments")
        return
    kind = head.get_content_maintype()
    if kind == "multipart":
        boundary = _boundary(head)
        if boundary is None:
            reading.refuse("parts without a boundary between them", "a whole mail")
            return
        for first, last in _between(reading.data, boundary, begin, end):
            inner, body = _head(reading, first, last)
            if inner is not None and reading.parts <= MOST_PARTS:
                _read_part(reading, inner, body, last, depth + 1)
    elif head.get_content_type() == "message/rfc822":
        # a forwarded mail: what it has attached counts as that of the sender, whoever it says it is from
        inner, body = _head(reading, begin, end)
        if inner is not None:
            _read_part(reading, inner, body, end, depth + 1)
    else:
        _read_leaf(reading, head, begin, end)


def _boundary(head: Message) -> bytes | None:
    try:
        found = head.get_boundary()
    except (ValueError, LookupError, TypeError, HeaderParseError):
        return None
    return b"--" + found.encode("utf-8", "surrogateescape") if found else None


def _between(data: bytes, mark: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Begin and end of the parts between lines with a mark; at most one more than are allowed."""
    first: int | None = None
    place = begin
    count = 0
    while (place := data.find(mark, place, end)) >= 0 and count <= MOST_PARTS:
        line_end = data.find(b"\n", place, min(end, place + len(mark) + 100))
        line_end = min(end, place + len(mark) + 100) if line_end < 0 else line_end + 1
        rest = data[place + len(mark) : line_end].strip()
        if (place != begin and data[place - 1 : place] not in {b"\n", b"\r"}) or (rest and rest != b"--"):
            place += len(mark)
            continue
        if first is not None:
            count += 1
            yield first, max(first, place - (2 if data[place - 2 : place] == b"\r\n" else 1))
        if rest == b"--":
            return
        first = place = line_end
    if first is not None and count <= MOST_PARTS:
        yield first, end


def _read_leaf(reading: _Reading, head: Message, begin: int, end: int) -> None:
    name = _file_name(head)
    is_text = head.get_content_maintype() in {"text", "multipart"}
    if name is None and (is_text or begin == end) and head.get_content_disposition() != "attachment":
        return
    name = name or f"attachment-{len(reading.attachments) + 1}"
    data = _decoded(head, reading.data[begin:end], is_text=is_text)
    if data is None:
        reading.refuse(f"'{name}' in an encoding that does not hold together", "a whole attachment")
    else:
        reading.attachments.append(Attachment(name, data))


def _decoded(head: Message, data: bytes, *, is_text: bool) -> bytes | None:
    """The bytes of an attachment; None where its encoding is unknown or broken."""
    how = str(head.get("Content-Transfer-Encoding", "7bit")).strip().lower()
    if how == "base64":
        try:
            return binascii.a2b_base64(data)
        except binascii.Error:
            return None
    if how not in {"7bit", "8bit", "binary", "quoted-printable", ""}:
        return None
    plain = quopri.decodestring(data) if how == "quoted-printable" else data
    # line ends of a text are those of the mail, not of the file
    return plain.replace(b"\r\n", b"\n") if is_text and how != "binary" else plain


def _file_name(head: Message) -> str | None:
    try:
        found = head.get_filename()
    except (ValueError, LookupError, TypeError, HeaderParseError):
        return None
    if found is None:
        return None
    name = PurePosixPath(_text(found).replace("\\", "/")).name[-LONGEST:].strip()
    return name or None


def _addresses(head: Message) -> list[str]:
    """The addresses of the header From in lower case, each once."""
    texts = [str(value)[: 4 * LONGEST] for value in head.get_all("From", [])[:2]]
    try:
        pairs = getaddresses(texts)
    except (ValueError, IndexError, TypeError):
        return []
    found = [address.strip().lower() for _, address in pairs]
    return list(dict.fromkeys(address for address in found if ADDRESS.fullmatch(address)))


def _text(value: object) -> str:
    """The text of a header, whose words may be encoded; line feeds and runs of blanks are one blank."""
    raw = str(value)[: 16 * LONGEST]
    with suppress(ValueError, LookupError, HeaderParseError, binascii.Error):
        raw = str(make_header(decode_header(raw)))
    return " ".join(raw.encode("utf-8", "replace").decode().split())


def _time(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text.strip()[:LONGEST])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
