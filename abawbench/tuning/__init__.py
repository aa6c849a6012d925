"""Settings chosen on validation labels, with the score that they promise on other videos."""
