"""Self-contained pages: one look, one script and one strict policy for reports and boards."""
