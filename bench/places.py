"""Where benches run: a database of their own that writes to disk as a real one does, gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.migrate import upgrade
from demo import ports


@contextmanager
def bench_directory() -> Iterator[Path]:
    """An empty directory with a short path (sockets), removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="cc-bench-"))
    directory.chmod(0o755)  # the database's user must get in
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def bench_database() -> Iterator[str]:
    """URL of a fresh, migrated database on a server of this bench's own, with fsync on."""
    with bench_databases("bench") as (url,):
        yield url


@contextmanager
def bench_databases(*names: str) -> Iterator[list[str]]:
    """URLs of fresh, migrated databases on one server of this bench's own, as :func:`bench_database`."""
    with bench_directory() as directory:
        server = EmbeddedPostgres(directory / "postgres")
        server.start()
        try:
            urls = [server.create_database(name) for name in names]
            for url in urls:
                upgrade(url)
            yield urls
        finally:
            server.stop()


def free_port() -> int:
    """A port of the loopback interface that is free now, for TCP and UDP."""
    return ports.free_port(slot=0)
