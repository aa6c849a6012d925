"""constraints.txt pins every library that is named in pyproject.toml, each file of it by hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PINS = (ROOT / "constraints.txt").read_text("utf-8")
TORCH = (ROOT / "constraints-torch.txt").read_text("utf-8")
HASH = r"    --hash=sha256:[0-9a-f]{64}(?: \\)?\n"
PIN = re.compile(rf"^([a-z0-9-]+)==\S+(?: ; [^\n\\]+)? \\\n(?:{HASH})+", re.MULTILINE)


def name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower().replace("_", "-")


def test_every_library_is_pinned_with_the_hashes_of_its_files():
    groups = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    named = {name(requirement) for group in groups for requirement in group} - {"abawbench", "torch"}
    named.add(name(PROJECT["build-system"]["requires"][0]))
    pinned = {match[1] for match in PIN.finditer(PINS)}
    assert named <= pinned
    assert len(pinned) == len(re.findall(r"^[^#\s]", PINS, re.MULTILINE))


def test_torch_has_one_version_and_no_hash():
    (version,) = re.findall(r"^torch==(\S+)$", TORCH, re.MULTILINE)
    (described,) = PROJECT["tool"]["uv"]["dependency-metadata"]
    assert (described["name"], described["version"]) == ("torch", version)
    assert not re.search(r"^(torch|nvidia-\S+|triton)==", PINS, re.MULTILINE)
