"""A corpus without licence, in the official layout, whose truth is known because it is made."""

from __future__ import annotations

from abawbench.synthetic.labels import Corpus, answers, make_corpus

__all__ = ["Corpus", "answers", "make_corpus"]
