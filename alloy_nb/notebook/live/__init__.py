"""The live cell: a run shown by a widget while it goes on."""
