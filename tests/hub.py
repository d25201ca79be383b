# SPDX-License-Identifier: GPL-3.0-or-later
"""A small server on this computer that answers as Hugging Face's hub does."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from core.models.model_files import model_files
from core.models.profiles import profile

WEIGHTS_BYTES = 300_000


def git_name(content):
    """What the hub calls a file that is kept in git."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub(ThreadingHTTPServer):
    """Repositories in memory, by owner/name and path; remembers what was asked for."""

    daemon_threads = True

    def __init__(self, folder: Path | None = None):
        """The files of the profile ``sd15``: those in ``folder / owner / name``, or some bytes under their names."""
        super().__init__(("127.0.0.1", 0), _Answer)
        self.repositories = {}
        self.asked = []
        """(method, path, Range header or nothing) of each request for a file."""
        self.breaks_at = {}
        """Bytes of a file after which the whole hub falls silent, by path."""
        self.hangs = False
        """Whether it takes requests and never answers."""
        self.instead = b""
        """What it sends in place of any file, if anything."""
        self.released = threading.Event()
        for file in model_files(profile("sd15")):
            if folder is None:
                large = file.path.endswith(".safetensors")
                times = WEIGHTS_BYTES // len(file.path)
                content = file.path.encode() * times if large else b'{"of": "%b"}' % file.path.encode()
            else:
                content = (folder / file.repository / file.path).read_bytes()
            self.repositories.setdefault(file.repository, {})[file.path] = content

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fetched(self):
        return [path for method, path, _ in self.asked if method == "GET"]

    def handle_error(self, request, client_address):
        """A client that went away is what some tests are about."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, format, *arguments):
        """Quiet."""

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, body):
        if self.server.hangs:
            self.server.released.wait(30)
            return
        parts = urlsplit(self.path).path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self._describe("/".join(parts[2:4]), parts[5])
        else:
            self._send_file("/".join(parts[:2]), parts[3], "/".join(parts[4:]), body)

    def _describe(self, repository, revision):
        siblings = []
        for path, content in self.server.repositories[repository].items():
            sibling = {"rfilename": path, "size": len(content), "blobId": git_name(content)}
            if not path.endswith((".json", ".txt")):
                digest = hashlib.sha256(content).hexdigest()
                sibling["lfs"] = {"size": len(content), "sha256": digest, "pointerSize": 134}
            siblings.append(sibling)
        answer = json.dumps({"id": repository, "sha": revision, "siblings": siblings}).encode()
        self._send(200, answer, {"Content-Type": "application/json"}, True)

    def _send_file(self, repository, revision, path, body):
        self.server.asked.append((self.command, path, self.headers.get("Range")))
        content = self.server.repositories[repository][path]
        in_git = path.endswith((".json", ".txt"))
        digest = git_name(content) if in_git else hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": revision, "Accept-Ranges": "bytes"}
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if self.server.instead and body:
            self._send(200, self.server.instead, headers, body)
        else:
            self._send(206 if start else 200, content[start:], headers, body, self.server.breaks_at.get(path))

    def _send(self, status, content, headers, body, breaks_at=None):
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        if body and breaks_at is not None:
            self.wfile.write(content[:breaks_at])
            self.wfile.flush()
            self.server.hangs = True
            self.server.released.wait(30)
            self.close_connection = True
        elif body:
            self.wfile.write(content)
