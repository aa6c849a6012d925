"""The mail room as a whole: the same inbox gives the same bytes, only what is new is done, and nothing leaks."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from abawbench.base.problems import ProblemError
from abawbench.organisers.mail import verdicts
from abawbench.organisers.mail.run import Outputs
from abawbench.organisers.mail.terms import Terms, terms_of
from abawbench.scoring import score
from tests.organisers.mail.mails import AH, Place, files_of, mail, place_of, put, zipped

ROSTER = "team,address,aliases\nBlue,ada@blue.org,\nRed,eve@red.org;bob@red.org,reds\nGreen,gus@green.org,\n"


def day(number: int, hour: int = 10) -> str:
    return f"{number:02d} Jul 2026 {hour:02d}:00:00 +0000"


def fill(place: Place) -> None:
    """Three teams: one with a correction, one with several mails and addresses, one with files alone."""
    place.roster(ROSTER)
    broken = place.trial().replace(b",", b";")
    place.put("1.eml", mail([("sub.zip", zipped({"trial-0.txt": broken}))], date=day(1), number=1))
    place.put("2.eml", mail([("sub.zip", zipped({"trial-0.txt": place.trial(5)}, "my/"))], date=day(2), number=2))
    two = [("t0.txt", place.trial(3)), ("t1.txt", place.trial(9)), ("logo.png", b"\x89PNG")]
    place.put("a/3.eml", mail(two, "eve@red.org", day(3), number=3))
    place.put("a/4.eml", mail([("t2.txt", place.trial(3))], "Bob <BOB@red.org>", day(4), number=4))
    place.put("a/5.eml", mail([("t0.txt", place.trial(1))], "mallory@evil.org", day(5), number=5))
    place.put("green/submission.zip", zipped({"trial-0.txt": place.trial(0), ".DS_Store": b"\0"}))


def scores(outputs: Outputs) -> list[tuple[int, str, int, int]]:
    return [(one.rank, one.team, one.scored, one.sent) for one in outputs.board.standings]


def flipped(line: str) -> str:
    """A line of the truth with the other label."""
    name, label, text = line.split(",", 2)
    return f"{name},{1 - int(label)},{text}"


def states(outputs: Outputs) -> list[tuple[str, str, str]]:
    return [(one.team, one.trial, one.state) for one in outputs.board.trials]


def shown(terms: Terms) -> Terms:
    return replace(terms, shows_scores=True, is_private=False)


def test_the_board_has_the_best_trial_of_each_team(place: Place) -> None:
    fill(place)
    outputs = place.run()
    assert scores(outputs) == [(1, "Green", 1, 1), (2, "Red", 2, 3), (3, "Blue", 1, 2)]
    assert states(outputs) == [
        ("Blue", "sub.zip:trial-0.txt", "refused"),
        ("Blue", "sub.zip:my/trial-0.txt", "scored"),
        ("Red", "t0.txt", "scored"),
        ("Red", "t1.txt", "scored"),
        ("Red", "t2.txt", "sent before"),
        ("Green", "submission.zip:trial-0.txt", "scored"),
    ]
    assert [problem.rule for problem in outputs.problems] == ["O33"]
    assert [mail.place for mail, _ in outputs.unknown] == ["a/5.eml"]


def test_a_score_is_that_of_the_scorer_to_the_last_bit(place: Place) -> None:
    fill(place)
    from abawbench import formats

    outputs = place.run()
    truth = formats.read_truth(AH, place.truth)
    path = put(place.folder / "alone.txt", place.trial(3))
    alone = score(AH, truth, formats.read_predictions(AH, path))
    red = outputs.board.standings[1]
    assert red.value == alone.score
    assert list(red.interval or ()) == alone.intervals["score"]["jackknife"]


def test_equal_trials_share_a_rank(place: Place) -> None:
    place.put("x/a.txt", place.trial(2))
    place.put("y/b.txt", place.trial(2))
    place.put("z/c.txt", place.trial(4))
    outputs = place.run()
    assert scores(outputs) == [(1, "x", 1, 1), (1, "y", 1, 1), (3, "z", 1, 1)]
    # and the organisers learn of it
    (note,) = outputs.problems
    assert note.rule == "N20"
    assert "x (a.txt), y (b.txt)" in note.found


def test_the_last_trial_counts_where_the_event_says_so(place: Place) -> None:
    fill(place)
    outputs = place.run(terms=replace(terms_of(AH), counts="last"))
    red = next(one for one in outputs.board.standings if one.team == "Red")
    assert red.trial == "t1.txt"


def test_the_order_of_arrival_changes_no_byte(place: Place) -> None:
    fill(place)
    place.run()
    expected = files_of(place.room)
    names = [path for path in sorted(place.inbox.rglob("*")) if path.is_file()]
    for seed in range(3):
        order = list(names)
        random.Random(seed).shuffle(order)
        other = replace(place, folder=place.folder / f"other{seed}")
        for path in order:
            other.put(path.relative_to(place.inbox).as_posix(), path.read_bytes())
        other.roster(ROSTER)
        other.run()
        assert files_of(other.room) == expected


def test_mails_that_come_one_by_one_give_the_same_board(place: Place) -> None:
    fill(place)
    place.run()
    expected = files_of(place.room)
    names = [path for path in sorted(place.inbox.rglob("*")) if path.is_file()]
    other = replace(place, folder=place.folder / "slowly")
    other.roster(ROSTER)
    for path in reversed(names):
        other.put(path.relative_to(place.inbox).as_posix(), path.read_bytes())
        other.run()
    boards = ("board", "trials", "unknown", "leaderboard", "verdicts")
    found = files_of(other.room)
    assert {name: found[name] for name in found if name.startswith(boards)} == {
        name: expected[name] for name in expected if name.startswith(boards)
    }


def test_only_what_is_new_is_judged(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(place)
    place.run()
    judged: list[str] = []
    whole = verdicts.score_many

    def counted(challenge: Any, truth: Any, sources: Mapping[str, Path], **settings: Any) -> Any:
        judged.extend(sources)
        return whole(challenge, truth, sources, **settings)

    monkeypatch.setattr(verdicts, "score_many", counted)
    before = files_of(place.room)
    assert not place.run().replies
    assert (judged, files_of(place.room)) == ([], before)
    place.put("6.eml", mail([("new.txt", place.trial(7))], date=day(6), number=6))
    outputs = place.run()
    assert len(judged) == 1
    assert list(outputs.replies) == ["Blue"]
    assert outputs.replies["Blue"].number == 2
    assert (
        files_of(place.room).items()
        >= {name: data for name, data in before.items() if name.startswith("replies/")}.items()
    )


def test_a_reply_that_somebody_edited_is_left_alone(place: Place) -> None:
    fill(place)
    place.run()
    (reply,) = place.room.glob("replies/blue*/reply-1.txt")
    reply.write_text("what I wrote myself")
    place.run()
    assert reply.read_text() == "what I wrote myself"


class Killed(BaseException):
    pass


@pytest.mark.parametrize("moment", range(0, 60, 4))
def test_a_run_that_is_killed_ends_with_the_same_bytes(
    place: Place, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    fill(place)
    place.run()
    expected = files_of(place.room)
    shutil.rmtree(place.room)
    from abawbench.base import files

    left = moment
    real = files.write_files

    def dying(written: Any) -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        real(written)

    with monkeypatch.context() as patched:
        patched.setattr("abawbench.base.files.write_files", dying)
        patched.setattr("abawbench.organisers.mail.verdicts.write_files", dying)
        with suppress(Killed):
            place.run()
    place.run()
    assert files_of(place.room) == expected


def test_another_truth_is_refused_until_all_is_judged_anew(place: Place) -> None:
    fill(place)
    before = place.run()
    lines = place.truth.read_text().splitlines(keepends=True)
    place.truth.write_text("".join([*map(flipped, lines[:9]), *lines[9:]]))
    with pytest.raises(ProblemError, match="O39") as caught:
        place.run()
    assert "--anew" in caught.value.problems[0].fix
    outputs = place.run(is_anew=True)
    assert [one.value for one in outputs.board.standings] != [one.value for one in before.board.standings]
    # replies without scores tell nothing that has changed
    assert not outputs.replies


def test_scores_that_changed_are_told_in_a_further_reply(place: Place) -> None:
    fill(place)
    terms = shown(terms_of(AH))
    place.run(terms=terms)
    lines = place.truth.read_text().splitlines(keepends=True)
    place.truth.write_text("".join([*map(flipped, lines[:9]), *lines[9:]]))
    outputs = place.run(terms=terms, is_anew=True)
    assert {reply.number for reply in outputs.replies.values()} == {2}
    assert "answered anew" in outputs.replies["Green"].text


def test_a_file_that_is_none_of_a_mail_room_is_kept(place: Place) -> None:
    fill(place)
    put(place.room / "thesis.tex", b"years of work")
    with pytest.raises(ProblemError, match="C02"):
        place.run()
    assert list(files_of(place.room)) == ["thesis.tex"]


@pytest.mark.parametrize("where", ["inbox", "inbox/room", "."])
def test_inbox_and_room_do_not_lie_in_one_another(place: Place, where: str) -> None:
    fill(place)
    with pytest.raises(ProblemError, match="F12"):
        place.run(room=place.folder / where)


def test_a_list_of_something_else_refuses_the_run_and_no_trial(place: Place) -> None:
    fill(place)
    with pytest.raises(ProblemError, match="F01"):
        replace(place, template=place.folder / "no list").run()
    assert not place.room.exists()


def test_a_damaged_journal_is_told(place: Place) -> None:
    fill(place)
    place.run()
    for name in ("answers.json", "room.json"):
        whole = (place.room / name).read_bytes()
        (place.room / name).write_bytes(whole[:-20])
        with pytest.raises(ProblemError, match="O40"):
            place.run()
        (place.room / name).write_bytes(whole)


def test_replies_say_what_came_what_is_wrong_and_what_is_left(place: Place) -> None:
    fill(place)
    text = place.run().replies["Blue"].text
    assert "Dear Blue," in text
    assert "sub.zip: " in text
    assert "sub.zip:trial-0.txt: REFUSED" in text
    assert "F13" in text
    assert "sub.zip:trial-0.txt:1: found semicolons" in text
    assert "fix: " in text
    assert "sub.zip:my/trial-0.txt: ACCEPTED" in text
    assert "Trials that count: 1 of 5; 4 left." in text
    assert "abawbench check abaw11-ah FILE --template LIST" in text
    assert str(place.folder) not in text
    assert not re.search(r"0\.\d", text)


def test_scores_are_told_where_the_event_shows_them(place: Place) -> None:
    fill(place)
    outputs = place.run(terms=shown(terms_of(AH)))
    green = outputs.board.standings[0]
    assert f"SCORED, score {green.value:.4f}" in outputs.replies["Green"].text


def test_a_reply_is_ready_to_be_sent(place: Place) -> None:
    fill(place)
    place.run(terms=replace(terms_of(AH), contact="chairs@abaw.org", organisers="The chairs"))
    (path,) = place.room.glob("replies/red*/reply-1.eml")
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["From"] == "chairs@abaw.org"
    assert message["To"] == "eve@red.org, bob@red.org"
    assert message["Subject"] == "Re: Submission"
    assert message["In-Reply-To"] == "<4@mail.org>"
    assert "The chairs" in message.get_content()


def test_a_trial_after_the_deadline_is_told_and_not_scored(place: Place) -> None:
    fill(place)
    terms = replace(terms_of(AH), ends=datetime(2026, 7, 3, 23, tzinfo=UTC))
    outputs = place.run(terms=terms)
    assert ("Red", "t2.txt", "outside the phase") in states(outputs)
    assert "O36" in outputs.replies["Red"].text
    assert "(2026-07-03 11:00:00 anywhere on earth)" in outputs.replies["Red"].text


def test_the_time_of_the_server_counts_and_both_are_told(place: Place) -> None:
    place.roster(ROSTER)
    late = b"Received: from x by y; Sat, 04 Jul 2026 10:00:00 +0000\n"
    place.put("1.eml", late + mail([("t.txt", place.trial())], date=day(1)))
    outputs = place.run(terms=replace(terms_of(AH), ends=datetime(2026, 7, 3, 23, tzinfo=UTC)))
    assert states(outputs) == [("Blue", "t.txt", "outside the phase")]
    text = outputs.replies["Blue"].text
    assert "2026-07-04 10:00:00 UTC" in text
    assert "2026-07-01 10:00:00 UTC" in text
    journal = json.loads((place.room / "journal.json").read_text())
    assert [problem["rule"] for problem in journal["teams"][0]["mails"][0]["problems"]] == ["N81"]
    assert [problem.rule for problem in outputs.problems] == ["N81"]


def test_one_mail_exported_twice_is_one_mail(place: Place) -> None:
    place.roster(ROSTER)
    data = mail([("t.txt", place.trial())])
    place.put("1.eml", data)
    place.put("copy of 1.eml", data)
    assert states(place.run()) == [("Blue", "t.txt", "scored")]


def test_a_folder_of_another_team_is_no_guess(place: Place) -> None:
    place.roster(ROSTER)
    place.put("reds/1.eml", mail([("t.txt", place.trial())]))
    place.put("RED/2.eml", mail([("t.txt", place.trial())], "somebody@gmail.com"))
    outputs = place.run()
    assert [problem.rule for problem in outputs.problems] == ["O33"]
    assert "Blue" in outputs.problems[0].found
    assert states(outputs) == [("Red", "t.txt", "scored")]


def test_without_a_roster_folders_and_addresses_stand_for_teams(place: Place) -> None:
    place.put("blue/1.eml", mail([("t.txt", place.trial(1))]))
    place.put("blue/2.eml", mail([("t.txt", place.trial(2))], "eve@red.org"))
    place.put("cur/3.eml", mail([("t.txt", place.trial(3))], "gus@green.org"))
    place.put("yellow.zip", zipped({"t.txt": place.trial(4)}))
    outputs = place.run()
    assert [team for _, team, _, _ in scores(outputs)] == ["blue", "gus@green.org", "yellow"]
    assert [problem.rule for problem in outputs.problems] == ["N83"]


def test_one_bad_mail_stops_no_other(place: Place) -> None:
    fill(place)
    place.put("broken.eml", b"\xff" * 1000)
    place.put("long.eml", b"From: ada@blue.org\nX: " + b"x" * 2_000_000)
    place.put("bomb.eml", mail([("bomb.zip", zipped({"a.txt": b"0\n" * (40 << 20)}))], date=day(7), number=7))
    place.put("up.eml", mail([("up.zip", zipped({"../../../up.txt": b"0"}))], date=day(8), number=8))
    place.put("none.eml", mail([], date=day(9), number=9))
    large = [("lines.txt", b"0\n" * 20_000), ("bytes.txt", b"0" * (2 << 20))]
    place.put("large.eml", mail(large, date=day(10), number=10))
    outputs = place.run()
    assert scores(outputs) == [(1, "Green", 1, 1), (2, "Red", 2, 3), (3, "Blue", 1, 4)]
    for rule in ("Z02", "Z04", "O35", "O43"):
        assert rule in outputs.replies["Blue"].text
    assert outputs.replies["Blue"].text.count("O43") == 2
    assert not list(place.folder.rglob("up.txt"))
    assert sorted(mail.place for mail, _ in outputs.unknown) == ["a/5.eml", "broken.eml", "long.eml"]


def test_replies_of_two_truths_are_the_same_where_the_phase_is_private(tmp_path: Path) -> None:
    texts: list[dict[str, bytes]] = []
    for number in range(2):
        place = place_of(tmp_path / str(number)) if (tmp_path / str(number)).mkdir() is None else None
        assert place is not None
        fill(place)
        lines = place.trial().splitlines(keepends=True)
        place.put("blue/short.txt", b"".join(lines[:-3]))
        place.put("blue/other.txt", place.trial().replace(b"99", b"98"))
        if number:
            truth = place.truth.read_text().splitlines(keepends=True)
            place.truth.write_text("".join(map(flipped, truth)))
        place.run()
        found = files_of(place.room)
        texts.append({name: found[name] for name in found if name.startswith("replies/")})
    assert texts[0] == texts[1]


HOSTILE = '=HYPERLINK("http://x") <script>alert(1)</script> \\input{/etc/passwd} | `x` \u202egnp\r\nBcc: all@x.org'


def test_names_and_subjects_are_inert_everywhere(place: Place) -> None:
    name = "=cmd|' /C calc'!A1 <b>&\\def"
    place.roster(f'team,address\n"{name}",ada@blue.org\n')
    raw = mail([("t.txt", place.trial()), ("a.pdf", b"")]).decode()
    subject = HOSTILE.replace("\r\n", "=0D=0A").replace(" ", "_").replace('"', "=22").encode("utf-8")
    encoded = "".join(chr(byte) if byte < 128 else f"={byte:02X}" for byte in subject)
    raw = raw.replace("Subject: Submission", f"Subject: =?utf-8?q?{encoded}?=")
    raw = raw.replace('filename="a.pdf"', 'filename="<img src=x onerror=alert(1)>\x1b[2J.pdf"')
    place.put("1.eml", raw.encode())
    place.put("2.eml", raw.replace("ada@blue.org", "eve@evil.org").encode())
    place.run(is_final=True)
    found = files_of(place.room)
    for path, data in found.items():
        text = data.decode("utf-8") if not path.endswith(".npz") else ""
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert "\r" not in text.replace("\r\n", "")
        assert "\nBcc:" not in text
        if path.endswith(".csv"):
            cells = [cell for line in text.splitlines() for cell in line.split(",")]
            assert not [cell for cell in cells if cell.strip('"').startswith(("=", "@", "\t"))]
        if path.endswith(".html"):
            assert "<script>alert" not in text
            assert "<img" not in text
        if path.endswith(".tex"):
            assert "\\def" not in text
            assert "\\input" not in text
    (eml,) = (data for path, data in found.items() if path.endswith("reply-1.eml"))
    message = message_from_bytes(eml, policy=policy.default)
    assert message["Bcc"] is None
    assert message["To"] == "ada@blue.org"


def test_teams_with_names_alike_get_replies_of_their_own(place: Place) -> None:
    place.roster(
        "team,address\nBlue,a@b.org\nBlüe,c@d.org\nBlue!,e@f.org\nblue,g@h.org\n".replace("blue,g@h.org\n", "")
    )
    for number, sender in enumerate(("a@b.org", "c@d.org", "e@f.org")):
        place.put(f"{number}.eml", mail([("t.txt", place.trial(number))], sender, number=number))
    place.run()
    assert len(list(place.room.glob("replies/*/reply-1.txt"))) == 3


def test_an_error_of_the_scorer_is_told_to_the_organisers_and_tried_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("Blue/t.txt", place.trial())
    with monkeypatch.context() as patched:
        patched.setattr("abawbench.organisers.batch.judge.score", lambda *_, **__: 1 / 0)
        outputs = place.run()
    assert [problem.rule for problem in outputs.problems] == ["O56"]
    text = outputs.replies["Blue"].text
    assert "NOT SCORED YET" in text
    assert "division" not in text
    outputs = place.run()
    assert states(outputs) == [("Blue", "t.txt", "scored")]
    assert outputs.replies["Blue"].number == 2


def test_a_cluster_gives_the_same_bytes(place: Place) -> None:
    pytest.importorskip("ray")
    fill(place)
    place.run()
    other = place.folder / "by ray"
    place.run(room=other, address="local")
    assert files_of(other) == files_of(place.room)
