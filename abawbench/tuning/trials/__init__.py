"""Which trials to send, and what scores of validation splits became on test splits."""
