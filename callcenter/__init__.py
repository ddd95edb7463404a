"""A hospital call centre: an async service beside Asterisk and PostgreSQL."""

__version__ = "0.1.0"
