"""Mails: what the headers say, what is attached, and what hostile ones cost."""

from __future__ import annotations

from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.organisers.mail.letter import MOST_PARTS, Letter, read_letter
from tests.damage import changed_bytes
from tests.organisers.mail.mails import mail


def rules(letter: Letter) -> list[str]:
    return [problem.rule for problem in letter.problems]


def test_headers_are_decoded() -> None:
    letter = read_letter(mail([("a.zip", b"PK")], "Ünal <ADA@Blue.org>", subject="Trial  Ärger"), "1.eml")
    assert letter.sender == "ada@blue.org"
    assert letter.subject == "Trial Ärger"
    assert letter.message_id == "<1@mail.org>"
    assert letter.sent == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert letter.received is None
    assert not letter.problems


def test_a_date_is_taken_to_utc() -> None:
    assert read_letter(mail([], date="Thu, 16 Jul 2026 23:30:00 -1200"), "").sent == datetime(
        2026, 7, 17, 11, 30, tzinfo=UTC
    )


def test_the_last_server_is_the_first_received() -> None:
    last = b"Received: from b by a; Wed, 01 Jul 2026 12:00:00 +0200\n"
    first = b"Received: from c by b; Tue, 30 Jun 2026 09:00:00 +0000\n"
    assert read_letter(last + first + mail([]), "").received == datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("date", ["", "tomorrow", "Wed, 99 Jul 2026 10:00:00", "Mon, 01 Jan 99999999 00:00:00 +0000"])
def test_a_date_that_is_none_is_none(date: str) -> None:
    assert read_letter(f"From: a@b.org\nDate: {date}\n\n".encode(), "").sent is None


@pytest.mark.parametrize("wire", [policy.SMTP, policy.default])
def test_attachments_come_as_they_were(wire: policy.EmailPolicy) -> None:
    inner = EmailMessage()
    inner["From"] = "somebody@else.org"
    inner.set_content("forwarded")
    inner.add_attachment(b"\x00\xff", maintype="application", subtype="zip", filename="inner.zip")
    message = EmailMessage()
    message["From"] = "ada@blue.org"
    message.set_content("text of the mail")
    message.add_attachment("a,b\n1,2\n", filename="täst.txt")
    message.add_attachment(bytes(range(256)) * 40, maintype="application", subtype="zip", filename="../../up\\my.zip")
    message.add_attachment(inner)
    letter = read_letter(message.as_bytes(policy=wire), "")
    assert letter.sender == "ada@blue.org"
    assert {one.name: one.data for one in letter.attachments} == {
        "täst.txt": b"a,b\n1,2\n",
        "my.zip": bytes(range(256)) * 40,
        "inner.zip": b"\x00\xff",
    }


def test_a_name_in_the_words_of_an_older_standard_is_decoded() -> None:
    head = b'From: a@b.org\nContent-Type: application/zip; name="=?utf-8?q?s=C3=BCb.zip?="\n\nPK'
    assert [one.name for one in read_letter(head, "").attachments] == ["süb.zip"]


def test_the_text_of_a_mail_is_no_attachment() -> None:
    assert read_letter(b"From: a@b.org\n\n1,2,3\n", "").attachments == ()


@pytest.mark.parametrize("sender", ["", "nobody", "a@b.org, c@d.org", "a b@c", "<x@y\u202e.org>"])
def test_a_sender_that_is_not_one_address_is_told(sender: str) -> None:
    letter = read_letter(f"From: {sender}\n\n".encode(), "x.eml")
    assert letter.sender is None
    assert rules(letter) == ["O34"]


def test_two_headers_from_are_told() -> None:
    assert rules(read_letter(b"From: a@b.org\nFrom: c@d.org\n\n", "")) == ["O34"]


def test_an_id_that_could_carry_a_header_is_left_out() -> None:
    assert read_letter(b"From: a@b.org\nMessage-ID: <a b>\n\n", "").message_id is None
    assert read_letter(b"From: a@b.org\nMessage-ID: <a\n b>\n\n", "").message_id is None


def test_a_broken_encoding_is_told_and_the_other_attachments_are_read() -> None:
    data = mail([("a.zip", b"PK" * 50), ("b.zip", b"sound")]).replace(b"UEtQS1BL", b"UEtQS1B", 1)
    letter = read_letter(data, "1.eml")
    assert rules(letter) == ["O34"]
    assert [one.name for one in letter.attachments] == ["b.zip"]


def test_a_mail_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = mail([("a.txt", b"1\n" * 5000)])
    for end in range(0, len(whole), 211):
        read_letter(whole[:end], "")


def test_a_damaged_mail_is_told_or_read() -> None:
    whole = mail([("a.zip", b"PK\x03\x04" * 20), ("b.txt", b"1,2\n")])
    for data in changed_bytes(whole, number=1500):
        assert set(rules(read_letter(data, ""))) <= {"O34"}


@given(st.binary(max_size=300))
def test_any_bytes_are_told_or_read(data: bytes) -> None:
    assert read_letter(b"From: " + data, "").problems is not None


BOUNDARY = b"From: a@b.org\nContent-Type: multipart/mixed; boundary=b\n\n"


@pytest.mark.parametrize(
    "data",
    [
        b"From: a@b.org\nX: " + b"x" * 30_000_000 + b"\n\n",
        b"From: " + b"a@b.org, " * 2_000_000 + b"\n\n",
        BOUNDARY + b"--b\n\n" * 1_000_000,
        BOUNDARY + b"--b\nX: " + b"y: z\n" * 2_000_000 + b"\n",
        b"From: a@b.org\n" + b"Content-Type: message/rfc822\n\n" * 100_000,
        b"From: a@b.org\n"
        + b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(20_000)),
    ],
    ids=["long header", "many addresses", "many parts", "many headers", "nested mails", "nested parts"],
)
def test_hostile_mails_are_told_within_bounds(data: bytes) -> None:
    # without bounds each of these takes minutes or gigabytes
    letter = read_letter(data, "x.eml")
    assert "O34" in rules(letter)
    assert len(letter.attachments) <= MOST_PARTS
