"""A zip beside itself, as a folder of its stem that appears whole."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from abawbench.base.problems import Problem, ProblemError, unwritable

LARGEST = 4 << 30


def unpack(path: Path) -> dict[str, int]:
    """Unpack `<stem>.zip` into the folder `<stem>` beside it, in the place of one that is there.

    A folder of that name inside the archive is not repeated; what macOS adds is left out.

    Returns:
        Size of each member, by path below the archive's folder.

    Raises:
        ProblemError: Z01 not a zip, Z02 a member that leads outside, Z04 too large, F01 no place to write.
    """
    target = path.with_suffix("")
    temporary: Path | None = None
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            temporary = Path(tempfile.mkdtemp(prefix=f".{path.stem}.", dir=path.parent))
            for name, info in members.items():
                place = temporary / name
                place.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, place.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
        temporary.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        temporary.replace(target)
        temporary = None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ProblemError(Problem("Z01", str(error), "a zip archive", "download it again", str(path))) from error
    except OSError as error:
        raise unwritable(target, error, fix="check its rights and the free space, then run again") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return {f"{target.name}/{name}": info.file_size for name, info in members.items()}


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    files = {
        PurePosixPath(info.filename): info
        for info in archive.infolist()
        if not info.is_dir()
        and "__MACOSX" not in info.filename
        and not PurePosixPath(info.filename).name.startswith(".")
    }
    outside = [str(name) for name in files if name.is_absolute() or ".." in name.parts or "\\" in str(name)]
    if outside:
        raise ProblemError(Problem("Z02", outside[0], "paths below the archive", "do not use it", str(path)))
    size = sum(info.file_size for info in files.values())
    if size > LARGEST:
        raise ProblemError(Problem("Z04", f"{size:,} bytes", f"at most {LARGEST:,}", "do not use it", str(path)))
    top = {name.parts[0] for name in files if len(name.parts) > 1}
    is_nested = top == {path.stem} and all(len(name.parts) > 1 for name in files)
    return {str(PurePosixPath(*name.parts[1:]) if is_nested else name): info for name, info in files.items()}
