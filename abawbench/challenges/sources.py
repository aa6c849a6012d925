"""Full names of the sources that the records quote, from organisers' texts and files to participants' programs.

A participant's program shows what one accepted submission did; it does not define a rule.
"""

from __future__ import annotations

PAGE_9 = (
    "organisers' page affective-behavior-analysis-in-the-wild.github.io/9th (list of challenges and registration only)"
)
PAGE_10 = (
    "organisers' page affective-behavior-analysis-in-the-wild.github.io/10th (list of challenges and registration only)"
)
PAGE_11 = (
    "organisers' page of the 11th edition "
    "(text also in bakinalexey/abaw-11-mtl-bah-recognition:Description of the competition)"
)
TABLES_2 = "official result tables of the 2nd edition, dkollias/ABAW2-Results:abaw2_{va,expr,au}_leaderboard.pdf"
GENERAL_CHAIR = (
    "code of the general chair for other datasets, dkollias/Fair-Consistent-Affect-Analysis:model_utils/validation.py"
)
BAH_METRICS = "code of the AH data chair, sbelharbi/bah-dataset:bah_metrics.py"
BAH_REPOSITORY_11 = (
    "repository of the A/H organisers of the 11th edition, sbelharbi/ah3rd-challenge-abaw11:README.md@0acd302"
)
BAH_VALIDATOR_11 = (
    "files of the A/H organisers of the 11th edition, sbelharbi/ah3rd-challenge-abaw11:validate_submission.py@d194868 "
    "and predictions-submissions/*/trial-0.txt"
)
BAH_BOARD_10 = "private leaderboard of the A/H organisers of the 10th edition (PDF)"
BAH_SPLITS = "files of the AH data chair, sbelharbi/bah-dataset:dataset-splits/video-level/BAH_DB/split-0/"
BAH_PAGES = "AH pages, LIVIAETS/liviaets.github.io:datasets/bah-challenge.html, datasets/bah.html"

_EMOTIEFFLIB = "sb-ai-lab/EmotiEffLib:training_and_examples/ABAW/"
SAMPLES_5 = f"organisers' 5th sample files, printed in {_EMOTIEFFLIB}abaw5_expr_va_au_train.ipynb"
SAMPLES_6 = f"organisers' 6th sample and example files, printed in {_EMOTIEFFLIB}ABAW6/abaw6_affwild2.ipynb"
COMPOUND_LIST_6 = f"organisers' 6th CE list, printed in {_EMOTIEFFLIB}ABAW6/cexpr.ipynb"
COMPOUND_LIST_7 = f"organisers' 7th CE list, printed in {_EMOTIEFFLIB}ABAW7/cexpr.ipynb"
SYNTHETIC_FOLDERS_4 = f"organisers' LSD folders and list, printed in {_EMOTIEFFLIB}abaw4_lsd_train.ipynb"

EMOTIEFFLIB_3 = f"participants' {_EMOTIEFFLIB}abaw3_train.ipynb"
EMOTIEFFLIB_4_MTL = f"participants' {_EMOTIEFFLIB}abaw4_mtl_train.ipynb"
EMOTIEFFLIB_4_LSD = f"participants' {_EMOTIEFFLIB}abaw4_lsd_train.ipynb"
EMOTIEFFLIB_5 = f"participants' {_EMOTIEFFLIB}abaw5_expr_va_au_train.ipynb"
EMOTIEFFLIB_6 = f"participants' {_EMOTIEFFLIB}ABAW6/abaw6_affwild2.ipynb"
EMOTIEFFLIB_6_CE = f"participants' {_EMOTIEFFLIB}ABAW6/cexpr.ipynb"
EMOTIEFFLIB_6_EMI = f"participants' {_EMOTIEFFLIB}ABAW6/eri.ipynb (which is on EMI)"
EMOTIEFFLIB_7_MTL = f"participants' {_EMOTIEFFLIB}ABAW7/mtl.ipynb"
EMOTIEFFLIB_7_CE = f"participants' {_EMOTIEFFLIB}ABAW7/cexpr.ipynb"
EMOTIEFFLIB_8_EXPR = f"participants' {_EMOTIEFFLIB}ABAW8/abaw8_expr.ipynb"
EMOTIEFFLIB_8_AH = f"participants' {_EMOTIEFFLIB}ABAW8/bah.ipynb"
EMOTIEFFLIB_8_EMI = f"participants' {_EMOTIEFFLIB}ABAW8/emi.ipynb"

WTOMIN_2020 = (
    "participants' wtomin/Multitask-Emotion-Recognition-with-Incomplete-Labels:create_annotation_file/Aff-wild2/ "
    "(also utils)"
)
WTOMIN_2022 = "participants' wtomin/ABAW3_MultiEmotionNet:MTL/"
KUHNKE_2020 = "participants' kuhnkeF/ABAW2020TNT:write_labelfile.py, test_val_aff2.py, sort_non_competition_set.py"
ZEROSANSAN_2020 = "participants' zerosansan/fg2020_abaw:README.md"
RATKHOHIEU_2021 = "participants' ratkhohieu/ABAW2021:test.py, metrics.py"
CHRISA_2021 = "participants' Chrisa142857/ABAW2:length.csv, generate_test_result.py"
GLMANHTU_2021 = "participants' glmanhtu/multitask-abaw-2021:ICCV-2021-Paper.pdf"
BEAST_2022 = "participants' congvmit/ABAW2-BEAST:README.md (quotes the 3rd edition's page)"
AIM3_2022 = "participants' AIM3-RUC/ABAW4:utils/metrics.py, models/gru_model.py"
EMMA_2022 = "participants' JackYFL/EMMA_CoTEX_ABAW4:utils/metrics.py"
KHANHND_2022 = "participants' khanhnd185/ABAW4_MTL:dataset.py, utils.py"
DMACS_2022 = "participants' 1980x/ABAW2022DMACS:dataset/abaw.py, main_test.py"
TALLEC_2022 = "participants' gtallec/DL_ISIR_ABAW3:src/abaw3_utils.py"
HKUST_2023 = "participants' HKUST-NISL/ABAW5:tools/cal_pcc.py, tools/read_labels.py"
SUCV_2023 = "participants' sucv/ABAW3:generate_result.py (5th edition)"
ZHOU_2023 = (
    "participants' Zhou et al., Leveraging TCN and Transformer for effective visual-audio fusion in continuous emotion "
    "recognition (5th edition paper), Tables 2 to 5"
)
NAMHO_2024 = "participants' namho-96/ABAW2024:prediction.py"
NAMHO_2025 = "participants' namho-96/ABAW-9th:prediction_dvd.py, prediction_affwild.py"
UPCZWW_2024 = "participants' upczww/abaw6"
IMLAB_2026 = "participants' byeongjin1/abaw10th_imlab-va-:inference_test.py, filled_undetectable_image.ipynb"
ORA_2026 = "participants' ora942878/ABAW_10_EXPR:pipeline1_DataPreparation.md, metadata/"
TSYPLIAKOVA_2026 = (
    "participants' kdtsypliakova/ABAW-10-Violence-Detection:README.md, exp_backbones_v2.ipynb, test_set_processing/"
)
LEYA_2026 = "participants' LEYA-HSE/ABAW10-BAH:scripts/run_challenge_inference.py, scripts/prepare_challenge_csv.py"
BAKIN_2026 = "participants' bakinalexey/abaw-11-mtl-bah-recognition:mtl_pytorch_fixed.ipynb, bah_fixed_.ipynb"

FERSNET = "arXiv:2007.04514, Tables II to IV"
FERSNET_CODE = "the authors' code, cikrhazo/FERSNet:data.py, train.py"
GRAPH_AU_READERS = "CVI-SZU/ME-GraphAU:OpenGraphAU/tool/dataset_process.py"
C_EXPR_TABLE = "a third party's table of figures that it takes from the C-EXPR article (CVPR 2023)"

LONDON_SET = "figshare, doi:10.6084/m9.figshare.5047666.v5"

OUR_NAME = "this project's own name"


def second_hand(paper: str) -> str:
    """The source of what a paper says according to somebody else."""
    return f"{paper}, as told by a third party"


def assumed(reason: str) -> str:
    """The source of what is inferred, remembered or found in one unnamed program, and not confirmed officially."""
    return f"assumed: {reason}"


def all_of(*sources: str) -> str:
    """Several sources of one fact, each named once."""
    return "; ".join(dict.fromkeys(sources))


UNKNOWN = assumed("no source gives it, so it stays empty")
PAPER_10 = second_hand("arXiv:2605.27451")
