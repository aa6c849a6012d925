"""Training of FERSNet: pairs of faces, the steps of network and discriminator, and synthesised training data."""
