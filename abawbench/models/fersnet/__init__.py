"""FERSNet: recognition and synthesis of expressions by two networks that exchange features."""
