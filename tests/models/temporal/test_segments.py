from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.models.frameworks.networks import MultiTaskNetwork, build_network
from abawbench.models.frameworks.settings import FrameworkSettings, HeadSettings
from abawbench.models.temporal import segments
from abawbench.models.temporal.segments import answer_sequence, windows
from abawbench.models.temporal.settings import TemporalSettings

WIDTH = 6
CUTS = st.integers(1, 12).flatmap(lambda segment: st.tuples(st.just(segment), st.integers(1, segment)))


def network(encoder: str = "transformer", **temporal) -> MultiTaskNetwork:
    settings = TemporalSettings(encoder, **({"width": 8, "layers": 1, "feed_forward": 8, "segment": 5} | temporal))
    made = build_network(WIDTH, {"a": 2, "b": 3}, settings, FrameworkSettings(), HeadSettings((7,)), seed=0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(8)
    return made.eval()


class Identity:
    """Answers with its features, its positions, and the number of its calls; sees no neighbours."""

    outputs, training = {"x": WIDTH, "place": 1, "frames": 1}, False

    def __init__(self, segment: int, stride: int, encoder: str = "transformer", mode: str = "fixed") -> None:
        self.temporal = TemporalSettings(encoder, segment=segment, stride=stride, mode=mode)
        self.calls: list[list[int]] = []

    def train(self, mode: bool = True) -> None:
        self.training = mode

    def normalise(self, features, lengths):
        return features

    def forward_segment(self, features, lengths, state=None, positions=None):
        self.calls.append(lengths.tolist())
        rows, frames = features.shape[:2]
        place = torch.arange(frames).expand(rows, frames) if positions is None else positions
        count = lengths.view(-1, 1, 1).expand(rows, frames, 1)
        return {"x": features, "place": place.unsqueeze(-1).double(), "frames": count.double()}, ()


def video(rows: int) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(rows, WIDTH)


@given(st.integers(0, 60), CUTS)
def test_windows_cover_every_frame_and_none_beyond(length, cut):
    segment, stride = cut
    found = windows(length, segment, stride)
    covered = {frame for start, stop in found for frame in range(start, stop)}
    assert covered == set(range(length))
    assert all(0 < stop - start <= segment for start, stop in found)
    assert (np.diff(found[:, 0]) > 0).all()
    assert (np.diff(found[:, 0]) <= stride).all()


def test_windows_without_overlap_end_with_a_shorter_one():
    assert windows(10, 4, 4).tolist() == [[0, 4], [4, 8], [8, 10]]
    assert windows(8, 4, 4).tolist() == [[0, 4], [4, 8]]


def test_windows_with_overlap_end_with_the_video():
    assert windows(551, 250, 100).tolist() == [[0, 250], [100, 350], [200, 450], [300, 550], [301, 551]]
    assert windows(3, 4, 2).tolist() == [[0, 3]]


@pytest.mark.parametrize("stride", [0, 5])
def test_a_stride_beyond_the_segment_is_a_problem(stride):
    with pytest.raises(ProblemError, match="E17"):
        windows(10, 4, stride)


@given(st.integers(1, 60), CUTS, st.sampled_from(["transformer", "bilstm", "lstm", "none"]))
def test_the_identity_stays_the_identity(rows, cut, encoder):
    x = video(rows)
    found = answer_sequence(Identity(*cut, encoder), x)["x"]
    assert found.shape == x.shape
    assert torch.allclose(found, x, atol=1e-6)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=40), CUTS)
def test_the_identity_stays_the_identity_on_frames_with_gaps_and_repetitions_in_any_order(frames, cut):
    x = video(len(frames))
    found = answer_sequence(Identity(*cut), x, frame=np.array(frames))["x"]
    assert torch.allclose(found, x, atol=1e-6)


def test_without_overlap_the_identity_is_exact():
    x = video(23)
    assert torch.equal(answer_sequence(Identity(5, 5), x)["x"], x)


def test_several_segments_run_as_one_batch():
    made = Identity(5, 5)
    answer_sequence(made, video(23))
    assert made.calls == [[5, 5, 5, 5, 3]]


def test_in_compat_a_shorter_segment_is_not_padded():
    made = Identity(5, 5, mode="compat")
    answer_sequence(made, video(23))
    assert made.calls == [[5, 5, 5, 5], [3]]


def test_rows_of_two_segments_get_the_mean_weighted_by_the_distance_from_their_ends():
    # segments 0-3 and 2-5: row 2 is third of the first (weight 2) and first of the second (weight 1)
    found = answer_sequence(Identity(4, 2), video(6))["place"].ravel()
    expected = [0, 1, (2 * 2 + 0 * 1) / 3, (3 * 1 + 1 * 2) / 3, 2, 3]
    assert found.numpy() == pytest.approx(expected, abs=1e-12)


def test_frames_cut_by_their_numbers_and_know_their_places():
    made = Identity(10, 10)
    found = answer_sequence(made, video(7), frame=np.array([3, 4, 9, 12, 13, 14, 35]))
    assert made.calls == [[4, 2, 1]]
    assert found["place"].ravel().tolist() == [0, 1, 6, 9, 0, 1, 0]
    assert found["frames"].ravel().tolist() == [4, 4, 4, 4, 2, 2, 1]


def test_in_compat_frames_are_rows():
    made = Identity(5, 5, mode="compat")
    found = answer_sequence(made, video(7), frame=np.arange(7) * 100)
    assert found["place"].ravel().tolist() == [0, 1, 2, 3, 4, 0, 1]


def test_frames_one_after_the_other_change_nothing():
    made, x = network(stride=3), video(23)
    expected, found = answer_sequence(made, x), answer_sequence(made, x, frame=np.arange(23) + 40)
    assert all(torch.allclose(found[name], expected[name], atol=1e-5) for name in expected)


def test_rows_in_another_order_get_the_same_answers():
    made, x = network(), video(23)
    frame = np.arange(23) * 2
    shuffled = np.random.default_rng(0).permutation(23)
    expected = answer_sequence(made, x, frame=frame)
    found = answer_sequence(made, x[shuffled], frame=frame[shuffled])
    assert all(torch.allclose(found[name], expected[name][shuffled], atol=1e-6) for name in expected)


@pytest.mark.parametrize("encoder", ["transformer", "windowed_transformer", "tcn", "bilstm", "lstm"])
@pytest.mark.parametrize("mode", ["fixed", "compat"])
def test_a_video_answers_as_its_segments_alone(encoder, mode):
    made, x = network(encoder, carry_state=False, mode=mode), video(13)
    found = answer_sequence(made, x)
    for start, stop in ((0, 5), (5, 10), (10, 13)):
        alone, _ = made(x[None, start:stop], torch.tensor([stop - start]))
        for name, answer in alone.items():
            assert torch.allclose(found[name][start:stop], answer[0].detach(), atol=1e-5)


@pytest.mark.parametrize("encoder", ["lstm", "gru", "none"])
def test_a_carried_state_gives_the_answers_of_one_pass(encoder, monkeypatch):
    monkeypatch.setattr(segments, "ROWS", 7)
    made, x = network(encoder), video(23)
    whole, _ = made(x[None], torch.tensor([23]))
    found = answer_sequence(made, x)
    assert all(torch.allclose(found[name], whole[name][0].detach(), atol=1e-5) for name in whole)


@pytest.mark.parametrize("mode", ["fixed", "compat"])
def test_a_bidirectional_encoder_goes_on_from_segment_to_segment(mode):
    made, x = network("bilstm", mode=mode), video(13)
    found, state = answer_sequence(made, x), None
    for start, stop in ((0, 5), (5, 10), (10, 13)):
        alone, state = made(x[None, start:stop], torch.tensor([stop - start]), state)
        assert torch.allclose(found["a"][start:stop], alone["a"][0].detach(), atol=1e-5)


def test_a_whole_video_is_one_segment():
    made, x = network(segment=0), video(23)
    whole, _ = made(x[None], torch.tensor([23]))
    assert torch.allclose(answer_sequence(made, x)["b"], whole["b"][0].detach(), atol=1e-6)


def test_statistics_over_time_are_those_of_the_whole_video():
    made, plain, x = network(normalise="batch"), network(), video(13)
    scored = (x - x.mean(0)) / x.std(0)
    assert torch.allclose(answer_sequence(made, x)["a"], answer_sequence(plain, scored)["a"], atol=1e-4)


def test_a_video_without_rows_has_answers_without_rows():
    assert {n: a.shape for n, a in answer_sequence(network(), video(0)).items()} == {"a": (0, 2), "b": (0, 3)}


def test_nothing_is_dropped_and_the_training_mode_stays():
    made, x = network(dropout=0.5), video(13)
    expected = answer_sequence(made, x)
    made.train()
    found = answer_sequence(made, x)
    assert made.training
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert not found["a"].requires_grad


def test_another_number_of_frames_than_rows_is_a_problem():
    with pytest.raises(ProblemError, match="E17"):
        answer_sequence(network(), video(5), frame=np.arange(4))
