"""The house's order: imports point downwards, without cycles, and nothing heavy is imported where it is not needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.inference.conftest import write_crops

PACKAGE = Path(__file__).parent.parent / "abawbench"

# from the bottom; rooms of one storey may not import each other unless they stand in one set
STOREYS: list[set[str]] = [
    {"base"},
    {"labels", "pages", "table"},
    {"fill"},
    {"challenges"},
    {"formats", "metrics"},
    {"scoring"},
    {"records"},
    {"clips", "models"},
    {"datasets"},
    {"faces"},
    {"synthetic"},
    {"entries"},
    {"inference"},
    {"training", "tuning"},
    {"leaderboard", "exports"},
    {"reports"},
    {"organisers"},
    {"api"},
    {"__init__"},
    {"cli"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(STOREYS) for room in rooms}
# the order within rooms that have rooms of their own
WITHIN: dict[str, list[set[str]]] = {
    "tuning": [{"inputs"}, {"steps"}, {"search"}, {"ensembles", "gains"}, {"trials"}, {"use"}, {"tune"}],
    "organisers": [
        {"events", "samples"},
        {"batch", "faults", "frozen", "participants"},
        {"bundles", "mail", "rehearsal"},
    ],
}
LEVEL_WITHIN = {
    room: {part: level for level, parts in enumerate(storeys) for part in parts} for room, storeys in WITHIN.items()
}
HEAVY = {"torch", "pandas", "matplotlib", "sklearn", "cv2", "transformers", "scipy", "pydantic"}


FILES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path) for path in FILES}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(path: Path) -> set[str]:
    """Modules of the package that a file imports anywhere, except under TYPE_CHECKING."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inner}
    return {name for name in found if name.split(".")[0] == "abawbench"}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_downwards(path):
    own = room_of(module_name(path))
    assert own in LEVEL, f"{own} has no storey"
    for name in imports(path):
        other = room_of(name)
        if other == own:
            continue
        assert LEVEL[other] < LEVEL[own], f"{module_name(path)} imports {name}, which stands above or beside it"


@pytest.mark.parametrize("path", [path for path in FILES if room_of(module_name(path)) in WITHIN], ids=module_name)
def test_imports_within_a_room_point_downwards(path):
    room, *own = module_name(path).split(".")[1:3]
    levels = LEVEL_WITHIN[room]
    for name in imports(path):
        other = name.split(".")[1:3]
        if len(other) == 2 and other[0] == room and other[1:] != own:
            assert levels[other[1]] < levels[own[0]], f"{module_name(path)} imports {name}"


def test_no_module_imports_itself_round_a_corner():
    graph = {module_name(path): imports(path) for path in FILES}
    graph = {name: {other for other in others if other in graph and other != name} for name, others in graph.items()}
    while leaves := {name for name, others in graph.items() if not others & graph.keys()}:
        for name in leaves:
            del graph[name]
    assert not graph, f"a cycle among {sorted(graph)}"


def heavy_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sorted(set(sys.modules) & {HEAVY!r}))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(result.stdout.split("\n")[-2].split())


def test_importing_the_package_imports_nothing_heavy():
    assert heavy_after("import abawbench, abawbench.cli") == set()


def test_scoring_imports_nothing_heavy(tmp_path):
    header = "image,valence,arousal,expression,aus\n"
    rows = "".join(
        f"v{i % 4}/{i:05d}.jpg,0.{i % 7},0.{i % 5},{i % 8},{','.join('01'[i % 2] * 12)}\n" for i in range(1, 1001)
    )
    (tmp_path / "truth.txt").write_text(header + rows)
    code = (
        "from abawbench.cli import main\n"
        f"path = {str(tmp_path / 'truth.txt')!r}\n"
        "main(['score', 'abaw4-mtl', path, path], standalone_mode=False)"
    )
    assert heavy_after(code) == set()


def test_predict_of_a_graph_imports_neither_torch_nor_pandas(tmp_path):
    crops = write_crops(tmp_path / "crops", {"one": 2}, side=112)
    words = ["predict", "2018_muehler_face-api-expression/tiny", str(crops), "-o", str(tmp_path / "out")]
    code = f"from abawbench.cli import main\nmain({words!r}, standalone_mode=False)"
    assert heavy_after(code) == {"cv2", "pydantic"}
