"""Multi-task frameworks: layers that outputs share, and feedback between outputs."""
