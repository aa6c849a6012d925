from __future__ import annotations

import pytest

from abawbench.base import installed
from abawbench.base.problems import ProblemError
from abawbench.datasets.manifests import catalogue, get_manifest, manifests
from abawbench.datasets.manifests.catalogue import Catalogue
from tests.datasets.conftest import BASE, write_manifest


def test_an_id_gives_its_manifest():
    assert get_manifest("raf-db_1").id == "raf-db_1"


def test_a_name_gives_its_newest_release():
    assert get_manifest("aff-wild2").id == "aff-wild2_10"
    assert get_manifest("emotionet").id == "emotionet_2020"


def test_releases_are_ordered_by_number():
    assert manifests().versions("s-aff-wild2") == tuple(f"s-aff-wild2_{edition}" for edition in (3, 4, 7, 11))


def test_a_path_gives_a_manifest_of_ones_own(manifest_file):
    assert get_manifest(str(manifest_file)).title == "Mine"


@pytest.mark.parametrize(
    ("asked", "near"),
    [("rafdb", "raf-db_1"), ("affwild2", "aff-wild2_10"), ("BP4D+", "bp4d_1"), ("disfa_7", "disfa_1")],
)
def test_an_unknown_name_tells_what_comes_near(asked, near):
    with pytest.raises(ProblemError) as caught:
        get_manifest(asked)
    (problem,) = caught.value.problems
    assert problem.rule == "D02"
    assert near in problem.expected


def test_a_name_like_no_other_is_a_problem_too():
    with pytest.raises(ProblemError, match="D02"):
        get_manifest("qqqqqq")


def test_a_broken_manifest_does_not_touch_the_others(tmp_path):
    write_manifest(tmp_path)
    (tmp_path / "other_1.toml").write_text('name = "other"')
    folder = Catalogue(tmp_path)
    assert list(folder) == ["mine_1", "other_1"]
    assert folder["mine_1"].id == "mine_1"
    with pytest.raises(ProblemError, match="D01"):
        folder["other_1"]
    with pytest.raises(KeyError):
        folder["third_1"]


def test_a_manifest_is_parsed_once_and_only_when_it_is_taken(tmp_path, monkeypatch):
    write_manifest(tmp_path, BASE)
    read: list[str] = []
    own = catalogue.read_manifest

    def counting(path):
        read.append(path.name)
        return own(path)

    monkeypatch.setattr(catalogue, "read_manifest", counting)
    folder = Catalogue(tmp_path)
    assert read == []
    assert folder["mine_1"] is folder["mine_1"]
    assert read == ["mine_1.toml"]


def test_installed_manifests_come_before_those_beside_the_package(tmp_path, monkeypatch):
    folder = tmp_path / "abawbench" / "share" / "data_manifests"
    folder.mkdir(parents=True)
    write_manifest(folder)
    (tmp_path / "data_manifests").mkdir()
    monkeypatch.setattr(installed, "_PACKAGE", tmp_path / "abawbench")
    manifests.cache_clear()
    assert list(manifests()) == ["mine_1"]
    manifests.cache_clear()


def test_without_any_folder_of_manifests_it_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(installed, "_PACKAGE", tmp_path / "abawbench")
    manifests.cache_clear()
    with pytest.raises(ProblemError, match="F01"):
        manifests()
    manifests.cache_clear()
