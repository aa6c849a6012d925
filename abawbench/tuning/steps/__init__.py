"""Steps of tuned values: what they are, what they do to answers, and the file that they are kept in."""
