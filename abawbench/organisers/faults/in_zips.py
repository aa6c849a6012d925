"""Faults planted into the zip of a good prediction: a function each, which returns the zip with the fault."""

from __future__ import annotations

import functools
import io
import stat
import zipfile
from collections.abc import Mapping

from abawbench.formats.check import most_trials
from abawbench.organisers.faults.in_files import Files, Good, Kind

ZIP = "submission.zip"
NO_TIME = (1980, 1, 1, 0, 0, 0)
# file that a submission makes if something of it is executed
EXECUTED = "executed_by_a_submission"
_TOUCH = f"import pathlib; pathlib.Path('{EXECUTED}').touch()"
COMMAND = f'command: python3 -c "{_TOUCH}"\n'.encode()
OF_UNITS = ("unit-txt", "vd-csv")
# a little more than `check` unpacks without suspicion
BOMB = 66 << 20


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of members, the same bytes for the same members.

    Args:
        members: contents by name.
        method: how they are packed.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            _add(archive, name, data, 0o100644, method)
    return stream.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes, mode: int, method: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, NO_TIME)
    entry.create_system = 3
    entry.external_attr = mode << 16
    archive.writestr(entry, data, method)


def _with(made: Good, *members: tuple[str, bytes]) -> Files:
    """The zip of the good files and of these members."""
    return _alone(zipped({**made.files, **dict(members)}))


def _member_twice(made: Good) -> Files:
    # zipfile warns of a name that it has, so that the second gets its name afterwards
    other = made.name[:-1] + "~"
    data = zipped({**made.files, other: made.files[made.name]})
    return _alone(data.replace(other.encode(), made.name.encode()))


def _alone(data: bytes) -> Files:
    return {ZIP: data}


def _in_folder(made: Good, folder: str) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in made.files.items()}


def _of_finder(made: Good) -> Files:
    litter = {f"__MACOSX/trial/._{name}": b"\x00\x05\x16\x07" for name in made.files}
    return _alone(zipped({**_in_folder(made, "trial"), "trial/.DS_Store": b"\0\0\0\1Bud1", **litter}))


def _damaged(made: Good) -> Files:
    # stored, so that a changed byte contradicts the checksum alone
    data = zipped(made.files, zipfile.ZIP_STORED)
    place = data.index(made.files[made.name]) + 20
    return _alone(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


def _encrypted(made: Good) -> Files:
    data = bytearray(zipped(made.files))
    for place in range(len(data) - 3):
        # the flag in the local header and in the directory
        if bytes(data[place : place + 4]) == b"PK\x03\x04":
            data[place + 6] |= 1
        elif bytes(data[place : place + 4]) == b"PK\x01\x02":
            data[place + 8] |= 1
    return _alone(bytes(data))


def _link(made: Good) -> Files:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in made.files.items():
            _add(archive, name, data, 0o100644)
        _add(archive, f"truth{made.layout.suffix}", b"../ref/truth.txt", stat.S_IFLNK | 0o777)
    return _alone(stream.getvalue())


@functools.cache
def _bomb(name: str) -> bytes:
    """A zip with one member that unpacks to many lines, by more than 500 to 1."""
    stream = io.BytesIO()
    block = (b"0" * 63 + b"\n") * (1 << 14)
    entry = zipfile.ZipInfo(name, NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(stream, "w") as archive, archive.open(entry, "w") as member:
        for _ in range(BOMB // len(block)):
            member.write(block)
    return stream.getvalue()


def _bombed(made: Good) -> Files:
    return _alone(_bomb(made.name if made.layout.per_unit else f"bomb{made.layout.suffix}"))


def _too_many(made: Good) -> Files:
    trials = range(most_trials(made.challenge) + 1)
    if made.layout.per_unit:
        return _alone(zipped({f"trial-{trial}/{name}": data for trial in trials for name, data in made.files.items()}))
    return _alone(zipped({f"trial-{trial}{made.layout.suffix}": made.files[made.name] for trial in trials}))


def _two_alike(made: Good) -> Files:
    if made.layout.per_unit:
        return _alone(zipped({f"{trial}/{name}": data for trial in "ab" for name, data in made.files.items()}))
    return _alone(zipped({f"{trial}{made.layout.suffix}": made.files[made.name] for trial in "ab"}))


def _with_script(made: Good) -> Files:
    code = f"{_TOUCH}\n".encode()
    return _with(made, ("numpy.py", code), ("sitecustomize.py", code), ("__init__.py", code))


IN_ZIPS: tuple[Kind, ...] = (
    Kind("no-zip", lambda _: _alone(b"this is no zip\n"), "Z01"),
    Kind("cut-zip", lambda made: _alone(zipped(made.files)[:-30]), "Z01"),
    Kind("damaged-zip", _damaged, "Z01"),
    Kind("encrypted-zip", _encrypted, "Z01"),
    Kind("unusual-packing", lambda made: _alone(zipped(made.files, zipfile.ZIP_BZIP2)), "Z01"),
    Kind("path-out-of-the-zip", lambda made: _with(made, (f"../../{EXECUTED}", b"out\n")), "Z02"),
    Kind("absolute-path", lambda made: _with(made, (f"/{EXECUTED}", b"out\n")), "Z02"),
    Kind("windows-path", lambda made: _with(made, (f"..\\..\\{EXECUTED}", b"out\n")), "Z02"),
    Kind("link-to-the-truth", _link, "Z03"),
    Kind("zip-bomb", _bombed, "Z04", dict.fromkeys(OF_UNITS, "T08 Z04")),
    Kind("zip-in-the-zip", lambda made: _alone(zipped({"inner.zip": zipped(made.files)})), "Z05"),
    Kind("too-many-trials", _too_many, "Z06"),
    Kind("member-twice", _member_twice, "Z07", dict.fromkeys(OF_UNITS, "T08 Z07")),
    Kind("empty-zip", lambda _: _alone(zipped({})), "Z08"),
    Kind("litter-alone", lambda _: _alone(zipped({"__MACOSX/._a.txt": b"\0", ".DS_Store": b"\0"})), "N21 Z08"),
    Kind("metadata-with-command", lambda made: _with(made, ("metadata.yaml", COMMAND)), "T09"),
    Kind("code-in-the-zip", _with_script, "T09"),
    Kind("hostile-member", lambda made: _with(made, ("<script>alert(1)</script>\x1b[2J.json", b"{}")), "T09"),
    Kind("faulty-file-in-the-zip", lambda made: _alone(zipped(made.with_field(made.value, "nan"))), "V01"),
)

# what is odd and accepted
ODD_ZIPS: tuple[Kind, ...] = (
    Kind("plain-zip", lambda made: _alone(zipped(made.files))),
    Kind("stored-zip", lambda made: _alone(zipped(made.files, zipfile.ZIP_STORED))),
    Kind("zip-of-finder", _of_finder, "N21 N22"),
    Kind("folder-around", lambda made: _alone(zipped(_in_folder(made, "my submission"))), "N22"),
    Kind("folders-around", lambda made: _alone(zipped(_in_folder(made, "a/b/c"))), "N22"),
    Kind("two-trials-alike", _two_alike, "N20"),
    Kind("metadata-of-the-participant", lambda made: _with(made, ("metadata", COMMAND)), "N21"),
)
