"""All manifests by id, each parsed when it is asked for."""

from __future__ import annotations

import functools
import re
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError
from abawbench.datasets.manifests.model import Manifest
from abawbench.datasets.manifests.parse import read_manifest

_FOLDER = "data_manifests"


class Catalogue(Mapping[str, Manifest]):
    """The manifests of a folder, by id; a manifest is parsed when it is taken, once.

    Taking one raises ProblemError where its file does not hold together; the others are not touched by that.
    """

    def __init__(self, folder: Path) -> None:
        names = [path.stem for path in folder.glob("*.toml")]
        self._folder = folder
        self._ids = tuple(sorted(names, key=_in_order))
        self._parsed: dict[str, Manifest] = {}

    def __getitem__(self, identifier: str) -> Manifest:
        if identifier not in self._ids:
            raise KeyError(identifier)
        if identifier not in self._parsed:
            self._parsed[identifier] = read_manifest(self._folder / f"{identifier}.toml")
        return self._parsed[identifier]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._ids

    def versions(self, name: str) -> tuple[str, ...]:
        """Ids of a data set's releases, the newest last."""
        return tuple(identifier for identifier in self._ids if identifier.partition("_")[0] == name)


def _in_order(identifier: str) -> tuple[str, list[tuple[int, str]]]:
    """By name, then by version, numbers as numbers: 10 after 9."""
    name, _, version = identifier.partition("_")
    return name, [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"[.-]", version)]


@functools.cache
def manifests() -> Catalogue:
    """Every manifest by id, as `disfa_1`: those of the checkout, else those that were installed.

    Raises:
        ProblemError: F01, there is no folder of manifests.
    """
    places = (Path(__file__).parents[3] / _FOLDER, Path(sysconfig.get_path("data")) / "share" / "abawbench" / _FOLDER)
    for place in places:
        if place.is_dir():
            return Catalogue(place)
    raise ProblemError(
        Problem("F01", "no folder of manifests", str(places[-1]), "install abawbench again", str(places[0]))
    )


def get_manifest(name: str) -> Manifest:
    """A manifest by id (`rafdb_1`), by name (the newest of its versions), or a file of one's own (`./mine_1.toml`).

    Raises:
        ProblemError: D02, with the ids that come near; D01, F01 and F03 where a file does not hold together.
    """
    if name.endswith(".toml") or "/" in name:
        return read_manifest(Path(name))
    catalogue = manifests()
    asked = name.strip().lower().replace(" ", "-")
    if asked in catalogue:
        return catalogue[asked]
    if versions := catalogue.versions(asked):
        return catalogue[versions[-1]]
    near = _near(asked, catalogue)
    raise ProblemError(
        Problem(
            "D02",
            f"'{name}'",
            f"an id such as {', '.join(near)}" if near else "the id of a data set",
            "run `abawbench data list` for all; give a manifest of your own with its path",
        )
    )


def _near(asked: str, catalogue: Catalogue) -> list[str]:
    """Ids whose names look alike or share a beginning, all versions of each."""
    import difflib

    names = list(dict.fromkeys(identifier.partition("_")[0] for identifier in catalogue))
    plain = {re.sub("[^a-z0-9]", "", name): name for name in names}
    wanted = re.sub("[^a-z0-9]", "", asked.partition("_")[0])
    alike = [plain[match] for match in difflib.get_close_matches(wanted, plain, n=3, cutoff=0.6)]
    begun = [name for key, name in plain.items() if len(wanted) >= 3 and (key.startswith(wanted) or wanted in key)]
    return [identifier for name in dict.fromkeys((*alike, *begun)) for identifier in catalogue.versions(name)][:8]
