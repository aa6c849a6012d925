"""Training of entries: labels, losses, batches, augmentation, the loop; pre-training of encoders."""
