"""Fault tests by the hundred: resumable, with a report kept as a file. ``make soak``, docs/operations.md."""
