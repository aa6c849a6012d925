"""The central claims of the papers, tested on open data with their controls, one folder each: see README.md here."""
