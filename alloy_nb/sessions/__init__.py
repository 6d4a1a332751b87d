"""Where sessions are kept: one file a kind of store."""
