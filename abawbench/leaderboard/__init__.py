"""Published facts and records to ranked tables."""
