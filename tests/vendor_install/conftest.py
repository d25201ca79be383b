# SPDX-License-Identifier: GPL-3.0-or-later
"""Small real packages, a lock that lists them, and the real installer in a process of its own."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from vendor_install.installed import current_environment, python_of

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:1"
"""An address at which nobody answers."""


def _make_wheel(folder: Path, name: str, version: str, code: str, requires: str = "") -> Path:
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if requires:
        metadata += f"Requires-Dist: {requires}\n"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": code,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    file = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return file


@pytest.fixture(scope="session")
def make_wheel() -> Callable[..., Path]:
    """Makes a wheel in a folder from a name, a version and the text of its one module."""
    return _make_wheel


@dataclass
class Workshop:
    """A folder with wheels, a lock and a target; commands in it see no other packages and no network."""

    folder: Path
    target: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def wheels(self) -> Path:
        return self.folder / "wheels"

    @property
    def lock(self) -> Path:
        return self.folder / "small.lock"

    def write_lock(self, packages: dict[str, str], *, wrong_hash: str = "", megabytes: int = 1) -> None:
        """Make the wheels of ``packages`` (name and code; ``version`` in the code is the version) and lock them."""
        self.wheels.mkdir(exist_ok=True)
        lines = []
        for name, code in packages.items():
            version = code.partition("version = '")[2].partition("'")[0]
            wheel = _make_wheel(self.wheels, name, version, code)
            digest = hashlib.sha256(b"other" if name == wrong_hash else wheel.read_bytes()).hexdigest()
            lines.append(f"{name}=={version} --hash=sha256:{digest}" if name != "torch" else "")
        space = dict.fromkeys(("cpu", "cuda", "mps", "rocm"), megabytes)
        header = {"torch": "torch==0.0.1", "imports": list(packages), "megabytes": space, "wheels": {}}
        self.lock.write_text("\n".join([f"# {json.dumps(header)}", *lines, ""]))

    def environment(self, uv: bool = True) -> dict[str, str]:
        """Variables for the installer: with or without uv, and all indexes at an address where nobody answers."""
        programs = [str(Path(shutil.which("uv") or "").parent)] if uv else []
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
        indexes = {"UV_DEFAULT_INDEX": NOWHERE, "PIP_INDEX_URL": NOWHERE, "PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0"}
        closed = {"HTTPS_PROXY": NOWHERE, "PIP_CONFIG_FILE": os.devnull}
        path = os.pathsep.join([*programs, "/usr/bin", "/bin"])
        return {**variables, **indexes, **closed, "PATH": path, **self.variables}

    def command(self, name: str, *arguments: str, wheels: bool = True) -> list[str]:
        place = ["--target", str(self.target)] if name != "bundle" else []
        lock = ["--lock", str(self.lock)] if name in ("install", "doctor", "bundle") else []
        events = ["--json-events", "--device", "cpu"] if name == "install" else []
        events += ["--wheels", str(self.wheels)] if name == "install" and wheels else []
        return [sys.executable, "-m", "vendor_install", name, *place, *lock, *events, *arguments]

    def run(self, name: str, *arguments: str, uv: bool = True, wheels: bool = True, before: list[str] | None = None):
        """The finished process of a command."""
        return subprocess.run(
            [*(before or []), *self.command(name, *arguments, wheels=wheels)],
            cwd=ROOT,
            env=self.environment(uv),
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def install(self, *arguments: str, **options: Any) -> list[dict[str, Any]]:
        """The events of an installation."""
        result = self.run("install", *arguments, **options)
        assert "Traceback" not in result.stderr, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    def start(self, *arguments: str, wheels: bool = True) -> subprocess.Popen[str]:
        """An installation that goes on."""
        return subprocess.Popen(
            self.command("install", *arguments, wheels=wheels),
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def answer(self, code: str) -> str:
        """What ``code`` prints in the environment in use."""
        environment = current_environment(self.target)
        assert environment is not None, "no environment is in use"
        return subprocess.check_output([str(python_of(environment)), "-I", "-c", code], encoding="utf-8").strip()

    def brush(self) -> str:
        """The version of the package brush that the environment in use loads."""
        return self.answer("import torch, brush; print(brush.version)")


class Index(http.server.ThreadingHTTPServer):
    """A package index on this machine that can stop answering in the middle of a file."""

    def __init__(self, wheels: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wheels = wheels
        self.stalls = False
        self.requests = 0
        self.claims: dict[str, int] = {}
        """Sizes that wheels pretend to have the next time they are asked for, by package."""
        self.released = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Index

    def do_GET(self):
        self.server.requests += 1
        if self.path.endswith(".whl"):
            content = (self.server.wheels / Path(self.path).name).read_bytes()
        else:
            name = self.path.strip("/")
            files = sorted(self.server.wheels.glob(f"{name.replace('-', '_')}-*.whl"))
            content = "".join(f'<a href="/files/{file.name}">{file.name}</a>' for file in files).encode()
        claimed = self.server.claims if self.path.endswith(".whl") and self.command == "GET" else {}
        size = claimed.pop(Path(self.path).name.partition("-")[0], len(content))
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        if self.command == "GET" and self.server.stalls and self.path.endswith(".whl"):
            self.wfile.write(content[:10])
            self.wfile.flush()
            self.server.released.wait(60)
            return
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_GET

    def log_message(self, format, *arguments):
        pass


def small_packages(version: str = "1.0", extra: str = "") -> dict[str, str]:
    """The code of two packages, to be locked."""
    return {"torch": "__version__ = version = '0.0.1'\n", "brush": f"version = '{version}'\n{extra}"}


@pytest.fixture
def packages() -> Callable[..., dict[str, str]]:
    """Gives the code of two packages."""
    return small_packages


@pytest.fixture(scope="session")
def make_workshop() -> Callable[[Path], Workshop]:
    """Makes a workshop in a folder; it has no wheels yet."""
    if shutil.which("uv") is None and Path(sys.executable).with_name("uv").exists():
        os.environ["PATH"] += os.pathsep + str(Path(sys.executable).parent)
    if shutil.which("uv") is None:
        pytest.skip("needs uv on the PATH")
    return lambda folder: Workshop(folder, folder / "target")


@pytest.fixture
def workshop(make_workshop: Callable[[Path], Workshop], tmp_path: Path) -> Workshop:
    """Wheels of torch and brush 1.0, and their lock; nothing is installed yet."""
    made = make_workshop(tmp_path)
    made.write_lock(small_packages())
    return made


@pytest.fixture
def index(workshop: Workshop) -> Iterator[Index]:
    """An index with the workshop's wheels, which its commands use as the default one."""
    server = Index(workshop.wheels)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    workshop.variables = {"UV_DEFAULT_INDEX": server.address, "PIP_INDEX_URL": server.address}
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
