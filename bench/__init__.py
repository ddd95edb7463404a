"""How fast, how much, how many: measured, never asserted in tests. ``make bench`` (docs/performance.md)."""
