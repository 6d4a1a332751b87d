"""From events to something a person reads."""
