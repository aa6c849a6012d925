from __future__ import annotations

import pytest

from abawbench.base.problems import ProblemError
from abawbench.cli.pretrain import SIZES as OFFERED
from abawbench.training.pretraining.pretrain import rate_at
from abawbench.training.pretraining.settings import SIZES, settings_for


def test_the_command_offers_every_size():
    assert tuple(SIZES) == OFFERED


def test_published_sizes_take_the_published_recipe():
    settings = settings_for("b")
    assert (settings.picture, settings.patch, settings.patches) == (224, 16, 196)
    assert int(settings.patches * (1 - settings.mask)) == 49
    assert (settings.epochs, settings.warm_up, settings.base_rate, settings.mask) == (800, 40, 1.5e-4, 0.75)
    assert settings_for("h").patch == 14


def test_the_rate_rises_evenly_and_falls_along_half_a_cosine():
    settings = settings_for("tiny", epochs=10, warm_up=2, base_rate=1e-3, batch=128)
    # 5 steps an epoch, highest 5e-4 at step 10, half of it half-way from there to step 50
    rates = {step: rate_at(settings, step, 5) for step in (0, 5, 10, 30, 50)}
    assert rates == pytest.approx({0: 0, 5: 2.5e-4, 10: 5e-4, 30: 2.5e-4, 50: 0}, abs=1e-12)


def test_a_rate_without_warm_up_begins_at_its_highest():
    settings = settings_for("tiny", warm_up=0, base_rate=1e-3, batch=256)
    assert rate_at(settings, 0, 7) == 1e-3


def test_everything_that_does_not_fit_is_told_at_once():
    with pytest.raises(ProblemError) as caught:
        settings_for("tiny", picture=30, epochs=0, batch=0, mask=1.0, held_out=1.0, seed=-1, base_rate=0)
    told = [problem.found for problem in caught.value.problems]
    assert {problem.rule for problem in caught.value.problems} == {"E19"}
    for name in ("picture = 30", "epochs = 0", "batch = 0", "mask = 1.0", "held_out = 1.0", "seed = -1"):
        assert name in told


@pytest.mark.parametrize("mask", [0.01, 0.99])
def test_a_mask_hides_some_patches_and_leaves_one_at_least(mask):
    # 16 patches: a hundredth of them is none
    if mask > 0.5:
        with pytest.raises(ProblemError, match="mask"):
            settings_for("tiny", mask=mask)
    else:
        settings = settings_for("tiny", mask=mask)
        assert int(settings.patches * (1 - settings.mask)) == 15


def test_an_unknown_size_is_told():
    with pytest.raises(ProblemError, match=r"E19(.|\n)*one of tiny, small, b, l, h(.|\n)*did you mean small\?"):
        settings_for("smal")
