"""Whom TLS connections trust: read once, because reading them takes as long as fifty events."""

import ssl
from functools import cache


@cache
def tls_context(trusted: str | None) -> ssl.SSLContext:
    """The machine's own authorities, or those in the file ``trusted``."""
    return ssl.create_default_context(cafile=trusted)
