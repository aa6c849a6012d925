"""What is installed: the version of abawbench, stated here alone, the versions of libraries, and shipped folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError

VERSION = "0.1.0"
_PACKAGE = Path(__file__).parents[1]
# module -> extra that installs it
_EXTRAS: dict[str | None, str] = {
    **dict.fromkeys(("av", "cv2", "pooch", "requests", "sklearn", "threadpoolctl"), "video"),
    **dict.fromkeys(("huggingface_hub", "onnx", "onnxruntime", "safetensors", "torch", "transformers"), "models"),
    **dict.fromkeys(("PIL", "kornia", "matplotlib"), "models"),
    "ray": "cluster",
}


def versions_of(libraries: Iterable[str]) -> dict[str, str]:
    """The versions of libraries by name; libraries that are not installed are left out."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str] = {}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def missing_library(error: Exception) -> Problem | None:
    """D53, with the extra to install, where a module of an extra is missing; None for any other exception."""
    if not isinstance(error, ModuleNotFoundError) or error.name not in _EXTRAS:
        return None
    fix = f"pip install 'abawbench[{_EXTRAS[error.name]}]'"
    return Problem("D53", f"no module {error.name}", "the libraries that this needs", fix)


def shipped_folder(name: str) -> Path:
    """A folder that comes with abawbench: inside the installed package, else that of the checkout.

    Args:
        name: `data_manifests`, `submissions` or `leaderboard/published`.

    Raises:
        ProblemError: F01, there is no such folder.
    """
    places = (_PACKAGE / "share" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise ProblemError(Problem("F01", f"no folder {name}", str(places[0]), "install abawbench again", str(places[1])))
