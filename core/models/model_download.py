# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches the files of a profile from the hub into its cache on this computer, and goes on where it was interrupted.

huggingface_hub throws a half-fetched file away; with gigabytes in a file, ours keeps it and asks for the rest.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.utils import (
    RepositoryNotFoundError,
    RevisionNotFoundError,
    WeakFileLock,
    build_hf_headers,
    logging as hub_logging,
)
from rich.filesize import decimal

from ..job import JobError
from .checksums import damaged_of_cache
from .model_files import PARTIAL, ModelFile, pickles_beside

TIMEOUT_SECONDS = 20.0
"""How long the hub may take to answer a question."""
SPARE_BYTES = 200_000_000
"""Room left on the disk when everything has arrived."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on the hub."""

    repository: str
    """Hub id ("owner/name")."""
    revision: str
    """Commit."""
    path: str
    """Name inside the repository."""
    size: int
    """Bytes."""
    sha256: str
    """Digest of a large file; empty for a small one, which is kept in git."""
    cache: Path
    """The cache that it goes to."""

    @property
    def partial(self) -> Path:
        """Where what has arrived of a large file waits for the rest."""
        return self._cache / "blobs" / f"{self.sha256}{PARTIAL}"

    @property
    def blob(self) -> Path:
        """Where huggingface_hub looks for the whole file."""
        return self._cache / "blobs" / self.sha256

    @property
    def bytes_here(self) -> int:
        """Bytes of it that are on this computer already."""
        if not self.sha256:
            return 0
        if self.blob.is_file():
            return self.size
        return self.partial.stat().st_size if self.partial.is_file() else 0

    @property
    def lock(self) -> Path:
        """huggingface_hub's own lock of the blob."""
        return self.cache / ".locks" / self._cache.name / f"{self.sha256}.lock"

    @property
    def _cache(self) -> Path:
        return self.cache / repo_folder_name(repo_id=self.repository, repo_type="model")


def cache_folder() -> Path:
    """The hub's own cache on this computer."""
    return Path(constants.HF_HUB_CACHE)


def ask_hub(files: Sequence[ModelFile], cache: Path | None = None) -> tuple[RemoteFile, ...]:
    """What the hub has of ``files``: safetensors and text only, at the pinned revisions. Transfers no file.

    Args:
        files: that are not on this computer.
        cache: where they are to go; ``None`` for the hub's own.

    Raises:
        JobError: ``offline`` when the hub does not answer; ``model_missing`` when it lacks a file.
    """
    hub_logging.set_verbosity_error()
    found = []
    for repository, revision in dict.fromkeys((file.repository, file.revision) for file in files):
        with _hub_errors(repository):
            info = HfApi().model_info(repository, revision=revision, timeout=TIMEOUT_SECONDS, files_metadata=True)
        offered = {sibling.rfilename: sibling for sibling in info.siblings or ()}
        for file in files:
            if file.repository != repository:
                continue
            path = file.path if file.path in offered else file.plain_path
            if path not in offered:
                raise _not_offered(file, list(offered))
            sibling = offered[path]
            digest = sibling.lfs.sha256 if sibling.lfs is not None else ""
            found.append(RemoteFile(repository, revision, path, sibling.size or 0, digest, cache or cache_folder()))
    return tuple(found)


def require_space(files: Sequence[RemoteFile]) -> None:
    """Make sure that ``files``, of one cache, fit on its disk.

    Raises:
        JobError: ``disk_full``.
    """
    cache = files[0].cache
    wanted, free = sum(file.size - file.bytes_here for file in files), free_bytes(cache)
    if wanted + SPARE_BYTES > free:
        raise JobError(
            "disk_full",
            f"The download takes {decimal(wanted)}, but only {decimal(free)} are free on the disk of {cache}",
            "Free some space, or name a folder on another disk in the environment variable HF_HUB_CACHE.",
        )


def free_bytes(cache: Path) -> int:
    """Free bytes on the disk of a cache, which may not be there yet."""
    place = cache.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def fetch(file: RemoteFile, advance: Callable[[int], None]) -> None:
    """Bring ``file`` into the cache, from where an earlier try stopped.

    Args:
        file: of ``ask_hub``.
        advance: told of every few bytes that arrive.

    Raises:
        JobError: ``offline`` when the hub stops answering or what it sends is not the file; ``bad_request`` when the
            cache cannot be written.
        KeyboardInterrupt: as ever; what arrived is kept.
    """
    _require_writable(file.cache)
    with _hub_errors(file.repository):
        if file.sha256 and not file.blob.is_file():
            _fetch_blob(file, advance)
        # Small files come this way; for a large one this only links the snapshot to the blob that is there.
        place = hf_hub_download(
            file.repository, file.path, revision=file.revision, cache_dir=file.cache, tqdm_class=_bar(advance)
        )
    if not file.sha256 and damaged_of_cache([Path(place)]):
        Path(place).resolve().unlink()
        raise JobError(
            "offline", f"{file.repository}/{file.path} arrived damaged: its digest is another", "Download it again."
        )


def _require_writable(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise JobError(
            "bad_request",
            f"Nothing can be put into the folder of models {cache}: {error.strerror}",
            "Name another folder, or one that you may write to.",
        ) from error


class _Bar:
    """What huggingface_hub takes for its progress bar: passes the bytes on."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self.update = advance

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is open."""


def _bar(advance: Callable[[int], None]) -> Any:
    return lambda **unused: _Bar(advance)


def _fetch_blob(file: RemoteFile, advance: Callable[[int], None]) -> None:
    for folder in (file.partial.parent, file.lock.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(file.lock):
        if file.bytes_here > file.size:
            file.partial.unlink()
        with file.partial.open("ab") as stream:
            http_get(
                hf_hub_url(file.repository, file.path, revision=file.revision),
                stream,
                resume_size=stream.tell(),
                headers=build_hf_headers(),
                expected_size=file.size,
                displayed_filename=file.path,
                tqdm_class=_bar(advance),
            )
        with file.partial.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != file.sha256:
            file.partial.unlink()
            raise JobError(
                "offline",
                f"{file.repository}/{file.path} arrived damaged: its SHA-256 is {digest}, not {file.sha256}",
                "Download it again.",
            )
        file.partial.replace(file.blob)


def _not_offered(file: ModelFile, offered: list[str]) -> JobError:
    pickles = pickles_beside(file.path, offered)
    instead = f"; it has {pickles[0]}, a pickle, which can run code and is never read" if pickles else ""
    return JobError(
        "model_missing",
        f"The hub has no file {file} at revision {file.revision}{instead}",
        "Take the repository from somebody who has it, and name its folder with --models.",
    )


@contextmanager
def _hub_errors(repository: str) -> Iterator[None]:
    """Failures of the network and of the hub as ``JobError``."""
    again = "Look at the connection, then give the same command again: it goes on from what has arrived."
    try:
        yield
    except OfflineModeIsEnabled as error:
        hint = "Unset the environment variable HF_HUB_OFFLINE to download."
        raise JobError("offline", f"{repository} was not asked for: offline mode is on", hint, str(error)) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        message = f"The hub at {constants.ENDPOINT} does not have {repository} at the revision that was asked for"
        raise JobError("model_missing", message, "Update StyleTex, or use the bundled model.", str(error)) from error
    except (HfHubHTTPError, httpx2.HTTPError, LocalEntryNotFoundError) as error:
        message = f"The hub at {constants.ENDPOINT} does not answer for {repository} ({type(error).__name__})"
        raise JobError("offline", message, again, str(error)) from error
    except OSError as error:
        if error.errno is not None:
            raise
        # huggingface_hub's own words when the length is not as announced: a sign-in page of a public network, say.
        message = f"Something else than the file came from {constants.ENDPOINT} for {repository}"
        raise JobError("offline", message, again, str(error)) from error
