"""The tasks and metrics that editions share, each with the sources that a record takes over."""

from __future__ import annotations

from collections.abc import Mapping

from abawbench import labels
from abawbench.challenges.model import Categorical, Continuous, Metric, MultiLabel, Part, Reported, Term
from abawbench.challenges.sources import (
    AIM3_2022,
    BAH_METRICS,
    BAH_PAGES,
    BAH_REPOSITORY_11,
    BEAST_2022,
    C_EXPR_TABLE,
    COMPOUND_LIST_6,
    COMPOUND_LIST_7,
    EMOTIEFFLIB_3,
    EMOTIEFFLIB_6,
    EMOTIEFFLIB_6_EMI,
    EMOTIEFFLIB_8_AH,
    EMOTIEFFLIB_8_EMI,
    FERSNET,
    GENERAL_CHAIR,
    HKUST_2023,
    KUHNKE_2020,
    PAGE_11,
    PAPER_10,
    RATKHOHIEU_2021,
    SAMPLES_5,
    SAMPLES_6,
    TABLES_2,
    TALLEC_2022,
    TSYPLIAKOVA_2026,
    WTOMIN_2020,
    WTOMIN_2022,
    ZEROSANSAN_2020,
    all_of,
    assumed,
)

VA = Continuous("va", labels.VALENCE_AROUSAL, -1.0, 1.0, float(labels.VALENCE_AROUSAL_SENTINEL))
EXPRESSION_7 = Categorical("expression", labels.EXPRESSIONS_7, labels.CLASS_SENTINEL)
EXPRESSION_8 = Categorical("expression", labels.EXPRESSIONS_8, labels.CLASS_SENTINEL)
SYNTHETIC_EXPRESSION = Categorical("expression", labels.BASIC_EXPRESSIONS_6, None)
EXPRESSION_6 = SYNTHETIC_EXPRESSION
EXPRESSION_CONTEMPT_7 = Categorical("expression", labels.EXPRESSIONS_CONTEMPT_7, None)
ACTION_UNITS_8 = MultiLabel("action_units", labels.ACTION_UNITS_8, labels.CLASS_SENTINEL)
ACTION_UNITS_12 = MultiLabel("action_units", labels.ACTION_UNITS_12, labels.CLASS_SENTINEL)
IDENTITY_LONDON = Categorical("identity", labels.LONDON_PEOPLE, labels.CLASS_SENTINEL)
ATTRIBUTES_LONDON = MultiLabel("attributes", labels.LONDON_ATTRIBUTES, labels.CLASS_SENTINEL)
COMPOUND = Categorical("compound", labels.COMPOUND_7, None)
COMPOUND_11 = Categorical("compound", labels.COMPOUND_11, None)
REACTION = Continuous("reaction", labels.REACTION_7, 0.0, 1.0, None)
MIMICRY = Continuous("mimicry", labels.MIMICRY_6, 0.0, 1.0, None)
AMBIVALENCE = Categorical("ambivalence", labels.AMBIVALENCE_2, None)
VIOLENCE = Categorical("violence", labels.VIOLENCE_2, labels.CLASS_SENTINEL)

_PAIRS = {
    "tasks.va.sentinel": assumed("no row with a single -5 is reported, so a row is left out when either value is -5")
}
_WHOLE_ROWS = {
    "tasks.action_units.sentinel": assumed("no partly annotated row is reported, so a -1 leaves out the whole row")
}
VA_SOURCES: Mapping[str, str] = {"tasks": all_of(WTOMIN_2022, EMOTIEFFLIB_3), **_PAIRS}
EXPRESSION_7_SOURCES: Mapping[str, str] = {"tasks": all_of(KUHNKE_2020, RATKHOHIEU_2021)}
EXPRESSION_8_SOURCES: Mapping[str, str] = {"tasks": all_of(SAMPLES_5, SAMPLES_6, PAGE_11)}
ACTION_UNITS_8_SOURCES: Mapping[str, str] = {"tasks": all_of(KUHNKE_2020, WTOMIN_2020), **_WHOLE_ROWS}
ACTION_UNITS_2ND_SOURCES: Mapping[str, str] = {"tasks": RATKHOHIEU_2021, **_WHOLE_ROWS}
ACTION_UNITS_12_SOURCES: Mapping[str, str] = {"tasks": all_of(SAMPLES_5, SAMPLES_6, PAGE_11), **_WHOLE_ROWS}
MULTI_TASK_SOURCES: Mapping[str, str] = {
    "tasks": all_of(SAMPLES_5, SAMPLES_6, PAGE_11, WTOMIN_2022, EMOTIEFFLIB_3),
    **_PAIRS,
    **_WHOLE_ROWS,
}
SYNTHETIC_EXPRESSION_SOURCES: Mapping[str, str] = {
    "tasks": assumed(
        "the set is that of the organisers' folders; class numbers follow the folders' alphabetical order, "
        "as one team submitted"
    )
}
COMPOUND_SOURCES: Mapping[str, str] = {"tasks": all_of(COMPOUND_LIST_6, COMPOUND_LIST_7)}
REACTION_SOURCES: Mapping[str, str] = {
    "tasks": HKUST_2023,
    "tasks.reaction.range": assumed("0 to 1; the raw self-rating runs from 1 to 100"),
}
MIMICRY_SOURCES: Mapping[str, str] = {
    "tasks": all_of(EMOTIEFFLIB_6_EMI, EMOTIEFFLIB_8_EMI),
    "tasks.mimicry.range": assumed("0 to 1"),
}
AMBIVALENCE_SOURCES: Mapping[str, str] = {"tasks": PAGE_11}
VIOLENCE_SOURCES: Mapping[str, str] = {"tasks": TSYPLIAKOVA_2026}

FRAMES = "frames of the whole split"
IMAGES = "images of the whole split"
VIDEOS = "videos of the whole split"
ABSENT_IS_ZERO = "0, counted in the divisor"
CONSTANT_IS_ZERO = "0, flagged"
_CCC = (Part("ccc", 1.0),)
_PEARSON = (Part("pearson", 1.0),)
_F1 = (Part("f1", 1.0),)
_F1_67 = (Part("f1", 0.67), Part("accuracy", 0.33))
_F1_50 = (Part("f1", 0.5), Part("accuracy", 0.5))
_VA_FIGURES = Reported("va", ("ccc",))
_EXPRESSION_FIGURES = Reported("expression", ("f1", "accuracy"))
_ACTION_UNIT_FIGURES = Reported("action_units", ("f1", "accuracy"))
# average precision by the data chair's definition and by the usual one; neither ranks
_AMBIVALENCE_FIGURES = Reported("ambivalence", ("f1",), ("grid_average_precision", "average_precision"))


def _of_f1(name: str, formula: str, parts: tuple[Part, ...], reported: Reported, pooling: str = FRAMES) -> Metric:
    """A metric of F1 for one task, where a class that does not occur counts as 0."""
    terms = (Term(reported.task, parts),) if parts else ()
    return Metric(name, formula, terms, (reported,), pooling, absent_class=ABSENT_IS_ZERO)


def _of_agreement(name: str, formula: str, parts: tuple[Part, ...], reported: Reported, pooling: str) -> Metric:
    """A metric of CCC or Pearson correlation for one task, where a constant series counts as 0."""
    terms = (Term(reported.task, parts),)
    return Metric(name, formula, terms, (reported,), pooling, constant_series=CONSTANT_IS_ZERO)


VA_CCC = _of_agreement("va-ccc", "P = (CCC_valence + CCC_arousal) / 2", _CCC, _VA_FIGURES, FRAMES)
EXPR_F1_ACC = _of_f1("expr-f1-acc", "P = 0.67 * F1_macro(7) + 0.33 * accuracy", _F1_67, _EXPRESSION_FIGURES)
EXPR_F1 = _of_f1("expr-f1", "P = sum(F1_c) / 8", _F1, _EXPRESSION_FIGURES)
AU_F1_ACC = _of_f1("au-f1-acc", "P = 0.5 * F1_mean + 0.5 * accuracy", _F1_50, _ACTION_UNIT_FIGURES)
AU_F1 = _of_f1("au-f1", "P = sum(F1_au) / 12", _F1, _ACTION_UNIT_FIGURES)
MTL_SUM = Metric(
    "mtl-sum",
    "P = (CCC_v + CCC_a) / 2 + sum(F1_c) / 8 + sum(F1_au) / 12, at most 3",
    terms=(Term("va", _CCC), Term("expression", _F1), Term("action_units", _F1)),
    reported=(_VA_FIGURES, _EXPRESSION_FIGURES, _ACTION_UNIT_FIGURES),
    pooling=FRAMES,
    absent_class=ABSENT_IS_ZERO,
    constant_series=CONSTANT_IS_ZERO,
)
LSD_F1 = _of_f1("lsd-f1", "P = sum(F1_c) / 6", _F1, _EXPRESSION_FIGURES, IMAGES)
EXPR_ACCURACY = Metric(
    "expr-accuracy",
    "P = share of frames whose class is right, over all ten folds",
    (Term("expression", (Part("accuracy", 1.0),)),),
    (Reported("expression", ("accuracy", "f1", "balanced_accuracy")),),
    "frames of all folds, each predicted by the model that was trained without its fold",
    absent_class=ABSENT_IS_ZERO,
)
IDENTITY_ATTRIBUTES = Metric(
    "identity-attributes",
    "P = share of pictures whose person is right + mean over the attributes of their balanced accuracy, at most 2",
    (Term("identity", (Part("accuracy", 1.0),)), Term("attributes", (Part("balanced_accuracy", 1.0),))),
    (Reported("identity", ("accuracy",)), Reported("attributes", ("balanced_accuracy", "f1"))),
    IMAGES,
    absent_class=ABSENT_IS_ZERO,
)
RAF_UAR = Metric(
    "raf-uar",
    "P = mean over the classes of the truth of the share of their pictures that are right",
    (Term("compound", (Part("balanced_accuracy", 1.0),)),),
    (Reported("compound", ("balanced_accuracy", "accuracy", "f1")),),
    IMAGES,
    absent_class=ABSENT_IS_ZERO,
)
CE_F1 = _of_f1("ce-f1", "P = sum(F1_c) / 7", _F1, Reported("compound", ("f1",)))
_MEAN = "P = mean of {} Pearson correlations over videos"
ERI_PEARSON = _of_agreement("eri-pearson", _MEAN.format(7), _PEARSON, Reported("reaction", ("pearson",)), VIDEOS)
EMI_PEARSON = _of_agreement("emi-pearson", _MEAN.format(6), _PEARSON, Reported("mimicry", ("pearson",)), VIDEOS)
AH_FRAME = _of_f1("ah-frame", "not settled: an F1 over frames, and no source says which", (), _AMBIVALENCE_FIGURES)
AH_VIDEO_F1 = _of_f1(
    "ah-video-f1",
    "P = (F1_0 + F1_1) / 2 over videos; AP of class 1 reported beside it",
    _F1,
    _AMBIVALENCE_FIGURES,
    VIDEOS,
)
VD_F1 = _of_f1("vd-f1", "P = (F1_0 + F1_1) / 2 over frames", _F1, Reported("violence", ("f1",)))

_POOLED = {
    "metric.pooling": assumed(
        f"every participants' program that was read pools ({EMOTIEFFLIB_6}; {AIM3_2022}; {TALLEC_2022}), "
        "and no official text was found"
    )
}
_CONSTANT = {
    "metric.constant_series": assumed(
        f"no text defines it; the general chair's code for other data ({GENERAL_CHAIR}) gives 0 for a constant one"
    )
}
_FIXED_COUNT = {
    "metric.absent_class": assumed(f"the formula divides by the fixed class count; {EMOTIEFFLIB_6} computes so")
}
_NO_POSITIVES = {
    "metric.absent_class": assumed("an action unit without a positive in truth and prediction; no text defines it")
}
_EARLY = (RATKHOHIEU_2021, WTOMIN_2020, TABLES_2)
METRIC_SOURCES: Mapping[str, Mapping[str, str]] = {
    "va-ccc": {"metric": all_of(BEAST_2022, RATKHOHIEU_2021, PAPER_10), **_POOLED, **_CONSTANT},
    "expr-f1-acc": {"metric": all_of(*_EARLY, ZEROSANSAN_2020), **_POOLED, **_FIXED_COUNT},
    "expr-f1": {"metric": all_of(BEAST_2022, PAGE_11), **_POOLED, **_FIXED_COUNT},
    "au-f1-acc": {"metric": all_of(*_EARLY), **_POOLED, **_NO_POSITIVES},
    "au-f1": {"metric": all_of(PAGE_11, PAPER_10), **_POOLED, **_NO_POSITIVES},
    "mtl-sum": {"metric": all_of(PAGE_11, BEAST_2022), **_POOLED, **_FIXED_COUNT, **_CONSTANT},
    "lsd-f1": {"metric": assumed("teams evaluate so"), **_POOLED, **_FIXED_COUNT},
    "expr-accuracy": {
        "metric": FERSNET,
        "metric.pooling": assumed("a mean over the folds is not excluded; it differs where folds differ in size"),
        "metric.absent_class": assumed("of the F1 beside the score, as in the ABAW challenges"),
    },
    "identity-attributes": {
        "metric": assumed("the sum of both, as MTL challenges have it; the papers' own figures are unknown"),
        "metric.pooling": assumed("over all pictures of the split"),
        "metric.absent_class": assumed("of the F1 beside the score, as in the ABAW challenges"),
    },
    "raf-uar": {
        "metric": C_EXPR_TABLE,
        "metric.pooling": assumed("over the whole test part"),
        "metric.absent_class": assumed("of the F1 beside the score, as in the ABAW challenges"),
    },
    "ce-f1": {
        "metric": assumed("teams evaluate so"),
        **_POOLED,
        "metric.absent_class": assumed("whether an absent class counts as 0 matters here and no source says"),
    },
    "eri-pearson": {
        "metric": HKUST_2023,
        "metric.constant_series": assumed("no text defines it"),
    },
    "emi-pearson": {
        "metric": all_of(PAPER_10, EMOTIEFFLIB_8_EMI),
        "metric.constant_series": assumed("no text defines it"),
    },
    "ah-frame": {
        "metric": assumed(
            f"a ranked team optimised scikit-learn's weighted F1 over frames ({EMOTIEFFLIB_8_AH}); the AH chair's code "
            f"gives macro and weighted F1 ({BAH_METRICS}); the dataset's page lists F1 of the positive class, weighted "
            f"F1 and AP ({BAH_PAGES})"
        ),
    },
    "ah-video-f1": {
        "metric": all_of(BAH_REPOSITORY_11, BAH_METRICS, PAGE_11, "arXiv:2603.15818"),
        "metric.pooling": BAH_METRICS,
        "metric.absent_class": assumed(
            "the organisers' scorer stops when only one class occurs in truth and prediction together "
            f"({BAH_METRICS}); a score of such data is not an official one"
        ),
    },
    "vd-f1": {
        "metric": assumed("one team's full validation pools so; an average over videos is not excluded"),
        "metric.absent_class": assumed("no text defines it"),
    },
}
