from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy import stats

from examples.real_data import real_data
from examples.smile_curves import (
    FEWEST_BLOCKS,
    VIDEOS,
    Correlation,
    correlations,
    curves,
    main,
    mediapipe,
    pairs,
    predict,
)

BLOCK = 12
CURVES = [("a", "Happiness"), ("a", "AU12"), ("a", "AU1"), ("b", "Happiness"), ("b", "AU1"), ("c", "AU12")]


def table(frames: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(0)
    smooth = np.convolve(random.normal(size=frames + 20), np.ones(21) / 21, "valid")
    columns = {("a", "Happiness"): smooth, ("b", "Happiness"): np.exp(5 * smooth), ("c", "AU12"): random.random(frames)}
    return pd.DataFrame(columns, index=pd.RangeIndex(1, frames + 1))


def of(found: list[Correlation], first: str, second: str) -> Correlation:
    (pair,) = [each for each in found if (each.first, each.second) == (first, second)]
    return pair


def width(found: Correlation, method: str) -> float:
    low, high = found.bounds[method]
    return high - low


def test_smiles_and_the_same_unit_of_different_programs_are_compared():
    found = list(pairs(CURVES))
    assert (("a", "Happiness"), ("b", "Happiness")) in found
    assert (("a", "Happiness"), ("c", "AU12")) in found
    assert (("a", "AU1"), ("b", "AU1")) in found
    assert len(found) == 6
    assert all(first[0] != second[0] for first, second in found)
    assert not [pair for pair in found if (pair[0][1] == "AU1") != (pair[1][1] == "AU1")]


def test_correlations_agree_with_those_of_scipy():
    curves = table()
    found = correlations(curves, BLOCK)
    assert len(found) == 3
    for pair in found:
        one, other = (curves[tuple(name.split(" "))] for name in (pair.first, pair.second))
        assert pair.values["pearson"] == pytest.approx(stats.pearsonr(one, other).statistic, abs=1e-12)
        assert pair.values["spearman"] == pytest.approx(stats.spearmanr(one, other).statistic, abs=1e-12)


def test_a_rising_function_of_a_curve_has_its_ranks_in_every_resample():
    pair = of(correlations(table(), BLOCK), "a Happiness", "b Happiness")
    assert (pair.values["spearman"], *pair.bounds["spearman"]) == pytest.approx((1, 1, 1))
    low, high = pair.bounds["pearson"]
    assert low < pair.values["pearson"] < high < 1


def test_the_interval_of_curves_that_have_nothing_to_do_with_each_other_holds_zero():
    low, high = of(correlations(table(), BLOCK), "a Happiness", "c AU12").bounds["pearson"]
    assert low < 0 < high


def test_blocks_give_wider_intervals_than_frames_where_neighbours_are_alike():
    random = np.random.default_rng(1)
    smooth = [np.convolve(random.normal(size=620), np.ones(21) / 21, "valid") for _ in range(2)]
    curves = pd.DataFrame({("a", "AU12"): smooth[0], ("b", "AU12"): smooth[1]})
    blocks, frames = (correlations(curves, block)[0] for block in (40, 1))
    assert width(blocks, "pearson") > 2 * width(frames, "pearson")


def test_a_video_of_few_blocks_has_no_interval():
    (pair, *_) = correlations(table(FEWEST_BLOCKS * BLOCK - 1), BLOCK)
    assert set(pair.values) == {"pearson", "spearman"}
    assert pair.bounds == {}
    assert set(pair.row()) == {"first", "second", "frames", "pearson", "spearman"}


@pytest.mark.real_data
def test_the_curves_of_mediapipe_are_the_means_of_its_blendshapes(tmp_path):
    data = real_data()
    tables = mediapipe(data, tmp_path / "entries")
    store = predict(tables, tables, tmp_path / "stores")
    for video in VIDEOS:
        given = pd.read_csv(data / "labels" / f"mediapipe_{video}.csv")
        found = curves(store, video)
        assert found.index.tolist() == (given["frame"] + 1).tolist()
        smile = given[["mouthSmileLeft", "mouthSmileRight"]].mean(axis=1)
        assert found["mediapipe", "AU12"].to_numpy() == pytest.approx(smile.to_numpy(), abs=1e-12)
        assert found["mediapipe", "AU26"].to_numpy() == pytest.approx(given["jawOpen"].to_numpy(), abs=1e-12)


@pytest.mark.real_data
def test_two_entries_of_one_name_are_wrong_use(tmp_path):
    twice = ["--entry", "2026_abawbench_facebehaviornet"] * 2
    done = CliRunner().invoke(main, [*twice, "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "C02" in done.output
    assert "facebehaviornet more than once" in done.output
    assert not (tmp_path / "out" / "stores").exists()
