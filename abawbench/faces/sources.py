"""The videos to take faces from: video files, folders of numbered frames, and photographs."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from abawbench.base.files import require_plain
from abawbench.base.folders import entries, require_text
from abawbench.base.problems import Problem, ProblemError, not_found, unreadable
from abawbench.clips import images, video
from abawbench.clips.images import number_of
from abawbench.table import video_of

Kind = Literal["video", "frames", "photo"]
# bytes read at a time
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """One video, in any form.

    Attributes:
        name: name of the video; its units are named after it.
        kind: "video" for a video file, "frames" for a folder of numbered pictures, "photo" for a single picture.
        path: path of the file or folder.
        files: picture files in the order of their numbers; empty for a video file.
    """

    name: str
    kind: Kind
    path: Path
    files: tuple[Path, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Frame number of each picture file."""
        return tuple(number_of(file) for file in self.files) if self.kind == "frames" else (1,) * len(self.files)

    def expected_frames(self) -> int:
        """Approximate number of frames; 0 if it is unknown without decoding."""
        if self.kind != "video":
            return len(self.files)
        try:
            with video.Video(self.path) as opened:
                return opened.expected
        except ProblemError:
            return 0

    def size_in_bytes(self) -> int:
        """Size of all files together; 0 if they cannot be read."""
        try:
            return sum(file.stat().st_size for file in self.files or (self.path,))
        except OSError:
            return 0

    def digest(self) -> str:
        """SHA-256 of the contents, and of the frame numbers of pictures. Raises: ProblemError F01."""
        state = hashlib.sha256()
        for file, number in zip(self.files, self.numbers, strict=True):
            state.update(f"{number}:{file.stat().st_size if file.exists() else -1}:".encode())
            for part in _parts(file):
                state.update(part)
        if not self.files:
            for part in _parts(self.path):
                state.update(part)
        return state.hexdigest()


def _parts(path: Path) -> Generator[bytes]:
    require_plain(path)
    try:
        with path.open("rb") as file:
            while part := file.read(CHUNK):
                yield part
    except OSError as error:
        raise unreadable(path, error) from error


def find_sources(videos: Path) -> tuple[tuple[Source, ...], tuple[Problem, ...]]:
    """The sources under a path, sorted by name, and the problems of those that are left out.

    A file is one source. A folder gives its own files and those of its direct subfolders; files of other kinds are
    ignored. If all pictures of a folder have numbers as names, they are the frames of a video named after the folder;
    otherwise they are photographs.

    Args:
        videos: a video, a picture, or a folder of them.

    Raises:
        ProblemError: F01 the path does not exist, D30 it holds no video and no picture.
    """
    problems: list[Problem] = []
    if videos.is_dir():
        found = list(_of_folder(videos, problems, depth=1))
    elif videos.exists():
        require_text(videos)
        is_photo = videos.suffix.lower() in images.SUFFIXES
        found = [Source(videos.stem, "photo", videos, (videos,)) if is_photo else Source(videos.stem, "video", videos)]
    else:
        raise not_found(videos, "videos or pictures")
    if not found and not problems:
        kinds = " ".join(sorted(video.SUFFIXES | images.SUFFIXES))
        fix = f"name a folder that holds files of these kinds: {kinds}"
        raise ProblemError(Problem("D30", "nothing to take faces from", "videos or pictures", fix, str(videos)))
    kept = _without_clashes(sorted(found, key=lambda source: (source.name, str(source.path))), problems)
    return tuple(kept), tuple(problems)


def _of_folder(folder: Path, problems: list[Problem], depth: int) -> Generator[Source]:
    try:
        own, others = entries(folder)
    except ProblemError as error:
        problems.extend(error.problems)
        return
    problems.extend(problem for problem in others if not problem.is_note)
    pictures: list[Path] = []
    for entry in own:
        suffix = entry.suffix.lower()
        if entry.is_dir():
            if depth:
                yield from _of_folder(entry, problems, depth - 1)
        elif suffix in video.SUFFIXES:
            yield Source(entry.stem, "video", entry)
        elif suffix in images.SUFFIXES:
            pictures.append(entry)
    if pictures and all(number_of(file) >= 0 for file in pictures):
        yield from _of_frames(folder, pictures, problems)
    else:
        yield from (Source(file.stem, "photo", file, (file,)) for file in pictures)


def _of_frames(folder: Path, pictures: Sequence[Path], problems: list[Problem]) -> Generator[Source]:
    files = sorted(pictures, key=number_of)
    for one, other in itertools.pairwise(files):
        if number_of(one) == number_of(other):
            found = f"{one.name} and {other.name}"
            problems.append(Problem("D31", found, "one file for each frame", "remove one of them", str(folder)))
            return
    yield Source(folder.resolve().name, "frames", folder, tuple(files))


def _without_clashes(found: Iterable[Source], problems: list[Problem]) -> Generator[Source]:
    """The sources whose units cannot be confused with the units of another source."""
    by_name: dict[str, list[Source]] = defaultdict(list)
    for source in found:
        by_name[source.name].append(source)
    for name, group in by_name.items():
        owner = _owner(name)
        if len(group) > 1:
            names = " and ".join(str(source.path) for source in group[:3])
            fix = "rename or remove all but one"
            problems.append(Problem("D31", names, f"one file for '{name}'", fix, str(group[0].path), count=len(group)))
        elif owner in by_name:
            expected = f"another name, as '{name}' may be a person of '{owner}'"
            problems.append(Problem("D31", f"'{name}' beside '{owner}'", expected, "rename it", str(group[0].path)))
        else:
            yield group[0]


def _owner(name: str) -> str:
    """The video whose unit would have this name, or an empty string."""
    owner = video_of(name)
    return "" if owner == name else owner
