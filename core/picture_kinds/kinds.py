# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of picture a file is, told by its beginning."""

from __future__ import annotations

FOR_PEOPLE = "PNG, JPEG, WebP, AVIF, TIFF, BMP, TGA and GIF"

_OTHERS = (
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (0, b"#?RGBE", "a Radiance HDR picture"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript document"),
    (0, b"%PDF", "a PDF document"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"\xabKTX", "a KTX texture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (4, b"JXL ", "a JPEG XL picture"),
    (4, b"jP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (4, b"ftyphei", "an HEIC picture"),
    (4, b"ftyphev", "an HEIC picture"),
    (4, b"ftypmif1", "an HEIF picture"),
    (4, b"ftypmsf1", "an HEIF picture"),
    (4, b"ftypcrx", "a raw photograph"),
    (8, b"CR\x02\x00", "a raw photograph"),
    (0, b"IIRO", "a raw photograph"),
    (0, b"IIU\x00", "a raw photograph"),
    (0, b"FUJIFILMCCD-RAW", "a raw photograph"),
    (4, b"ftyp", "a film"),
    (0, b"\x1aE\xdf\xa3", "a film"),
    (0, b"gimp xcf", "a GIMP document"),
    (0, b"BLENDER", "a Blender file"),
    (0, b"\x28\xb5\x2f\xfd", "a file compressed with Zstandard"),
    (0, b"PK\x03\x04", "a zip archive, or the document of a program that uses one"),
    (0, b"\x1f\x8b", "a file compressed with gzip"),
    (0, b"qoif", "a QOI picture"),
    (0, b"SIMPLE  =", "a FITS picture"),
    (0, b"SDPX", "a DPX picture"),
    (0, b"XPDS", "a DPX picture"),
    (0, b"\x80\x2a\x5f\xd7", "a Cineon picture"),
    (0, b"\x01\xda", "an SGI picture"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"icns", "an icon"),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (40, b" EMF", "a Windows metafile"),
    (0, b"glTF", "a mesh"),
    (0, b"\x93NUMPY", "a NumPy array"),
)
_OURS = (
    (0, b"\x89PNG", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (8, b"WEBP", "WebP"),
    (4, b"ftypavi", "AVIF"),
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"II+\x00", "TIFF"),
    (0, b"MM\x00+", "TIFF"),
)
HEAD_BYTES = 512
"""So much of the beginning of a file is looked at."""


def format_of(head: bytes) -> str:
    """The format, of those that are read, that ``head`` begins; empty for none that can be told."""
    return next((name for at, sign, name in _OURS if head[at : at + len(sign)] == sign), "")


def what_else(head: bytes) -> str:
    """What a file with the beginning ``head`` is, if ``format_of`` tells none; empty when that cannot be told."""
    if not head:
        return "empty (0 bytes)"
    ours = format_of(head)
    for at, sign, name in _OTHERS:
        # Some raw photographs begin as TIFFs, and AVIF as films do.
        if head[at : at + len(sign)] == sign and (not ours or name == "a raw photograph"):
            return name
    if ours:
        return ""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<svg", b"<?xml")) and b"<svg" in start:
        return "an SVG drawing"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return "a text" if _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    # A letter at the end may be cut in two.
    text = head.decode("utf-8", errors="ignore")
    whole = len(text.encode()) >= len(head) - 3
    # The netpbm formats begin in letters, too.
    return whole and head[:1] != b"P" and all(sign.isprintable() or sign in "\t\r\n\f" for sign in text)
