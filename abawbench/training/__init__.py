"""How entries learn: targets, losses, batches, augmentation, the loop."""
