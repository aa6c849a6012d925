"""An event: the phases, deadlines, limits and texts of a challenge, in one file that an organiser writes."""
