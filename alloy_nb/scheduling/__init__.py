"""When jobs are due, what is known of them, and how they are kept: values and records, without a clock of their own."""
