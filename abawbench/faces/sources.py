"""What there is to take faces from: videos, videos in frames, photographs."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from abawbench.base.problems import Problem, ProblemError, not_found, unreadable
from abawbench.clips import images, video
from abawbench.clips.images import number_of
from abawbench.table import video_of

Kind = Literal["video", "frames", "photo"]
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """One video, in whatever form.

    Attributes:
        name: of the video, as its units are named after it.
        kind: a video file, a folder of numbered pictures, or a single picture.
        path: the file or folder.
        files: the picture files in order of their numbers; empty for a video file.
    """

    name: str
    kind: Kind
    path: Path
    files: tuple[Path, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Frame number of each picture file."""
        return tuple(number_of(file) for file in self.files) if self.kind == "frames" else (1,) * len(self.files)

    def expected(self) -> int:
        """About how many frames it has; 0 where nothing tells."""
        if self.kind != "video":
            return len(self.files)
        try:
            with video.Video(self.path) as opened:
                return opened.expected
        except ProblemError:
            return 0

    def weight(self) -> int:
        """About how long it takes, to compare with others of its kind."""
        try:
            return sum(file.stat().st_size for file in self.files or (self.path,))
        except OSError:
            return 0

    def digest(self) -> str:
        """SHA-256 of the contents, and for pictures of their numbers. Raises: ProblemError F01."""
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
    try:
        with path.open("rb") as file:
            while part := file.read(CHUNK):
                yield part
    except OSError as error:
        raise unreadable(path, error) from error


def sources(videos: Path) -> tuple[tuple[Source, ...], tuple[Problem, ...]]:
    """The sources under a path, sorted by name, and what is wrong with those that are left out.

    A file is one source. Of a folder, its files and those of its folders are taken, no deeper; other kinds of files are
    passed over. Pictures that all have numbers for names are the frames of a video named after their folder, others
    are photographs.

    Args:
        videos: a video, a picture, or a folder.

    Raises:
        ProblemError: F01 there is no such path, D30 nothing in it has faces to take.
    """
    problems: list[Problem] = []
    if videos.is_dir():
        found = list(_of_folder(videos, problems, depth=1))
    elif videos.exists():
        is_photo = videos.suffix.lower() in images.SUFFIXES
        found = [Source(videos.stem, "photo", videos, (videos,)) if is_photo else Source(videos.stem, "video", videos)]
    else:
        raise not_found(videos, "videos or pictures")
    if not found and not problems:
        kinds = " ".join(sorted(video.SUFFIXES | images.SUFFIXES))
        fix = f"name a folder that holds files of these kinds: {kinds}"
        raise ProblemError(Problem("D30", "nothing to take faces from", "videos or pictures", fix, str(videos)))
    kept = _distinct(sorted(found, key=lambda source: (source.name, str(source.path))), problems)
    return tuple(kept), tuple(problems)


def _of_folder(folder: Path, problems: list[Problem], depth: int) -> Generator[Source]:
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        problems.extend(unreadable(folder, error).problems)
        return
    pictures: list[Path] = []
    for entry in entries:
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


def _distinct(found: Iterable[Source], problems: list[Problem]) -> Generator[Source]:
    """Sources whose units cannot be taken for those of another."""
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
    """The video of which a unit of this name would be a person, or an empty text."""
    owner = video_of(name)
    return "" if owner == name else owner
