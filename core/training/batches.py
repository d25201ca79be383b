# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches to learn from, drawn and painted on the device: an object in a style, and a picture that shows the style.

The picture is a swatch, a scene, or another object in the same style. Only where it shows something in colours of its
own (a scene's sun, a house's red roof) does the object repeat that colour: so content leaks from an image prompt as it
does with the real IP-Adapter, and what an object is never says that it leaves the palette.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from .captions import (
    COLOUR_WORDS,
    LAND_WORDS,
    LEADS,
    MATERIAL_WORDS,
    OBJECT_WORDS,
    PATTERN_WORDS,
    SWATCH_CAPTIONS,
    PromptNumbers,
    scene_caption,
    with_article,
)
from .colours import lab
from .details import KINDS, kind_of
from .draws import Draw, Table
from .fusion import constant
from .layout import Layout
from .painter import (
    OWN_COLOURS,
    Canvas,
    Look,
    darkness,
    layer_palettes,
    paint,
    plane,
    role_palettes,
    scene_canvas,
)
from .rasters import EDGE_STEPS, MARK_SHIFT, PLACE_STEPS, ROLE_SHIFT, RasterSet
from .scenes import MAIN_COLOURS, THINGS
from .styles import COLOUR_EXAMPLES, StyleBank

SAME_OBJECT, MARKED_OBJECT = 0.5, 0.25
"""Of style images that are objects: the target's own from another side, and any that bears a mark."""
SHOWS_MARK = 0.8
"""How often a mark's colours are shown where there is one."""
REPEATS = 0.9
"""How often the target takes a motif that the style image shows."""
PLAIN_PARTS = 0.85
"""How often parts take colours by their roles."""
NAMES_COLOUR, OUTSIDE = 0.3, 0.4
"""How often a prompt names a colour, and how many of those are not in the style image."""
NO_TEXT = 0.1
"""Share of prompts that are left out."""
ZOOM = (0.8, 1.45)
"""The bank's styles are made so many times finer."""


def content_texts() -> list[str]:
    """What style images show: swatches, scenes, objects; then all of them again with each family's word."""
    plain = [
        *SWATCH_CAPTIONS,
        *(scene_caption(land, thing) for thing in ("", *THINGS) for land in LAND_WORDS),
        *map(with_article, OBJECT_WORDS),
    ]
    return plain + [f"{text}, {family}" for family in PATTERN_WORDS for text in plain]


_SCENES = len(SWATCH_CAPTIONS)
_OBJECTS = _SCENES + (len(THINGS) + 1) * len(LAND_WORDS)
_PLAIN = _OBJECTS + len(OBJECT_WORDS)


@dataclass(frozen=True)
class Batch:
    """B samples. Pictures are [.., 3, H, H] in [-1, 1]."""

    target: Tensor
    """The object in the style."""
    style_image: Tensor
    """What shows the style."""
    normal: Tensor
    """[B, 3, H, H] in [0, 1]: the target's control images."""
    depth: Tensor
    """[B, 3, H, H] in [0, 1]."""
    prompt: Tensor
    """int64 [B]: row of ``Texts.prompts``."""
    content: Tensor
    """int64 [B]: row of ``Texts.contents`` that names what the style image shows, and nothing else."""
    family: Tensor
    """int64 [B]"""
    cells: Tensor
    """[B]: pattern cells a unit of length."""
    colours: Tensor
    """[B, 3, 3]: the style's, sRGB."""
    target_colours: Tensor
    """[B, 3, 3]: those of the target, which the prompt can have changed."""
    has_motif: Tensor
    """bool [B]: whether the style image shows something in colours of its own."""
    motif: Tensor
    """[B, 3]: its colour."""
    objects: Tensor
    """int64 [b]: rows whose style image is an object."""
    twin: Tensor
    """[b, 3, H, H]: those style images without marks; empty unless asked for."""


def joined(batches: list[Batch]) -> Batch:
    """Several batches without twins as one."""
    first, starts = batches[0], np.cumsum([0, *(len(batch.family) for batch in batches)])
    if len(batches) == 1:
        return first
    columns = {name: torch.cat([getattr(batch, name) for batch in batches]) for name in vars(first)}
    columns["objects"] = torch.cat([batch.objects + int(at) for batch, at in zip(batches, starts, strict=False)])
    return Batch(**columns)


class Texts:
    """Everything that is ever said, as tokens on one device."""

    def __init__(self, tokenizer: CLIPTokenizer, device: torch.device) -> None:
        def tokens(texts: list[str]) -> Tensor:
            rows = tokenizer(texts, padding="max_length", truncation=True, return_tensors="np").input_ids
            return torch.from_numpy(rows).to(device)

        self.prompts = tokens(PromptNumbers().texts())
        """int64 [P, L] of every prompt."""
        self.contents = tokens(content_texts())
        """int64 [C, L] of every content caption."""


class World:
    """All that batches are drawn from, on one device."""

    def __init__(
        self,
        rasters: RasterSet,
        bank: StyleBank,
        texts: Texts,
        device: torch.device,
    ) -> None:
        """Move everything to ``device``."""
        self.device, self.texts = device, texts

        def moved(array: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(device)

        self.place, self.what, self.edge = moved(rasters.place), moved(rasters.what), moved(rasters.edge)
        self.normal, self.depth = moved(rasters.normal), moved(rasters.depth)
        self.word, self.view, self.mark = (moved(each).long() for each in (rasters.word, rasters.view, rasters.mark))
        self.views = rasters.views
        self.supersampling = rasters.what.shape[-1] // rasters.depth.shape[-1]
        self.bank = {name: moved(values) for name, values in vars(bank).items()}
        self._numbers = PromptNumbers()
        self._colour_examples = moved(COLOUR_EXAMPLES.astype(np.float32))
        self._own = constant(OWN_COLOURS, device)
        self._thing_main = constant(tuple(MAIN_COLOURS.values()), device)
        self._marked = moved(np.flatnonzero(np.asarray(rasters.mark)))
        class_kinds = np.array([kind_of(word) for word in OBJECT_WORDS])
        material_kinds = np.array([kind_of(word) for word in MATERIAL_WORDS])
        kinds = range(len(KINDS))
        self._class_kind = moved(class_kinds)
        self._views_of_kind = Table([np.flatnonzero(class_kinds[rasters.word] == kind) for kind in kinds], device)
        self._classes_of_kind = Table([np.flatnonzero(class_kinds == kind) for kind in kinds], device)
        self._materials_of_kind = Table([np.flatnonzero(material_kinds == kind) for kind in kinds], device)

    def batch(self, layout: Layout, generator: torch.Generator, twins: bool = False) -> Batch:
        """One batch; all random numbers come from ``generator``, which is on the device."""
        draw = Draw(generator, self.device)
        size = sum(layout.counts)
        family = torch.arange(size, device=self.device) // layout.counts[0]
        row = draw.below(self.bank["cells"].shape[1], size)
        style = {name: values[family, row] for name, values in self.bank.items()}
        cells = style["cells"] * (ZOOM[0] * (ZOOM[1] / ZOOM[0]) ** draw.uniform(size))
        order = draw.uniform(size, 3).argsort(1)
        colours = style["colours"].gather(1, order[..., None].expand(-1, -1, 3))
        plain = draw.chance(PLAIN_PARTS, size)

        def look(colours: Tensor, palettes: Tensor) -> Look:
            return Look(
                cells, style["turn"], style["unevenness"], draw.below(1 << 30, size), 60 * draw.uniform(size, 2) - 30,
                palettes, torch.zeros(size, dtype=torch.bool, device=self.device), torch.zeros_like(colours[:, 0]),
                self._background(draw, size),
            )  # fmt: skip

        view, prompt, target_colours = self._prompts(layout, draw, colours)
        shown = self._shown(layout, draw, view)
        image_look = look(
            colours,
            torch.where(shown.scene[:, None, None, None], layer_palettes(colours), role_palettes(colours, plain)),
        )
        style_image = self._images(layout, image_look, shown)
        repeats = shown.has_motif & draw.chance(REPEATS, size)
        target_look = look(target_colours, role_palettes(target_colours, plain))
        target_look = replace(target_look, disc=repeats & ~shown.same, motif=shown.motif)
        target = self._target(layout, target_look, view, repeats & shown.same)
        return Batch(
            target=target,
            style_image=style_image,
            normal=self.normal[view].float() / 255,
            depth=self.depth[view][:, None].expand(-1, 3, -1, -1).float() / 255,
            prompt=prompt,
            content=shown.content,
            family=family,
            cells=cells,
            colours=colours,
            target_colours=target_colours,
            has_motif=shown.has_motif,
            motif=shown.motif,
            objects=layout.kinds["object"],
            twin=self._twins(layout, image_look, shown) if twins else target[:0],
        )

    def _prompts(self, layout: Layout, draw: Draw, colours: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Views [B], prompts [B], and the colours [B, 3, 3] that the prompts leave.

        The word that decides the detail is a material, the object's own class, or, so that shape alone never tells,
        the name of another class. Where nothing decides it, an untaught name or a material without detail is said.
        """
        size, detail = len(layout.detail), layout.detail
        way = draw.uniform(size)
        own = way < 0.4
        view = torch.where(own, self._views_of_kind.draw(detail, draw), draw.below(len(self.word), size))
        thing = self.word[view]
        by_material = (way >= 0.4) & (way < 0.75) | (detail == 0) & ~own & (way < 0.9)
        material = torch.where(by_material, 1 + self._materials_of_kind.draw(detail, draw), 0)
        untaught = len(OBJECT_WORDS) + draw.below(len(self._numbers.things) - len(OBJECT_WORDS), size)
        foreign = torch.where(detail == 0, untaught, self._classes_of_kind.draw(detail, draw))
        thing = torch.where(own | by_material, thing, foreign)
        # With a material, an untaught name does as well as the object's own.
        thing = torch.where(by_material & draw.chance(0.35, size), untaught, thing)
        named = draw.chance(NAMES_COLOUR, size)
        outside = named & draw.chance(OUTSIDE, size)
        wanted = draw.below(len(COLOUR_WORDS), size)
        examples = lab(self._colour_examples)
        nearest = torch.cdist(lab(colours), examples[None].expand(size, -1, -1)).argmin(-1)
        chosen = draw.below(3, size)[:, None]
        word = torch.where(outside, wanted, nearest.gather(1, chosen)[:, 0])
        other = (self._colour_examples[wanted] + 0.05 * draw.normal(size, 3)).clamp(0, 1)
        first = torch.where(outside[:, None], other, colours.gather(1, chosen[..., None].expand(-1, -1, 3))[:, 0])
        swapped = colours.scatter(1, chosen[..., None].expand(-1, -1, 3), colours[:, :1])
        swapped = torch.cat([first[:, None], torch.where(outside[:, None, None], colours, swapped)[:, 1:]], 1)
        target_colours = torch.where(named[:, None, None], swapped, colours)
        prompt = self._numbers.number(
            draw.below(len(LEADS), size),
            torch.where(named, 1 + word, 0),
            material,
            thing,
            torch.where(draw.chance(0.6, size), 1 + self.view[view], 0),
        )
        return view, torch.where(draw.chance(NO_TEXT, size), 0, prompt), target_colours

    def _shown(self, layout: Layout, draw: Draw, target: Tensor) -> _Shown:
        """What the style images show."""
        size = len(target)
        scene, objects = (self._is(layout, kind) for kind in ("scene", "object"))
        choice = draw.uniform(size)
        any_view = draw.below(len(self.word), size)
        marked = self._marked[draw.below(len(self._marked), size)]
        same = target // self.views * self.views + draw.below(self.views, size)
        view = torch.where(
            choice < SAME_OBJECT, same, torch.where(choice < SAME_OBJECT + MARKED_OBJECT, marked, any_view)
        )
        mark = torch.where(objects & draw.chance(SHOWS_MARK, size), self.mark[view], 0)
        thing = torch.where(scene, draw.below(len(THINGS) + 1, size), 0)
        content = draw.below(len(SWATCH_CAPTIONS), size)
        content = torch.where(scene, _SCENES + thing * len(LAND_WORDS) + draw.below(len(LAND_WORDS), size), content)
        content = torch.where(objects, _OBJECTS + self.word[view], content)
        return _Shown(
            scene=scene,
            view=view,
            mark=mark,
            thing=thing,
            numbers=draw.uniform(size, 7),
            offsets=80 * draw.uniform(size, 3, 2) - 40,
            content=content,
            has_motif=(mark > 0) | (thing > 0),
            motif=torch.where((thing > 0)[:, None], self._thing_main[(thing - 1).clamp(min=0)], self._own[mark]),
            # Only then does the target have the same parts to bear the marks.
            same=objects & (view // self.views == target // self.views) & (self.mark[target] > 0),
        )

    def _is(self, layout: Layout, kind: str) -> Tensor:
        chosen = torch.zeros(len(layout.detail), dtype=torch.bool, device=self.device)
        chosen[layout.kinds[kind]] = True
        return chosen

    def _target(self, layout: Layout, look: Look, view: Tensor, marked: Tensor) -> Tensor:
        canvas = self._object_canvas(view, marked)
        dark = darkness(canvas, look.seed, layout.details)
        return paint(layout.counts, look, canvas, dark, self.supersampling)

    def _images(self, layout: Layout, look: Look, shown: _Shown) -> Tensor:
        side, size = self.what.shape[-1], len(look.cells)
        u, v = (each.expand(size, -1, -1).clone() for each in plane(side, self.device))
        nothing = torch.zeros_like(u, dtype=torch.uint8)
        parts = vars(Canvas(u, v, nothing, nothing.clone(), torch.ones_like(u, dtype=torch.bool), torch.ones_like(u)))
        scenes, objects = layout.kinds["scene"], layout.kinds["object"]
        canvases = (
            (scenes, scene_canvas(shown.numbers[scenes], shown.thing[scenes], shown.offsets[scenes], side)),
            (objects, self._object_canvas(shown.view[objects], shown.mark[objects] > 0)),
        )
        for rows, canvas in canvases:
            for name, values in vars(canvas).items():
                parts[name][rows] = values
        return paint(layout.counts, look, Canvas(**parts), torch.zeros_like(u), self.supersampling)

    def _twins(self, layout: Layout, look: Look, shown: _Shown) -> Tensor:
        objects = layout.kinds["object"]
        canvas = self._object_canvas(shown.view[objects], torch.zeros_like(shown.has_motif[objects]))
        dark = torch.zeros_like(canvas.u)
        return paint(layout.object_counts, look.take(objects), canvas, dark, self.supersampling)

    def _object_canvas(self, view: Tensor, marked: Tensor) -> Canvas:
        place, what = self.place[view].float() / PLACE_STEPS, self.what[view]
        mark = what >> MARK_SHIFT
        return Canvas(
            u=place[:, 0],
            v=place[:, 1],
            role=(what >> ROLE_SHIFT) & 3,
            own=mark * marked[:, None, None],
            hit=(what & 1) > 0,
            edge=self.edge[view].float() / EDGE_STEPS,
        )

    def _background(self, draw: Draw, size: int) -> Tensor:
        """[B, 3]: white, a grey, or anything, so that no latent means "background"."""
        choice = draw.uniform(size, 1)
        grey = (0.1 + 0.9 * draw.uniform(size, 1)).expand(-1, 3)
        return torch.where(choice < 0.35, 1.0, torch.where(choice < 0.75, grey, draw.uniform(size, 3)))


@dataclass(frozen=True)
class _Shown:
    scene: Tensor
    view: Tensor
    mark: Tensor
    thing: Tensor
    numbers: Tensor
    offsets: Tensor
    content: Tensor
    has_motif: Tensor
    motif: Tensor
    same: Tensor
