"""Files that are read and files and folders that are written: as a whole or not at all, and destroying nothing."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError, unwritable

KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# bytes of the largest file that is read into memory
LARGEST = 1 << 30
# where the system shows devices and open files under names
_OPEN_FILES = re.compile(r"/(dev/(?!shm/)|proc/)")
# names that `temporary_name` gives, and earlier `tempfile`
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}")


def special_kind(path: Path) -> str | None:
    """What a path leads to, links followed, where that is neither a file nor a folder; None otherwise.

    >>> special_kind(Path("/dev/null"))
    'a device'
    """
    try:
        return KINDS.get(stat.S_IFMT(path.stat().st_mode))
    except (OSError, ValueError):
        return None


def require_plain(path: Path) -> None:
    """Refuse to read what may never end.

    Raises:
        ProblemError: F01, the path leads to a pipe, a socket or a device.
    """
    kind = special_kind(path)
    if kind is not None:
        fix = "save it to a file first, and name that file"
        raise ProblemError(Problem("F01", kind, "a plain file or a folder", fix, str(path)))


def read_input(path: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a file that is read as a whole.

    Raises:
        OSError: the file cannot be read.
        ProblemError: F01, the path leads to a pipe, a socket or a device, or the file has more than `largest` bytes.
    """
    require_plain(path)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > largest:
            found, expected = f"{size:,} bytes", f"at most {largest:,}"
            raise ProblemError(Problem("F01", found, expected, "check that it is the right file", str(path)))
        return file.read()


def plain_name(name: object) -> str:
    """A name that leads to no other folder. Raises: ValueError, it is something else."""
    if not isinstance(name, str) or name in {"", ".", ".."} or Path(name).name != name or "\0" in name:
        raise ValueError(f"{name!r} is no plain file name")
    return name


def check_output(out: Path, *inputs: Path | None, suffix: str | None = None) -> bool:
    """Check that writing a file or folder destroys nothing that somebody brought.

    Args:
        out: file or folder to write; links are followed.
        inputs: files and folders that are read by the same call; None for those that are not given.
        suffix: ending of the files that will be in the folder `out`; by default that of the file `out`.

    Returns:
        True where a file is there, which the output will replace.

    Raises:
        ProblemError: F12, the output is an input or a file of an input folder, or would be read as one; it is a device,
            a pipe or a socket.
    """
    place = _require_place(out)
    for given in inputs:
        found = None if given is None else _clash(place, given, place.suffix if suffix is None else suffix)
        if found is not None:
            raise ProblemError(Problem("F12", found, "a place of its own", "name another place", str(out)))
    return place.is_file()


def _clash(place: Path, given: Path, suffix: str) -> str | None:
    """How an output would change an input; None where it would not.

    Links and mounts are other names of one place, hence the comparison of what is there.
    """
    try:
        if place.exists() and place.samefile(given):
            return f"an input of the same call, {given}"
        if not given.is_dir():
            return None
        if place.is_file():
            is_within = any(parent.samefile(given) for parent in place.parents) or any(
                path.is_file() and path.samefile(place) for path in given.iterdir() if not path.is_dir()
            )
            return f"a file of the input folder {given}" if is_within else None
        if place.exists() or not place.parent.is_dir() or not place.parent.samefile(given):
            return None
        # a further file of a kind that the folder holds
        is_alike = suffix and any(path.suffix == suffix for path in given.iterdir() if path.is_file())
    except OSError:
        # reading the input then reports the error
        return None
    return f"a place in the input folder {given}, which would be read with it" if is_alike else None


def _require_place(path: Path) -> Path:
    """The path that writing to a path reaches, links followed. Raises: ProblemError F12, it is no plain file."""
    place = Path(os.path.realpath(path))
    kind = special_kind(place)
    if kind is None and any(_OPEN_FILES.match(name) for name in (str(path.absolute()), str(place))):
        kind = "a device"
    if kind is not None:
        fix = "name a file; `cat` shows it afterwards"
        raise ProblemError(Problem("F12", kind, "a new file, or one to replace", fix, str(path)))
    return place


def temporary_name(path: Path) -> Path:
    """A new name beside a path for what is not finished; `sweep` removes what killed runs left under such names."""
    return path.with_name(f".{path.name}.{os.urandom(4).hex()}")


def sweep(folder: Path, names: re.Pattern[str] = _TEMPORARY) -> None:
    """Remove the unfinished files and folders that killed runs left in a folder, which this run holds.

    Args:
        folder: the folder; what lies deeper stays.
        names: the whole names of what goes.
    """
    with suppress(OSError):
        for path in folder.iterdir():
            if not names.fullmatch(path.name):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def write_file(path: Path, data: bytes) -> None:
    """Write a file, replacing an earlier one, as `write_files` does. Raises: ProblemError F01, F12."""
    write_files({path: data})


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write files that belong together: none takes its place before all are written.

    A link stays, and the file that it points to is replaced. A new file has the rights that the umask leaves, another
    keeps its own.

    Args:
        files: contents of the files by path.

    Raises:
        ProblemError: F01 a file cannot be written, F12 a path leads to a device, a pipe or a socket.
    """
    places = {path: _require_place(path) for path in files}
    unfinished = {path: temporary_name(place) for path, place in places.items()}
    try:
        for path, data in files.items():
            with _writing(path):
                with unfinished[path].open("xb") as file:
                    file.write(data)
                if places[path].is_file():
                    unfinished[path].chmod(stat.S_IMODE(places[path].stat().st_mode))
        for path, place in places.items():
            with _writing(path):
                unfinished[path].replace(place)
    finally:
        for temporary in unfinished.values():
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file and the folders above it, replacing an earlier file. Raises: ProblemError F01."""
    make_folder(path.parent)
    write_file(path, text.encode())


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they do not exist. Raises: ProblemError F01, it cannot be made."""
    with _writing(path):
        path.mkdir(parents=True, exist_ok=True)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder of files, given by name, as `stream_folder` does. Raises: ProblemError C02, F01, F12, Z02."""
    stream_folder(path, files.items())


def stream_folder(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write a new folder of files, which appears whole or not at all.

    Args:
        path: the folder, which does not exist yet or is empty.
        files: name and content of one file after another.

    Raises:
        ProblemError: C02 something else is there, F01 the folder cannot be written, F12 the path leads to a device, a
            pipe or a socket, Z02 the name of a file would lead out of the folder.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        fix = "remove it, or name another folder"
        raise ProblemError(Problem("C02", "something is there already", "a new folder", fix, str(path)))
    place = _require_place(path)
    temporary = temporary_name(place)
    with _writing(path):
        try:
            temporary.mkdir()
            for name, data in files:
                if Path(name).name != name:
                    raise ProblemError(Problem("Z02", f"'{name}'", "a plain file name", "rename the unit", str(path)))
                (temporary / name).write_bytes(data)
            temporary.replace(place)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


@contextmanager
def _writing(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error
