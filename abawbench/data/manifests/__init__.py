"""Facts of data sets: layout, labels, splits, licence."""
