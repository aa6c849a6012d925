"""Units through which the streams of several tasks share features, and trunks with a stream for each task."""
