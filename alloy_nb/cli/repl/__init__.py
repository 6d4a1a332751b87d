"""The conversation in the terminal: `alloy` without a question."""
