"""Challenges by id or path: those of the catalogue, and those of one's own in folders that are looked into."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import catalogue
from abawbench.challenges.model import Challenge
from abawbench.challenges.own import ID, SUFFIX, read_challenge

# list of folders of challenges of one's own, as PATH has one of programs
VARIABLE = "ABAWBENCH_CHALLENGES"
FOLDER = Path("challenges")

# files that were read by their path, as given and in full, by the id of their challenge, which records and stores name
_named: dict[str, tuple[Path, Path]] = {}


def get(identifier: str | os.PathLike[str]) -> Challenge:
    """Get a challenge by its id, in any case, or by the path of its file.

    Args:
        identifier: id of a challenge of the catalogue; id of one of your own, whose file `<id>.toml` lies in a folder
            that the environment variable ABAWBENCH_CHALLENGES lists, or else in `challenges/`; or the path of such a
            file, which ends with `.toml` or has a separator. What was read by its path is then known by its id, too.

    Raises:
        ProblemError: C01, the id is unknown, and the message names similar ones; C07, a file of your own has an id of
            the catalogue; C09, two files have one id; and the problems of the file.
    """
    text = os.fspath(identifier)
    if _is_path(text):
        path = Path(text)
        challenge = read_file(path)
        _named[challenge.id] = path, path.absolute()
        return challenge
    found = _packaged(text)
    path = path_of(text.lower() if found is None else found.id)
    if path is not None:
        return read_file(path)
    if found is not None:
        return found
    near = _near(text)
    fix = f"run `abawbench challenges` for the list; one of your own is named by its path, or lies in {FOLDER}/"
    raise ProblemError(Problem("C01", f"'{text}'", f"an id such as {', '.join(near or ['abaw4-mtl'])}", fix))


def find(identifier: str) -> Challenge | None:
    """The challenge of an id; None where there is none. Raises: ProblemError, the problems of its file."""
    path = path_of(identifier)
    return catalogue.CHALLENGES.get(identifier) if path is None else read_file(path)


def known() -> Mapping[str, Challenge]:
    """Every challenge by its id: those of the catalogue, then those of your own; files at fault are left out."""
    own = {path.stem: path for path in own_files()}
    found = dict(catalogue.CHALLENGES)
    for name in sorted({*own, *_named} - found.keys()):
        try:
            challenge = find(name)
        except ProblemError:
            continue
        if challenge is not None:
            found[name] = challenge
    return found


def own_files() -> tuple[Path, ...]:
    """The files of challenges of your own in the folders that are looked into, by name in each."""
    return tuple(path for folder in own_folders() for path in sorted(folder.glob(f"*{SUFFIX}")))


def own_folders() -> tuple[Path, ...]:
    """The folders that are looked into: those that ABAWBENCH_CHALLENGES lists, else `challenges/` where it is there."""
    listed = os.environ.get(VARIABLE, "")
    folders = [Path(name) for name in listed.split(os.pathsep) if name] if listed else [FOLDER]
    return tuple(folder for folder in folders if folder.is_dir())


def path_of(identifier: str) -> Path | None:
    """The file of a challenge of your own; None for an id that no file has.

    Raises:
        ProblemError: C09, files in two folders have the id, and differ.
    """
    if not ID.fullmatch(identifier):
        return None
    named = _named.get(identifier)
    paths = [path for folder in own_folders() if (path := folder / f"{identifier}{SUFFIX}").is_file()]
    if named is not None:
        given, whole = named
        return given if given.absolute() == whole else whole
    others = [path for path in paths[1:] if path.read_bytes() != paths[0].read_bytes()]
    if others:
        found, fix = f"{identifier} in {paths[0]}", "remove one of them, or name the file that is meant by its path"
        raise ProblemError(*(Problem("C09", found, "one file for each id", fix, str(path)) for path in others))
    return paths[0] if paths else None


def _is_path(text: str) -> bool:
    return text.lower().endswith(SUFFIX) or os.sep in text or (os.altsep or os.sep) in text


def _packaged(identifier: str) -> Challenge | None:
    return catalogue.CHALLENGES.get(identifier) or catalogue.CHALLENGES.get(identifier.lower())


def read_file(path: Path) -> Challenge:
    """Read the file of a challenge, once while it does not change.

    Raises:
        ProblemError: the problems of the file; C07, in a folder that is looked into its name is not its id.
    """
    try:
        state = path.stat()
    except (OSError, ValueError):
        return read_challenge(path)
    challenge = _read_once(path, path.absolute(), state.st_mtime_ns, state.st_size)
    if path.parent in own_folders() and challenge.id != path.stem:
        found, fix = f"id '{challenge.id}'", "make the two agree"
        raise ProblemError(Problem("C07", found, f"'{path.stem}', the name of its file", fix, str(path)))
    return challenge


@functools.lru_cache(maxsize=256)
def _read_once(path: Path, whole: Path, changed: int, size: int) -> Challenge:
    # a relative path is another file in another folder
    del whole, changed, size
    return read_challenge(path)


def _near(identifier: str) -> list[str]:
    """Up to five similar ids: those spelt alike first, then those of the same edition or track."""
    import difflib

    names = list(_names())
    asked = identifier.strip().lower().replace("_", "-").replace(" ", "-")
    if asked in names:
        return [asked]
    words = set(asked.split("-"))
    alike = difflib.get_close_matches(asked, names, n=3)
    related = [name for name in names if words & set(name.split("-"))]
    return list(dict.fromkeys((*alike, *related)))[:5]


def _names() -> Iterator[str]:
    yield from catalogue.CHALLENGES
    yield from (path.stem for path in own_files())
    yield from _named
