"""A partner's site on a loopback port: another origin than the shop's, with a strict policy of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Site(ThreadingHTTPServer):
    daemon_threads = True
    pages: dict[str, tuple[str, str]]  # path → body of the page, policy


class _Handler(BaseHTTPRequestHandler):
    server: _Site

    def do_GET(self) -> None:
        body, policy = self.server.pages.get(self.path, ("", ""))
        html = (
            f'<!doctype html><html lang="en"><head><title>A partner</title></head><body>{body}</body></html>'.encode()
        )
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Content-Length", str(len(html)))
        self.end_headers()
        self.wfile.write(html)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@contextmanager
def partner_site(port: int, pages: dict[str, tuple[str, str]]) -> Iterator[None]:
    site = _Site(("127.0.0.1", port), _Handler)
    site.pages = pages
    threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield
    finally:
        site.shutdown()
        site.server_close()
