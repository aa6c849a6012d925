"""Replies as mails: no word of a sender becomes a header, an address or a line of its own."""

from __future__ import annotations

import base64
import quopri
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as some

from abawbench.base.problems import inert
from abawbench.organisers.mail.letter import ADDRESS, read_letter
from abawbench.organisers.mail.replies import Reply
from tests.organisers.mail.mails import Place, mail

HEADERS = {
    "From",
    "To",
    "Subject",
    "In-Reply-To",
    "References",
    "X-Unsent",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
}
INJECTED = "x\r\nBcc: eve@evil.org\r\n\r\nHello"
# a header as an encoded word: decoded once more than it was read, it is lines of their own
WORDS = [
    f"=?utf-8?b?{base64.b64encode(INJECTED.encode()).decode()}?=",
    f"=?utf-8?q?{quopri.encodestring(INJECTED.encode(), header=True).decode()}?=".replace("\r", "=0D").replace(
        "\n", "=0A"
    ),
    "=?utf-8?q?x=0ABcc:_eve=40evil.org?= =?utf-8?q?y?=",
    "=?unknown-8bit?q?=80=0ABcc:_a@b.c?=",
]


def headers_of(reply: Reply) -> dict[str, str]:
    message = message_from_bytes(reply.as_mail("chair@abaw.org"), policy=policy.compat32)
    assert set(message.keys()) <= HEADERS
    assert message.get_payload(decode=True) == b"text\r\n"
    read = message_from_bytes(reply.as_mail("chair@abaw.org"), policy=policy.default)
    return {name: str(value) for name, value in read.items()}


@pytest.mark.parametrize("word", WORDS)
def test_a_subject_that_was_encoded_twice_is_one_subject(word: str) -> None:
    found = headers_of(Reply(1, ("ada@blue.org",), f"Re: {word}", None, "text\n", {}))
    assert "\n" not in found["Subject"]
    assert found["To"] == "ada@blue.org"


@given(some.lists(some.sampled_from([*WORDS, "=?", "?=", "=?utf-8?q?", "=0A", " ", "a", "é", "\n", "\r"]), max_size=9))
def test_any_subject_is_one_header(parts: list[str]) -> None:
    found = headers_of(Reply(1, ("ada@blue.org",), f"Re: {inert(''.join(parts))}", "<1@mail.org>", "text\n", {}))
    assert "\n" not in found["Subject"]


@pytest.mark.parametrize(
    "address", ["=?utf-8?q?eve=40evil.org=2C?=@blue.org", "=?utf-8?q?a=0A?=@x.org", "=?utf-8?b?DQo=?=@x.org"]
)
def test_an_encoded_word_is_no_address(address: str) -> None:
    assert ADDRESS.fullmatch(address) is None
    assert read_letter(mail([]).replace(b"Ada <ada@blue.org>", address.encode()), "a.eml").sender is None


@pytest.mark.parametrize("word", WORDS)
def test_an_encoded_word_is_no_id_of_a_mail(word: str) -> None:
    raw = mail([]).replace(b"<1@mail.org>", f"<{word.replace(' ', '')}@mail.org>".encode())
    assert read_letter(raw, "a.eml").message_id is None


def test_a_mail_whose_words_are_encoded_twice_is_answered_as_any_other(place: Place) -> None:
    for number, word in enumerate(WORDS):
        twice = f"=?utf-8?b?{base64.b64encode(word.encode()).decode()}?="
        raw = mail([("t.txt", place.trial(number))], f"ada{number}@blue.org", number=number, subject="Sent")
        place.put(f"{number}.eml", raw.replace(b"Subject: Sent", b"Subject: " + twice.encode()))
    place.put("5.eml", mail([("t.txt", place.trial())]).replace(b"ada@blue.org", b"=?utf-8?q?a=0A?=@x.org"))
    place.run()
    replies = sorted(place.room.glob("replies/*/*.eml"))
    assert len(replies) == len(WORDS)
    for reply in replies:
        message = message_from_bytes(reply.read_bytes(), policy=policy.compat32)
        assert set(message.keys()) <= HEADERS
