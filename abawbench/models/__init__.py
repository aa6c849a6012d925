"""Networks: backbones, checkpoints, temporal encoders, heads and multi-task frameworks (torch)."""
