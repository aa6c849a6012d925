"""Loads entries by name, by the path of a folder, by `module:factory`, or from an installed package."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from abawbench import challenges
from abawbench.base.installed import shipped_folder
from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.entries.baselines.controls import NoSettings
from abawbench.entries.contract import check_card_type
from abawbench.entries.entry_file import FILE, EntryFile, read_entry_file, read_settings
from abawbench.entries.failures import reporting_failures
from abawbench.entries.model import Entry, Trainable
from abawbench.entries.names import check_names
from abawbench.entries.packed import PACKED, beside_weights, is_packed

# packages name their entries in this group of entry points: name = "module:factory"
GROUP = "abawbench.entries"
CODE = "entry.py"
# kind -> module below abawbench.entries, factory, settings; imported when an entry of the kind is loaded
KINDS: dict[str, tuple[str, str, str]] = {
    "compound": ("networks.compound", "create", "CompoundSettings"),
    "constant": ("baselines.controls", "constant", "ConstantSettings"),
    "facebehaviornet": ("networks.facebehaviornet", "create", "FaceBehaviorEntrySettings"),
    "fersnet": ("networks.fersnet", "create", "FersNetEntrySettings"),
    "hog": ("baselines.classical", "create", "HogSettings"),
    "image-classifier": ("foreign.image_classifier", "create", "ImageClassifierSettings"),
    "mean": ("baselines.controls", "mean", "NoSettings"),
    "network": ("networks.network", "create", "NetworkSettings"),
    "onnx": ("foreign.onnx_model", "create", "OnnxSettings"),
    "prior": ("baselines.controls", "prior", "NoSettings"),
    "shuffled": ("baselines.controls", "shuffled", "ShuffleSettings"),
    "tool-output": ("foreign.tool_output", "create", "ToolSettings"),
}


def folders(root: Path = Path("submissions")) -> tuple[Path, ...]:
    """The folders of all entries in a folder of submissions, sorted by name."""
    return tuple(sorted(path.parent for path in root.glob(f"*/{FILE}")))


def load_entry(name: str | Path, *, root: Path = Path("submissions")) -> Entry | Trainable:
    """Load the entry of this name; a `Trainable` where it must be fitted to labels before it can predict.

    Args:
        name: a folder under `root` or of the entries that come with abawbench, or the path of a folder with an
            entry.toml, or of a Hugging Face folder as `entry export` writes it; `<folder>/tiny` for its `tiny.toml`;
            `module:factory`, where the factory takes no arguments; or the name of an entry of an installed package.
        root: folder of the submissions.

    Raises:
        ProblemError: E01 unknown name or kind, C01 unknown vocabulary, E02 everything wrong in its file, E11 missing
            weights, E16 names on its card that are not known.
    """
    path = find_entry_file(name, root=root)
    if path is not None:
        return make_entry(read_entry_file(path), path)
    if ":" in str(name):
        return _call_factory(str(name))
    offered = {point.name: point.value for point in entry_points(group=GROUP)}
    if str(name) in offered:
        return _call_factory(offered[str(name)])
    places = (root, shipped_folder("submissions"))
    known = {folder.name for place in places for folder in folders(place)} | set(offered)
    expected = f"the name of a folder of {root} that has an {FILE}, a path to one, or module:factory"
    raise ProblemError(_unknown("entry", str(name), known, expected))


def find_entry_file(name: str | Path, *, root: Path = Path("submissions")) -> Path | None:
    """The file that describes the entry of this name: of `root`, at that path, or one that comes with abawbench.

    Returns:
        The path of the file; None where no folder has one.
    """
    for place in (root / name, Path(name), shipped_folder("submissions") / name):
        for path in (place / FILE, place.with_name(f"{place.name}.toml"), place / PACKED, place):
            if (path.suffix == ".toml" and path.is_file()) or is_packed(path):
                return path
    return None


def make_entry(content: EntryFile, path: Path) -> Entry | Trainable:
    """Make the entry that an entry file describes.

    Args:
        content: content of the file.
        path: path of the file; relative paths start at its folder, and the entry's code lies beside it.

    Raises:
        ProblemError: as `load_entry`.
    """
    vocabulary = challenges.get(content.vocabulary).tasks
    try:
        with reporting_failures(content.name, "code that makes an entry"):
            factory, settings_type = _resolve_kind(content, path)
            # networks have a rule of their own for settings out of range
            rule = getattr(settings_type, "OUT_OF_RANGE", "E02")
            with beside_weights(path) as place:
                settings = read_settings(settings_type, content.settings, place, out_of_range=rule)
                return _require_entry(factory(content.card(), vocabulary, settings), str(path))
    except ProblemError as error:
        problems = [dataclasses.replace(problem, file=problem.file or str(path)) for problem in error.problems]
        raise ProblemError(*problems) from error


def _resolve_kind(content: EntryFile, path: Path) -> tuple[Callable[..., Any], type[Any]]:
    if content.kind != "code":
        if content.kind not in KINDS:
            raise ProblemError(_unknown("kind", content.kind, [*KINDS, "code"], "a kind of entry", path))
        module, factory, settings_type = KINDS[content.kind]
        made_in = importlib.import_module(f"abawbench.entries.{module}")
        return getattr(made_in, factory), getattr(made_in, settings_type)
    module = _load_code(path.with_name(CODE))
    factory = getattr(module, "create", None)
    if not callable(factory):
        expected = "create(card, vocabulary, settings), which returns the entry"
        raise ProblemError(Problem("E02", "no function create", expected, "write it", str(path.with_name(CODE))))
    return factory, getattr(module, "Settings", NoSettings)


def _load_code(path: Path) -> Any:
    if not path.is_file():
        found = f"kind = code without {CODE}"
        raise ProblemError(Problem("E02", found, f"{CODE} beside {FILE}", "add it, or name another kind", str(path)))
    folder = path.resolve().parent
    name = f"abawbench_submission_{folder.name.replace('.', '_')}"
    # a package, so that the code can import files beside it as `from .name import ...`
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=[str(folder)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    for loaded in [other for other in sys.modules if other.startswith(f"{name}.")]:
        del sys.modules[loaded]
    # dataclasses look their module up by name
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _call_factory(place: str) -> Entry | Trainable:
    module, _, attribute = place.partition(":")
    with reporting_failures(place, "code that makes an entry"):
        made_in = _import(module, place)
        factory = getattr(made_in, attribute, None)
        if factory is None:
            names = [name for name in dir(made_in) if not name.startswith("_")]
            raise ProblemError(_unknown("factory", attribute, names, f"a function of {module}"))
        return _require_entry(factory(), place)


def _import(module: str, place: str) -> Any:
    expected, fix = "module:factory, a module that can be imported", "check PYTHONPATH and the name"
    problem = Problem("E01", f"entry {place}", expected, fix)
    if not all(part.isidentifier() for part in module.split(".")):
        raise ProblemError(problem)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        # what the module itself imports and lacks is another failure
        if error.name and not module.startswith(error.name):
            raise
        raise ProblemError(problem) from error


def _require_entry(made: object, place: str) -> Entry | Trainable:
    if isinstance(made, Entry | Trainable):
        check_card_type(made)
        problems = check_names(made.card)
        if problems:
            raise ProblemError(*problems)
        return made
    expected = "an object with a card, and predict(clip) or fit(clips, truth)"
    raise ProblemError(Problem("E02", f"{place} makes a {type(made).__name__}", expected, "return an entry"))


def _unknown(what: str, name: str, known: Iterable[str], expected: str, path: Path | None = None) -> Problem:
    names = sorted(known)
    fix = did_you_mean(name, names, f"known here: {', '.join(names) or 'none'}")
    return Problem("E01", f"{what} {name}", expected, fix, None if path is None else str(path))
