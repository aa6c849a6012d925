"""Where labels come from: facts of data sets, readers of their labels, and what is done with labels before training.

How labels walk through this room: a manifest (manifests/) says where the labels of a local copy lie and what they mean;
readers/ turns the files into `Labels` and maps them onto ABAW's vocabularies; label_file keeps them as Parquet, which
every later step reads. verification/ compares a copy with its manifest, folds deals units into folds (stratify), leaks/
finds what two sides share, and fetch/ downloads the sets whose licence allows it.
"""
