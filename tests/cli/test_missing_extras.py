"""An install without extras: verbs that need one say which."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from abawbench.cli import main


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("pooch", ["data", "fetch", "yunet"]),
        ("cv2", ["faces", "{picture}", "{out}"]),
        ("cv2", ["data", "leaks", "{folder}", "{other}"]),
    ],
)
def test_a_verb_without_its_library_names_the_extra(module, words, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr("abawbench.faces.run.weights_path", lambda _: tmp_path)
    monkeypatch.setenv("ABAWBENCH_CACHE", str(tmp_path / "cache"))
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").write_bytes(folder.encode())
    one = tmp_path / "one"
    places = {"picture": one / "a.jpg", "out": tmp_path / "out", "folder": one, "other": tmp_path / "two"}
    result = CliRunner().invoke(main, [word.format(**places) for word in words])
    assert result.exit_code == 1
    assert "D53" in result.stderr
    assert "abawbench[video]" in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_an_entry_that_looks_at_no_picture_is_checked_without_opencv(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    result = CliRunner().invoke(main, ["check", "2026_abawbench_mean"])
    assert result.exit_code == 0, result.stdout
    assert "ACCEPTED" in result.stdout


@pytest.mark.parametrize("name", ["2026_abawbench_onnx/tiny", "code"])
def test_a_library_that_an_entry_lacks_is_named_with_its_extra(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    if name == "code":
        CliRunner().invoke(main, ["entry", "new", "2026_me_mine", "--kind", "code"])
        (tmp_path / "submissions" / "2026_me_mine" / "entry.py").write_text("import onnxruntime")
        name = "2026_me_mine"
    result = CliRunner().invoke(main, ["check", name])
    assert result.exit_code == 1
    assert "D53" in result.stdout
    assert "E12" not in result.stdout
    assert "pip install 'abawbench[models]'" in result.stdout
