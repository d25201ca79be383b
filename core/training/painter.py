# SPDX-License-Identifier: GPL-3.0-or-later
"""Paints batches of pictures on the device: what each ray sees, and a style for each picture, become colours.

Pictures come sorted by the family of their style, so that each family is computed for its own pictures alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from .captions import PATTERN_WORDS
from .details import DARKNESS, KINDS
from .fusion import constant, fused_on_cards
from .scenes import THINGS, Colour
from .shapes import ACCENT, BODY, LIMB, MARK_COLOURS, TOP
from .styles import layers

OUTLINED = ("cellular", "hatched", "printed")
"""Families whose lines also follow rims and creases."""
OUTLINE = 0.022
"""Half the width of such a line, in units of length."""
DISC_SPACING, DISC_RADIUS = 0.7, 0.2
"""Of the discs in which a motif's colour is repeated on a surface; a quarter of it."""

OWN_COLOURS: tuple[Colour, ...] = (
    *((float(red), float(green), float(blue)) for red, green, blue in MARK_COLOURS),
    *(colour for draw in THINGS.values() for _, colour in draw(torch.zeros(1), torch.zeros(1), 0.0, 1.0)),
)
"""sRGB of what keeps its colours in every style: the marks of ``shapes``, then the parts of ``scenes``' things."""


@dataclass(frozen=True)
class Rows:
    """Tensors with one row for each picture."""

    def take(self, rows: Tensor | slice) -> Self:
        """Those of some pictures."""
        return type(self)(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


@dataclass(frozen=True)
class Look(Rows):
    """How each of b pictures is painted."""

    cells: Tensor
    """[b]: see ``styles.Style``, as are ``turn``, ``unevenness`` and ``seed`` (int64)."""
    turn: Tensor
    unevenness: Tensor
    seed: Tensor
    offset: Tensor
    """[b, 2] added to the pattern's coordinates, in units of length."""
    palettes: Tensor
    """[b, 4, 3, 3]: the three colours that each role takes, sRGB."""
    disc: Tensor
    """bool [b]: whether a motif's colour is repeated in discs."""
    motif: Tensor
    """[b, 3]: its colour."""
    background: Tensor
    """[b, 3]"""


@dataclass(frozen=True)
class Canvas(Rows):
    """What the rays of b pictures see, S a side."""

    u: Tensor
    """[b, S, S]: pattern coordinates in units of length, across."""
    v: Tensor
    """[b, S, S]: and up."""
    role: Tensor
    """uint8 [b, S, S]: which of the look's four palettes."""
    own: Tensor
    """uint8 [b, S, S]: index into ``OWN_COLOURS``, 0 for the style's."""
    hit: Tensor
    """bool [b, S, S]: false in the background."""
    edge: Tensor
    """[b, S, S]: distance to the nearest crease, in units of length."""


def role_palettes(colours: Tensor, plain_parts: Tensor) -> Tensor:
    """[b, 4, 3, 3]: which colours the parts of an object take.

    The body has the pattern; what crowns it has the pattern with its colours turned; limbs are plain in the second
    colour and accents in the third.

    Args:
        colours: [b, 3, 3] of the style.
        plain_parts: bool [b]; where false all parts are like the body.
    """
    roles = [torch.empty(0)] * 4
    roles[BODY] = colours
    roles[LIMB] = colours[:, 1:2].expand(-1, 3, -1)
    roles[TOP] = colours[:, [1, 2, 0]]
    roles[ACCENT] = colours[:, 2:3].expand(-1, 3, -1)
    return torch.where(plain_parts[:, None, None, None], torch.stack(roles, 1), colours[:, None])


def layer_palettes(colours: Tensor) -> Tensor:
    """[b, 4, 3, 3]: the colours of a scene's layers, each turned once more; the last repeats the first."""
    return torch.stack([colours, colours.roll(1, 1), colours.roll(2, 1), colours], 1)


def darkness(canvas: Canvas, seed: Tensor, groups: Sequence[Tensor]) -> Tensor:
    """[b, S, S] how dark the lines of ``details`` make the surface.

    Args:
        canvas: of b pictures.
        seed: int64 [b].
        groups: for each of ``details.KINDS``, which pictures have it.
    """
    dark = torch.zeros_like(canvas.u)
    for rows, (draw, _) in zip(groups, KINDS.values(), strict=True):
        if len(rows):
            dark[rows] = draw(canvas.u[rows], canvas.v[rows], seed[rows, None, None])
    return dark


def paint(counts: Sequence[int], look: Look, canvas: Canvas, dark: Tensor, supersampling: int) -> Tensor:
    """The pictures [b, 3, H, H] in [-1, 1].

    Args:
        counts: pictures of each family, which come in this order.
        look: of each picture.
        canvas: of each picture, S = H * ``supersampling`` rays a side.
        dark: [b, S, S], see ``darkness``.
        supersampling: rays a pixel and side.
    """
    begin, pictures = 0, []
    for family, count in zip(PATTERN_WORDS, counts, strict=True):
        rows = slice(begin, begin + count)
        begin += count
        if count:
            pictures.append(_paint(family, look.take(rows), canvas.take(rows), dark[rows], supersampling))
    return torch.cat(pictures)


def _paint(family: str, look: Look, canvas: Canvas, dark: Tensor, supersampling: int) -> Tensor:
    def each(values: Tensor) -> Tensor:
        return values[:, None, None]

    weights, wander = layers(
        family,
        canvas.u + each(look.offset[:, 0]),
        canvas.v + each(look.offset[:, 1]),
        each(look.cells),
        each(look.turn),
        each(look.seed),
    )
    colour = _coloured(
        weights,
        wander * each(look.unevenness),
        dark,
        look.palettes,
        canvas.role,
        canvas.own,
        canvas.hit,
        (canvas.edge < OUTLINE) & (family in OUTLINED),
        each(look.disc) & _discs(canvas.u, canvas.v),
        look.motif,
        look.background,
        constant(OWN_COLOURS, dark.device),
    )
    return functional.avg_pool2d(colour.permute(0, 3, 1, 2), supersampling)


@fused_on_cards
def _coloured(
    weights: Tensor,
    lightness: Tensor,
    dark: Tensor,
    palettes: Tensor,
    role: Tensor,
    own: Tensor,
    hit: Tensor,
    line: Tensor,
    disc: Tensor,
    motif: Tensor,
    background: Tensor,
    own_colours: Tensor,
) -> Tensor:
    """[b, S, S, 3] in [-1, 1]: what each ray shows, from all that decides it."""
    picture = torch.arange(len(palettes), device=dark.device)[:, None, None]
    palette = palettes[picture, role.long()]  # [b, S, S, 3 weights, 3]
    colour = (weights[..., None] * palette).sum(-2) + lightness[..., None]
    colour = colour * (1 - DARKNESS * dark)[..., None]
    colour = torch.where(line[..., None], palettes[:, BODY, 1][:, None, None], colour)
    colour = torch.where(disc[..., None], motif[:, None, None], colour)
    colour = torch.where((own > 0)[..., None], own_colours[own.long()], colour)
    colour = torch.where(hit[..., None], colour, background[:, None, None])
    return 2 * colour.clamp(0, 1) - 1


@fused_on_cards
def _discs(u: Tensor, v: Tensor) -> Tensor:
    row = (v / DISC_SPACING).floor()
    x = u / DISC_SPACING + 0.5 * (row % 2)
    away = torch.hypot(x - x.floor() - 0.5, v / DISC_SPACING - row - 0.5)
    return away * DISC_SPACING < DISC_RADIUS


def scene_canvas(layout: Tensor, thing: Tensor, offset: Tensor, side: int) -> Canvas:
    """Landscapes in three layers with a thing standing there; see ``pictures.scene``.

    Args:
        layout: [b, 7] in [0, 1]: random numbers for horizon, waves, and the thing's place and size.
        thing: int64 [b]: 0 for none, else one more than the index into ``scenes.THINGS``.
        offset: [b, 3, 2] of the pattern in each layer, in units of length.
        side: rays a side.
    """
    u, v = (each.expand(len(thing), -1, -1) for each in plane(side, thing.device))
    horizon, *waves, x, size = layout[:, :, None, None].unbind(1)
    horizon = 0.5 * horizon - 0.2
    layer = torch.zeros_like(u, dtype=torch.uint8)
    for number in (1, 2):
        pace, phase = 1 + 3 * waves[2 * number - 2], 6 * waves[2 * number - 1]
        layer = torch.where(v < horizon - 0.45 * (number - 1) + 0.15 * torch.sin(u * pace + phase), number, layer)
    own, first = torch.zeros_like(layer), len(MARK_COLOURS)
    for number, draw in enumerate(THINGS.values(), start=1):
        parts = draw(u, v, x - 0.5, 0.25 + 0.17 * size)
        for part, (inside, _) in enumerate(parts):
            own = torch.where(inside & (thing == number)[:, None, None], first + part, own)
        first += len(parts)
    picture = torch.arange(len(thing), device=thing.device)[:, None, None]
    moved = offset[picture, layer.long()]
    return Canvas(
        u + moved[..., 0],
        v + moved[..., 1],
        layer,
        own,
        torch.ones_like(own, dtype=torch.bool),
        torch.full_like(u, 1.0),
    )


def plane(side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Coordinates [1, S, S] of a square picture two units wide; ``v`` points up."""
    line = (torch.arange(side, device=device) + 0.5) / side * 2 - 1
    v, u = torch.meshgrid(-line, line, indexing="ij")
    return u[None], v[None]
