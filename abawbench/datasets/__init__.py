"""Data sets: facts about them, readers of their labels, and checks and folds of labels before training.

How labels are read: a manifest (manifests/) says where the labels of a local copy lie and what they mean;
readers/ turns the files into `Labels` and maps them onto ABAW's vocabularies; label_file keeps them as Parquet, which
every later step reads. verification/ compares a copy with its manifest, folds deals units into folds (stratify), leaks/
finds what two sides share, and fetch/ downloads the sets whose licence allows it.
"""
