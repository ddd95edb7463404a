"""Calls into the telephone network: which numbers may be dialled, and how many a day (toll fraud)."""
