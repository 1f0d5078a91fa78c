"""An nginx of our own, with one site."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.peers.server_process import server_process

TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""Directories that nginx makes even when it does not use them; by default they are the machine's."""


@contextmanager
def nginx(directory: Path, site: str, ready: Callable[[], bool]) -> Iterator[None]:
    """Run it as a child, with two workers; its files and logs are in a directory.

    Args:
        directory: where `site` keeps its files too
        site: what a file in sites-enabled holds
        ready: whether the site answers
    """
    (directory / "site.conf").write_text(site)
    places = "\n    ".join(f"{name}_temp_path {directory / name};" for name in TEMPORARY)
    configuration = directory / "nginx.conf"
    configuration.write_text(
        f"""user root;
daemon off;
worker_processes 2;
pid {directory / "nginx.pid"};
error_log stderr;
events {{
    worker_connections 512;
}}
http {{
    log_format brief '$uri $status, gateway $upstream_status, copy $upstream_cache_status';
    access_log {directory / "access.log"} brief;
    {places}
    include {directory / "site.conf"};
}}
"""
    )
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with server_process(
        [program, "-e", "stderr", "-p", directory, "-c", configuration], directory / "nginx.log", ready
    ):
        yield
