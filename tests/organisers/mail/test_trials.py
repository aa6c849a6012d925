"""Trials: what is found in attachments and zips, and what hostile zips cost."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

from abawbench.organisers.mail.trials import Source, Trial, open_sources, trial_path
from tests.organisers.mail.mails import AH, VA, Place, files_of, zipped


def opened(place: Place, *sources: tuple[str, bytes]) -> tuple[tuple[Trial, ...], list[str]]:
    place.room.mkdir(exist_ok=True)
    trials, problems = open_sources(place.challenge, [Source(*source) for source in sources], place.room)
    return trials, [problem.rule for problem in problems]


def test_each_file_of_a_zip_is_a_trial(place: Place) -> None:
    files = {"trial-0.txt": place.trial(0), "trial-1.txt": place.trial(1)}
    trials, rules = opened(place, ("sub.zip", zipped(files, "my folder/")))
    assert [trial.name for trial in trials] == ["sub.zip:my folder/trial-0.txt", "sub.zip:my folder/trial-1.txt"]
    assert trial_path(place.room, trials[1].sha256).read_bytes() == place.trial(1)
    assert rules == []


def test_litter_of_a_mac_is_passed_over(place: Place) -> None:
    files = {"s/trial-0.txt": place.trial(), "s/.DS_Store": b"\0", "__MACOSX/s/._trial-0.txt": b"\0", "metadata": b"x"}
    trials, rules = opened(place, ("sub.zip", zipped(files)))
    assert [trial.name for trial in trials] == ["sub.zip:s/trial-0.txt"]
    assert rules == []


def test_what_is_no_prediction_is_left_aside_and_told(place: Place) -> None:
    trials, rules = opened(
        place, ("a.txt", place.trial()), ("paper.PDF", b"%PDF"), ("README.txt", b"hello"), ("x.bin", b"\0\1")
    )
    assert [trial.name for trial in trials] == ["a.txt"]
    assert rules == ["N80", "N80", "N80"]


def test_a_zip_is_known_by_its_bytes(place: Place) -> None:
    trials, _ = opened(place, ("predictions", zipped({"a.txt": place.trial()})))
    assert [trial.name for trial in trials] == ["predictions:a.txt"]


def test_a_mail_without_a_prediction_is_told(place: Place) -> None:
    assert opened(place) == ((), ["O35"])
    assert opened(place, ("photo.jpg", b"\xff\xd8"))[1] == ["N80", "O35"]


def test_the_same_bytes_are_kept_once(place: Place) -> None:
    (one, two), _ = opened(place, ("a.txt", place.trial()), ("b.zip", zipped({"c.txt": place.trial()})))
    assert one.sha256 == two.sha256
    assert len(list((place.room / "trials").iterdir())) == 1


def test_files_of_units_are_one_trial_and_folders_several(of_units: Place) -> None:
    files = {f"{folder}/{name}": data for folder in ("t0", "t1") for name, data in of_units.best.items()}
    trials, rules = opened(of_units, ("sub.zip", zipped(files)))
    assert [(trial.name, trial.files) for trial in trials] == [("sub.zip:t0", 6), ("sub.zip:t1", 6)]
    assert files_of(trial_path(of_units.room, trials[0].sha256)) == dict(of_units.best)
    assert rules == []


def test_attached_files_of_units_are_one_trial(of_units: Place) -> None:
    trials, _ = opened(of_units, *of_units.best.items())
    assert [(trial.name, trial.files) for trial in trials] == [("attachments", 6)]


def test_folders_of_columns_are_one_trial(of_units: Place) -> None:
    files = {f"{column}/{name}": b"0.5\n" for column in ("valence", "arousal") for name in of_units.best}
    trials, _ = opened(of_units, ("sub.zip", zipped(files, "all/")))
    assert [(trial.name, trial.files) for trial in trials] == [("sub.zip:all", 12)]


def test_a_prediction_in_parts_is_one_trial(place: Place) -> None:
    lines = place.trial().splitlines(keepends=True)
    files = {"a.txt": b"".join(lines[:20]), "b.txt": b"".join(lines[20:])}
    trials, _ = opened(place, ("sub.zip", zipped(files)))
    assert [(trial.name, trial.files) for trial in trials] == [("sub.zip", 2)]


def test_a_unit_twice_is_told(of_units: Place) -> None:
    assert opened(of_units, ("101.txt", b"1"), ("101.txt", b"2")) == ((), ["O42"])


def test_a_name_that_is_not_printable_is_told(of_units: Place) -> None:
    assert opened(of_units, ("s.zip", zipped({"a\u202egnp.txt": b"1"}))) == ((), ["O42"])
    assert opened(of_units, ("s.zip", zipped({"x" * 240 + ".txt": b"1"}))) == ((), ["O42"])


def stored(name: str, data: bytes, mode: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def many_members() -> bytes:
    return zipped({f"{number}.txt": b"" for number in range(10_001)})


def two_of_a_name() -> bytes:
    # zipfile itself warns of a name that it has already
    return zipped({"a.txt": b"1", "b.txt": b"2"}).replace(b"b.txt", b"a.txt")


def damaged(place: Place) -> bytes:
    data = bytearray(zipped({"a.txt": place.trial()}))
    data[60] ^= 0xFF
    return bytes(data)


def packed_tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return stream.getvalue()


def test_hostile_zips_are_told_and_nothing_of_them_is_scored(place: Place) -> None:
    bomb = stored("a.txt", b"0\n" * (40 << 20))
    cases = {
        "Z02": stored("../../escape.txt", b"x"),
        "Z03": stored("link.txt", b"/etc/passwd", stat.S_IFLNK | 0o777),
        "Z04": bomb,
        "Z05": stored("inner.zip", zipped({"a.txt": place.trial()})),
        "Z07": two_of_a_name(),
        "Z01": damaged(place),
    }
    for rule, data in cases.items():
        trials, rules = opened(place, (f"{rule}.zip", data), ("sound.txt", place.trial()))
        assert rules == [rule]
        assert [trial.name for trial in trials] == ["sound.txt"]
    assert opened(place, ("many.zip", many_members()))[1] == ["Z04"]
    assert opened(place, ("a.tar.gz", packed_tar()))[1] == ["Z01"]
    assert opened(place, ("a.rar", b"Rar!\x1a\x07"))[1] == ["Z01"]
    assert opened(place, ("empty.zip", b"PK\x05\x06" + bytes(18)))[1] == ["Z08"]
    assert opened(place, ("cut.zip", bomb[:1000]))[1] == ["Z01"]
    assert opened(place, ("none.zip", b""))[1] == ["Z01"]
    assert not list(place.folder.parent.rglob("escape.txt"))
    # what was unpacked for a while is gone again
    assert not [path for path in place.room.iterdir() if path.name != "trials"]


def test_a_size_that_lies_is_told(place: Place) -> None:
    data = bytearray(stored("a.txt", b"0\n" * (40 << 20)))
    end = data.rindex(b"PK\x01\x02")
    data[end + 24 : end + 28] = struct.pack("<I", 10)
    assert opened(place, ("liar.zip", bytes(data)))[1] in (["Z04"], ["Z01"])


def test_a_trial_of_units_keeps_no_file_that_was_not_sent(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    files = {"101.txt": b"0,0\n", "entry.json": b"{}", "weights.json": b"{}", "a.py": b"print(1)"}
    (trial,), _ = open_sources(VA, [Source("s.zip", zipped(files))], room)
    assert list(files_of(trial_path(room, trial.sha256))) == ["101.txt"]
    assert AH.id
