# SPDX-License-Identifier: GPL-3.0-or-later
"""Damages files at random, from a seed, and reads them; a process of its own, since some damage might end it.

    python -m tests.core.inputs.mutations KIND COUNT SEED

Prints one line of JSON: how many were read and refused, the seeds of those that ended in any other way, the longest
time for one, and the peak of memory. Before each it prints the case's seed to standard error, so that one that ends the
process can be found.
"""

from __future__ import annotations

import io
import json
import random
import resource
import struct
import sys
import tempfile
import time
import traceback
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from core.job import Job, JobError, read_job, write_job
from core.protocol import COMMANDS, EVENTS, ProtocolError, message_writer, parse
from tests.core.inputs import mesh_mutations

ADDRESS_SPACE = 8_000_000_000
"""Bytes; what asks for more finds no memory."""


def damaged(data: bytes, lots: random.Random) -> bytes:
    """``data`` after some random changes."""
    changed = bytearray(data)
    for _ in range(lots.choice((1, 1, 2, 3, 8, 30))):
        place = lots.randrange(len(changed) + 1) if lots.random() < 0.5 else lots.randrange(min(len(changed), 200) + 1)
        size = lots.choice((1, 1, 2, 4, 4, 16, 100))
        kind = lots.randrange(7)
        if kind == 0 and place < len(changed):
            changed[place] ^= 1 << lots.randrange(8)
        elif kind == 1:
            changed[place : place + size] = lots.randbytes(size)
        elif kind == 2:
            value = lots.choice((0, 1, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1))
            changed[place : place + 4] = struct.pack(lots.choice("<>") + "I", value)
        elif kind == 3:
            del changed[place : place + size]
        elif kind == 4:
            changed[place:place] = changed[place : place + size] * lots.choice((1, 1, 50))
        elif kind == 5 and lots.random() < 0.3:
            del changed[place:]
        elif place < len(changed):
            changed[place] = lots.choice((0, 1, 127, 128, 255))
    return bytes(changed)


def with_right_sums(png: bytes) -> bytes:
    """A PNG with the check sums of its chunks made right again, so that what is in them is looked at."""
    data, at = bytearray(png), 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(data)


def pictures() -> list[bytes]:
    """Of every format that is read, in several modes, and some that are not."""
    lots = np.random.default_rng(0)
    rgba = Image.fromarray(lots.integers(0, 256, (33, 41, 4), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    found = []
    for kind, mode, options in (
        ("PNG", "RGBA", {"exif": exif}),
        ("PNG", "RGB", {"icc_profile": profile()}),
        ("PNG", "P", {"transparency": 3}),
        ("PNG", "1", {}),
        ("PNG", "I;16", {}),
        ("JPEG", "RGB", {"exif": exif, "icc_profile": profile()}),
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "CMYK", {}),
        ("MPO", "RGB", {"save_all": True, "append_images": [rgba.convert("RGB")]}),
        ("WEBP", "RGBA", {"lossless": True, "exif": exif}),
        ("WEBP", "RGB", {"save_all": True, "append_images": [rgba.convert("RGB")], "icc_profile": profile()}),
        ("TIFF", "RGBA", {"exif": exif}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        ("TIFF", "RGB", {"compression": "jpeg"}),
        ("TIFF", "1", {"compression": "group4"}),
        ("TIFF", "F", {}),
        ("TIFF", "I", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", "I;16", {}),
        ("TIFF", "CMYK", {}),
        ("BMP", "RGB", {}),
        ("BMP", "P", {}),
        ("GIF", "P", {"save_all": True, "append_images": [rgba.convert("P")]}),
        ("TGA", "RGBA", {"compression": "tga_rle"}),
        ("PPM", "RGB", {}),
        ("AVIF", "RGBA", {"exif": exif}),
        ("DDS", "RGBA", {}),
        ("EPS", "RGB", {}),
        ("JPEG2000", "RGB", {}),
        ("ICO", "RGBA", {}),
    ):
        picture = Image.fromarray(np.asarray(rgba.convert("L")).astype(np.uint16) * 257) if mode == "I;16" else None
        stream = io.BytesIO()
        (picture or rgba.convert(mode)).save(stream, kind, **options)
        found.append(stream.getvalue())
    return found


def profile() -> bytes:
    """sRGB's."""
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture_case(folder: Path) -> Callable[[random.Random], None]:
    """Reads a damaged picture as a style image and as a present colour."""
    from core.optimisation.present_color import read_base_color
    from core.style.style_image import read_style_image

    samples = pictures()

    def case(lots: random.Random) -> None:
        data = damaged(lots.choice(samples), lots)
        path = folder / "style.png"
        path.write_bytes(with_right_sums(data) if data[:4] == b"\x89PNG" and lots.random() < 0.7 else data)
        picture = lots.choice((read_style_image, read_base_color))(path)
        assert np.asarray(picture).dtype == np.uint8 and np.asarray(picture).ndim == 3

    return case


def mesh_case(folder: Path) -> Callable[[random.Random], None]:
    """Reads a damaged ``mesh.npz``."""
    from core.geometry.mesh import load_npz

    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    arrays = {
        "positions": corners,
        "triangles": np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        "corner_uvs": corners[[[0, 1, 2], [0, 2, 3]], :2],
        "corner_normals": np.tile(np.array([0, 0, 1], np.float32), (2, 3, 1)),
    }
    samples = []
    for save in (np.savez, np.savez_compressed):
        stream = io.BytesIO()
        save(stream, **arrays)
        samples.append(stream.getvalue())
    stream = io.BytesIO()
    np.save(stream, corners)
    samples.append(stream.getvalue())

    def case(lots: random.Random) -> None:
        path = folder / "mesh.npz"
        if lots.random() < 0.5:
            path.write_bytes(damaged(lots.choice(samples), lots))
        else:
            hurt = lots.choice(list(arrays))
            with zipfile.ZipFile(path, "w") as archive:
                for name, array in arrays.items():
                    stream = io.BytesIO()
                    np.save(stream, array)
                    data = stream.getvalue()
                    archive.writestr(f"{name}.npy", damaged(data, lots) if name == hurt else data)
        assert len(load_npz(path).triangles)

    return case


def job_case(folder: Path) -> Callable[[random.Random], None]:
    """Reads a damaged ``job.json``."""
    write_job(Job("Chest", "a wooden chest", "style.png", base_color="present.png", tone=0.5), folder)
    sample = (folder / "job.json").read_bytes()
    strange = ("[" * 20_000, '{"a":' * 20_000, "1" * 400, "9" * 5000, "1e400", "NaN", "-Infinity", '"\\ud800"', "null",
               "true", "[]", "{}", '""', '"\\u0000"', '"' + "x" * 10_000 + '"', "-0", "1e-400")  # fmt: skip

    def case(lots: random.Random) -> None:
        data = sample
        if lots.random() < 0.7:
            values = json.loads(sample)
            key = lots.choice(list(values))
            values[key] = "@"
            data = json.dumps(values).replace('"@"', lots.choice(strange)).encode()
        if lots.random() < 0.5:
            data = damaged(data, lots)
        (folder / "job.json").write_bytes(data)
        read_job(folder)

    return case


def line_case(folder: Path) -> Callable[[random.Random], None]:
    """Reads a damaged line of the wire."""
    write = message_writer()
    samples = [
        write("run", "a", folder="/tmp/job"),
        write("progress", "a", step=3, steps=9, seconds_left=None),
        write("frame", "a", number=1, path="1.tga", shape=[4, 4, 3], colour_space="sRGB", extent=1),
        write("error", "a", code="internal", message="ä", hint="", detail="x" * 500),
    ]

    def case(lots: random.Random) -> None:
        line = damaged(lots.choice(samples), lots)
        deep = lots.choice((b"[", b'{"a":')) * lots.choice((1, 1, 60_000))
        try:
            parse(deep + line if lots.random() < 0.1 else line, COMMANDS | EVENTS)
        except ProtocolError as error:
            raise JobError("bad_request", str(error)) from error

    return case


def model_case(folder: Path) -> Callable[[random.Random], None]:
    """Loads the bundled model, without its digests, with one file damaged: text anywhere, weights in their header."""
    import torch

    from core.diffusion.networks import load_networks
    from core.models.checksums import read_sums
    from core.models.profiles import BUNDLED_FOLDER, profile

    names = list(read_sums(BUNDLED_FOLDER))
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(BUNDLED_FOLDER / name)

    def case(lots: random.Random) -> None:
        name = lots.choice(names)
        data = (BUNDLED_FOLDER / name).read_bytes()
        (folder / name).unlink()
        (folder / name).write_bytes(damaged(data[:4000], lots) + data[4000:])
        try:
            load_networks(profile("bundled", folder), torch.device("cpu"))
        finally:
            (folder / name).unlink()
            (folder / name).symlink_to(BUNDLED_FOLDER / name)

    return case


def of_mesh_files(
    make: Callable[[Path, mesh_mutations.Damage], mesh_mutations.Case],
) -> Callable[[Path], Callable[[random.Random], None]]:
    """A kind of mesh files, damaged as others are."""
    return lambda folder: make(folder, damaged)


CASES = {
    "pictures": picture_case,
    "mesh": mesh_case,
    "job": job_case,
    "lines": line_case,
    "model": model_case,
    "obj": of_mesh_files(mesh_mutations.obj_case),
    "ply": of_mesh_files(mesh_mutations.ply_case),
    "gltf bytes": of_mesh_files(mesh_mutations.gltf_bytes_case),
    "gltf structure": of_mesh_files(mesh_mutations.gltf_structure_case),
}


def main(kind: str, count: int, seed: int) -> None:
    """Run the cases and print what came of them."""
    with tempfile.TemporaryDirectory() as work:
        case = CASES[kind](Path(work))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        read = refused = 0
        longest, faults = 0.0, {}
        for number in range(seed, seed + count):
            print(f"seed {number}", file=sys.stderr)
            began = time.monotonic()
            try:
                case(random.Random(number))
                read += 1
            except JobError as error:
                refused += 1
                if error.code == "internal" or "\n" in error.message or len(error.message) > 1000:
                    faults[number] = error.message
            except BaseException:
                faults[number] = traceback.format_exc()
            longest = max(longest, time.monotonic() - began)
        megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    summary = {"read": read, "refused": refused, "faults": faults, "longest": longest, "megabytes": megabytes}
    print(json.dumps(summary))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
