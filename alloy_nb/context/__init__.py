"""What a model is told beside the conversation: context files and skills."""
