"""What tuning reads: the streams of stores, annotated rows with their answers, several predictions of one truth."""
