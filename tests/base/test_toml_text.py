"""TOML from outside that would end the process, or a later calculation."""

from __future__ import annotations

import pytest

from abawbench.base.problems import ProblemError
from abawbench.base.toml_text import parse_toml
from abawbench.datasets.manifests.parse import read_manifest
from abawbench.entries.entry_file import read_entry_file
from abawbench.entries.templates import find_placeholders
from abawbench.records.store import read_provenance

HOSTILE = {
    "nested": "a = " + "[" * 100_000,
    "nested and closed": "a = " + "[" * 500 + "]" * 500,
    "nested tables": "a = " + "{a = " * 150 + "1" + "}" * 150,
    "dotted": ".".join("a" * 3_000) + " = 1",
    "dotted table": "[" + ".".join("a" * 3_000) + "]",
    "many dots": "a." * 400_000 + "b = 1",
    "many dots in quotes": "[" + "'a' . " * 200_000 + '"b"]',
    "many dots in a value": "a = {" + "a." * 400_000 + "b = 1}",
    "huge": "a = 1" + "0" * 400,
    "endless": "a = 1" + "0" * 5_000,
    "hexadecimal": "a = 0x" + "f" * 5_000,
    "no TOML": "a = [",
    "no UTF-8": b"a = '\xff\xfe\xfd'",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_toml_is_a_value_error(name):
    with pytest.raises(ValueError, match=r"."):
        parse_toml(HOSTILE[name])


def test_other_toml_is_read_as_ever():
    text = "a = [1, -2.5, inf]\n[b.c]\nd = 1979-05-27\ne = 0xffff_ffff_ffff_ffff\n"
    found = parse_toml(text)
    assert found == parse_toml(text.encode())
    assert found["b"]["c"]["e"] == 2**64 - 1


@pytest.mark.parametrize("name", HOSTILE)
def test_every_reader_of_toml_refuses_hostile_toml_and_what_never_ends(tmp_path, name):
    text = HOSTILE[name]
    path = tmp_path / "entry.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    readers = {
        "E02": read_entry_file,
        "R01": lambda file: read_provenance(file, tmp_path, tmp_path),
        "[DF]0[13]": read_manifest,
    }
    for rule, read in readers.items():
        with pytest.raises(ProblemError, match=rule):
            read(path)
    assert find_placeholders(path) == ()


def test_every_reader_of_toml_refuses_a_device_and_a_folder(tmp_path):
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    for read in (read_entry_file, lambda file: read_provenance(file, tmp_path, tmp_path), read_manifest):
        for path in (tmp_path / "zero.toml", tmp_path):
            with pytest.raises(ProblemError, match="F01"):
                read(path)
