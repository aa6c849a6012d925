"""Who made a data set, when, and what to cite: one entry for all releases of a name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from abawbench.datasets.manifests.model import Manifest, Origin

_KOLLIAS = ("Dimitrios Kollias", "Stefanos Zafeiriou")
_DOI = "https://doi.org/"
_ARXIV = "https://arxiv.org/abs/"
_RECALLED = "assumed: from memory of the literature, not compared with the paper"
_OTHERS = "and others"

ORIGINS: Mapping[str, Origin] = MappingProxyType(
    {
        "aff-wild": Origin(
            creators=("Stefanos Zafeiriou", "Dimitrios Kollias", _OTHERS),
            year=2017,
            citation="Zafeiriou, S. et al. (2017). Aff-Wild: valence and arousal 'in-the-wild' challenge. CVPR "
            "Workshops.",
            url=_DOI + "10.1109/CVPRW.2017.248",
            source=_RECALLED,
        ),
        "aff-wild2": Origin(
            creators=_KOLLIAS,
            year=2018,
            citation="Kollias, D. & Zafeiriou, S. (2018). Aff-Wild2: extending the Aff-Wild database for affect "
            "recognition. arXiv:1811.07770.",
            url=_ARXIV + "1811.07770",
            source=_RECALLED,
        ),
        "s-aff-wild2": Origin(
            creators=("Dimitrios Kollias",),
            year=2022,
            citation="Kollias, D. (2022). ABAW: valence-arousal estimation, expression recognition, action unit "
            "detection and multi-task learning challenges. arXiv:2202.10659.",
            url=_ARXIV + "2202.10659",
            source="arXiv:2202.10659 is the organisers' paper of the 3rd edition; assumed: its title and author",
        ),
        "abaw-lsd": Origin(
            creators=("Dimitrios Kollias",),
            year=2022,
            citation="Kollias, D. (2022). ABAW: learning from synthetic data and multi-task learning challenges. "
            "arXiv:2207.01138.",
            url=_ARXIV + "2207.01138",
            source="arXiv:2207.01138 is the organisers' paper of the 4th edition; assumed: its title and author",
        ),
        "c-expr-db": Origin(
            creators=("Dimitrios Kollias",),
            year=2023,
            citation="Kollias, D. (2023). Multi-label compound expression recognition: C-EXPR database and network. "
            "CVPR.",
            url="https://affective-behavior-analysis-in-the-wild.github.io",
            source=_RECALLED,
        ),
        "hume-reaction": Origin(
            creators=("Lukas Christ", "Shahin Amiriparian", "Alan Cowen", _OTHERS),
            year=2022,
            citation="Christ, L. et al. (2022). The MuSe 2022 multimodal sentiment analysis challenge. "
            "arXiv:2207.05691.",
            url=_ARXIV + "2207.05691",
            source=_RECALLED,
        ),
        "hume-vidmimic2": Origin(
            creators=("Dimitrios Kollias", "Alan Cowen", _OTHERS),
            year=2024,
            citation="Kollias, D. et al. (2024). The 6th affective behavior analysis in-the-wild (ABAW) competition. "
            "arXiv:2402.19344.",
            url=_ARXIV + "2402.19344",
            source="arXiv:2402.19344 is the organisers' paper of the 6th edition; assumed: its authors",
        ),
        "bah": Origin(
            creators=("Manuela González-González", "Soufiane Belharbi", "Eric Granger", _OTHERS),
            year=2025,
            citation="González-González, M. et al. (2025). BAH dataset for ambivalence/hesitancy recognition in "
            "videos for behavioural change. arXiv:2505.19328.",
            url=_ARXIV + "2505.19328",
            source="arXiv:2505.19328; assumed: the order of its authors",
        ),
        "dvd": Origin(
            creators=("Dimitrios Kollias", _OTHERS),
            year=2025,
            citation="Kollias, D. et al. (2025). DVD: a comprehensive dataset for advancing violence detection in "
            "real-world scenarios.",
            url="https://affective-behavior-analysis-in-the-wild.github.io",
            source=_RECALLED,
        ),
        "affectnet": Origin(
            creators=("Ali Mollahosseini", "Behzad Hasani", "Mohammad H. Mahoor"),
            year=2017,
            citation="Mollahosseini, A., Hasani, B. & Mahoor, M. H. (2017). AffectNet: a database for facial "
            "expression, valence, and arousal computing in the wild. IEEE Transactions on Affective "
            "Computing. arXiv:1708.03985.",
            url=_ARXIV + "1708.03985",
            source=_RECALLED,
        ),
        "raf-db": Origin(
            creators=("Shan Li", "Weihong Deng", "JunPing Du"),
            year=2017,
            citation="Li, S., Deng, W. & Du, J. (2017). Reliable crowdsourcing and deep locality-preserving learning "
            "for expression recognition in the wild. CVPR.",
            url=_DOI + "10.1109/CVPR.2017.277",
            source=_RECALLED,
        ),
        "raf-au": Origin(
            creators=("Wen-Jing Yan", "Shan Li", "Chengtao Que", "Jiquan Pei", "Weihong Deng"),
            year=2020,
            citation="Yan, W.-J. et al. (2020). RAF-AU database: in-the-wild facial expressions with subjective "
            "emotion judgement and objective AU annotations. arXiv:2008.05196.",
            url=_ARXIV + "2008.05196",
            source="arXiv:2008.05196",
        ),
        "raf-ce": Origin(
            creators=("Ximan Li", "Weihong Deng", "Shan Li", "Yong Li"),
            year=2023,
            citation="Li, X. et al. (2023). Compound expression recognition in-the-wild with AU-assisted meta "
            "multi-task learning. CVPR Workshops.",
            url="http://whdeng.cn/RAF/model4.html",
            source=_RECALLED,
        ),
        "fer2013": Origin(
            creators=("Ian J. Goodfellow", _OTHERS),
            year=2013,
            citation="Goodfellow, I. J. et al. (2013). Challenges in representation learning: a report on three "
            "machine learning contests. arXiv:1307.0414.",
            url=_ARXIV + "1307.0414",
            source=_RECALLED,
        ),
        "ferplus": Origin(
            creators=("Emad Barsoum", "Cha Zhang", "Cristian Canton Ferrer", "Zhengyou Zhang"),
            year=2016,
            citation="Barsoum, E. et al. (2016). Training deep networks for facial expression recognition with "
            "crowd-sourced label distribution. ICMI. arXiv:1608.01041.",
            url="https://github.com/microsoft/FERPlus",
            source="microsoft/FERPlus:README.md; assumed: the arXiv id",
        ),
        "emotionet": Origin(
            creators=("C. Fabian Benitez-Quiroz", "Ramprakash Srinivasan", "Aleix M. Martinez"),
            year=2016,
            citation="Benitez-Quiroz, C. F., Srinivasan, R. & Martinez, A. M. (2016). EmotioNet: an accurate, "
            "real-time algorithm for the automatic annotation of a million facial expressions in the wild. "
            "CVPR.",
            url=_DOI + "10.1109/CVPR.2016.600",
            source=_RECALLED,
        ),
        "cfee": Origin(
            creators=("Shichuan Du", "Yong Tao", "Aleix M. Martinez"),
            year=2014,
            citation="Du, S., Tao, Y. & Martinez, A. M. (2014). Compound facial expressions of emotion. PNAS "
            "111(15):E1454-E1462.",
            url=_DOI + "10.1073/pnas.1322355111",
            source=_RECALLED,
        ),
        "disfa": Origin(
            creators=(
                "S. Mohammad Mavadati",
                "Mohammad H. Mahoor",
                "Kevin Bartlett",
                "Philip Trinh",
                "Jeffrey F. Cohn",
            ),
            year=2013,
            citation="Mavadati, S. M. et al. (2013). DISFA: a spontaneous facial action intensity database. IEEE "
            "Transactions on Affective Computing 4(2).",
            url=_DOI + "10.1109/T-AFFC.2013.4",
            source=_RECALLED,
        ),
        "disfa-plus": Origin(
            creators=("Mohammad Mavadati", "Peyten Sanger", "Mohammad H. Mahoor"),
            year=2016,
            citation="Mavadati, M., Sanger, P. & Mahoor, M. H. (2016). Extended DISFA dataset: investigating posed "
            "and spontaneous facial expressions. CVPR Workshops.",
            url=_DOI + "10.1109/CVPRW.2016.182",
            source=_RECALLED,
        ),
        "bp4d": Origin(
            creators=("Xing Zhang", "Lijun Yin", "Jeffrey F. Cohn", _OTHERS),
            year=2014,
            citation="Zhang, X. et al. (2014). BP4D-Spontaneous: a high-resolution spontaneous 3D dynamic facial "
            "expression database. Image and Vision Computing 32(10).",
            url=_DOI + "10.1016/j.imavis.2014.06.002",
            source=_RECALLED,
        ),
        "bp4d-plus": Origin(
            creators=("Zheng Zhang", "Lijun Yin", "Jeffrey F. Cohn", _OTHERS),
            year=2016,
            citation="Zhang, Z. et al. (2016). Multimodal spontaneous emotion corpus for human behavior analysis. "
            "CVPR.",
            url=_DOI + "10.1109/CVPR.2016.374",
            source=_RECALLED,
        ),
        "gft": Origin(
            creators=("Jeffrey M. Girard", "Wen-Sheng Chu", "László A. Jeni", "Jeffrey F. Cohn", _OTHERS),
            year=2017,
            citation="Girard, J. M. et al. (2017). Sayette Group Formation Task (GFT) spontaneous facial expression "
            "database. FG.",
            url="https://osf.io/7wcyz",
            source=_RECALLED,
        ),
        "ck-plus": Origin(
            creators=("Patrick Lucey", "Jeffrey F. Cohn", "Takeo Kanade", _OTHERS),
            year=2010,
            citation="Lucey, P. et al. (2010). The extended Cohn-Kanade dataset (CK+): a complete dataset for action "
            "unit and emotion-specified expression. CVPR Workshops.",
            url=_DOI + "10.1109/CVPRW.2010.5543262",
            source=_RECALLED,
        ),
        "oulu-casia": Origin(
            creators=("Guoying Zhao", "Xiaohua Huang", "Matti Taini", "Stan Z. Li", "Matti Pietikäinen"),
            year=2011,
            citation="Zhao, G. et al. (2011). Facial expression recognition from near-infrared videos. Image and "
            "Vision Computing 29(9).",
            url=_DOI + "10.1016/j.imavis.2011.07.002",
            source=_RECALLED,
        ),
        "mmi": Origin(
            creators=("Maja Pantic", "Michel Valstar", "Ron Rademaker", "Ludo Maat"),
            year=2005,
            citation="Pantic, M. et al. (2005). Web-based database for facial expression analysis. ICME.",
            url=_DOI + "10.1109/ICME.2005.1521424",
            source=_RECALLED,
        ),
        "crema-d": Origin(
            creators=(
                "Houwei Cao",
                "David G. Cooper",
                "Michael K. Keutmann",
                "Ruben C. Gur",
                "Ani Nenkova",
                "Ragini Verma",
            ),
            year=2014,
            citation="Cao, H. et al. (2014). CREMA-D: crowd-sourced emotional multimodal actors dataset. IEEE "
            "Transactions on Affective Computing 5(4).",
            url="https://github.com/CheyneyComputerScience/CREMA-D",
            source="CheyneyComputerScience/CREMA-D:README.md",
        ),
        "celeba": Origin(
            creators=("Ziwei Liu", "Ping Luo", "Xiaogang Wang", "Xiaoou Tang"),
            year=2015,
            citation="Liu, Z. et al. (2015). Deep learning face attributes in the wild. ICCV. arXiv:1411.7766.",
            url=_ARXIV + "1411.7766",
            source=_RECALLED,
        ),
        "vggface2": Origin(
            creators=("Qiong Cao", "Li Shen", "Weidi Xie", "Omkar M. Parkhi", "Andrew Zisserman"),
            year=2018,
            citation="Cao, Q. et al. (2018). VGGFace2: a dataset for recognising faces across pose and age. FG. "
            "arXiv:1710.08092.",
            url=_ARXIV + "1710.08092",
            source=_RECALLED,
        ),
        "casia-webface": Origin(
            creators=("Dong Yi", "Zhen Lei", "Shengcai Liao", "Stan Z. Li"),
            year=2014,
            citation="Yi, D. et al. (2014). Learning face representation from scratch. arXiv:1411.7923.",
            url=_ARXIV + "1411.7923",
            source=_RECALLED,
        ),
        "ms-celeb-1m": Origin(
            creators=("Yandong Guo", "Lei Zhang", "Yuxiao Hu", "Xiaodong He", "Jianfeng Gao"),
            year=2016,
            citation="Guo, Y. et al. (2016). MS-Celeb-1M: a dataset and benchmark for large-scale face recognition. "
            "ECCV. arXiv:1607.08221.",
            url=_ARXIV + "1607.08221",
            source=_RECALLED,
        ),
        "cub-200": Origin(
            creators=("Catherine Wah", "Steve Branson", "Peter Welinder", "Pietro Perona", "Serge Belongie"),
            year=2011,
            citation="Wah, C. et al. (2011). The Caltech-UCSD Birds-200-2011 dataset. CNS-TR-2011-001, California "
            "Institute of Technology.",
            url="https://data.caltech.edu/records/65de6-vp158",
            source=_RECALLED,
        ),
        "clothing-attributes": Origin(
            creators=("Huizhong Chen", "Andrew Gallagher", "Bernd Girod"),
            year=2012,
            citation="Chen, H., Gallagher, A. & Girod, B. (2012). Describing clothing by semantic attributes. ECCV.",
            url=_DOI + "10.1007/978-3-642-33712-3_44",
            source=_RECALLED,
        ),
        "shoes": Origin(
            creators=("Tamara L. Berg", "Alexander C. Berg", "Jonathan Shih"),
            year=2010,
            citation="Berg, T. L., Berg, A. C. & Shih, J. (2010). Automatic attribute discovery and characterization "
            "from noisy web data. ECCV.",
            url=_DOI + "10.1007/978-3-642-15549-9_48",
            source=_RECALLED,
        ),
        "london": Origin(
            creators=("Lisa DeBruine", "Benedict Jones"),
            year=2017,
            citation="DeBruine, L. & Jones, B. (2017). Face Research Lab London Set (v5). figshare. "
            "doi:10.6084/m9.figshare.5047666.v5.",
            url=_DOI + "10.6084/m9.figshare.5047666.v5",
            source="figshare, doi:10.6084/m9.figshare.5047666.v5",
        ),
        "synthetic": Origin(
            creators=("the abawbench authors",),
            year=2026,
            citation="The synthetic corpus of abawbench.",
            source="abawbench:data/synthetic",
        ),
    }
)


def origin_of(manifest: Manifest) -> Origin | None:
    """What the manifest itself says, else what is known of its name; None where nothing is."""
    return manifest.origin or ORIGINS.get(manifest.name)
