"""What a model is sent: of a conversation, however long it is, and beside it (context files and skills)."""
