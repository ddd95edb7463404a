"""Everything of an installation that cannot be made anew, in one directory; and back again (docs/operations.md)."""
