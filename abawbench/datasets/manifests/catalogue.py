"""All manifests by id, each parsed on demand, and the origins of the data sets."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from abawbench.base.files import read_input
from abawbench.base.installed import shipped_folder
from abawbench.base.problems import Problem, ProblemError
from abawbench.base.toml_text import parse_toml
from abawbench.datasets.manifests.model import Manifest, Origin
from abawbench.datasets.manifests.parse import read_manifest

# file of the origins of the data sets: one table for all releases of a name
_ORIGINS = "origins.toml"


class Catalogue(Mapping[str, Manifest]):
    """The manifests of a folder by id, each of which is parsed once, on demand.

    A manifest whose file is invalid raises ProblemError when it is looked up; the others can still be used.
    """

    def __init__(self, folder: Path) -> None:
        names = [path.stem for path in folder.glob("*.toml") if path.name != _ORIGINS]
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

    @functools.cached_property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of each data set, by its name."""
        path = self._folder / _ORIGINS
        tables = parse_toml(read_input(path)) if path.is_file() else {}
        return {name: Origin.model_validate(table) for name, table in tables.items()}

    def versions(self, name: str) -> tuple[str, ...]:
        """Ids of a data set's releases, the newest last."""
        return tuple(identifier for identifier in self._ids if identifier.partition("_")[0] == name)


def _in_order(identifier: str) -> tuple[str, list[tuple[int, str]]]:
    """Sort key: by name, then by version, with numbers as numbers, so that 10 comes after 9."""
    name, _, version = identifier.partition("_")
    return name, [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"[.-]", version)]


@functools.cache
def manifests() -> Catalogue:
    """Every manifest that comes with abawbench, by id, as `disfa_1`.

    Raises:
        ProblemError: F01, there is no folder of manifests.
    """
    return Catalogue(shipped_folder("data_manifests"))


def get_manifest(name: str) -> Manifest:
    """A manifest by id (`raf-db_1`), by name (its newest version), or from a file of one's own (`./mine_1.toml`).

    Raises:
        ProblemError: D02 an unknown name, with similar ids; D01, F01, F03 an invalid file.
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
    found, expected = f"'{name}'", f"an id such as {', '.join(near)}" if near else "the id of a data set"
    fix = "run `abawbench data list` for all; give a manifest of your own with its path"
    raise ProblemError(Problem("D02", found, expected, fix))


def origin_of(manifest: Manifest) -> Origin | None:
    """The origin of a data set: of its manifest, else of the table of all names; None where neither has it."""
    return manifest.origin or manifests().origins.get(manifest.name)


def _near(asked: str, catalogue: Catalogue) -> list[str]:
    """Ids whose names are spelt alike or share a beginning, with all versions of each."""
    import difflib

    names = list(dict.fromkeys(identifier.partition("_")[0] for identifier in catalogue))
    plain = {re.sub("[^a-z0-9]", "", name): name for name in names}
    wanted = re.sub("[^a-z0-9]", "", asked.partition("_")[0])
    alike = [plain[match] for match in difflib.get_close_matches(wanted, plain, n=3, cutoff=0.6)]
    begun = [name for key, name in plain.items() if len(wanted) >= 3 and (key.startswith(wanted) or wanted in key)]
    return [identifier for name in dict.fromkeys((*alike, *begun)) for identifier in catalogue.versions(name)][:8]
