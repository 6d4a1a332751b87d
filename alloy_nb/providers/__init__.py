"""Models: one file a wire, one contract."""
