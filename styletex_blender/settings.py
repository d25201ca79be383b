# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a run as plain values, whether a scene, a script or a command line gave them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy

from ..core.job import Job, JobError
from .names import readable
from .region.choice import RegionChoice
from .scene.material import MATERIALS

DESTINATIONS = ("packed", "beside")
MOST_VARIATIONS = 8
SEEDS = 2**31
"""Seeds are less than this."""
PROMPT_OPTIONAL = frozenset({"bundled"})
"""The profiles that make so little of the prompt that an object's name does as well."""
WITHOUT_OWN_FILES = frozenset({"bundled"})
"""The profiles that take no checkpoint, LoRAs or VAE of one's own."""


class Values:
    """The properties of a scene's settings, with others in the place of some."""

    def __init__(self, settings: bpy.types.PropertyGroup, given: Mapping[str, Any]) -> None:
        self._settings, self._given = settings, given

    def __getattr__(self, name: str) -> Any:
        return self._given[name] if name in self._given else getattr(self._settings, name)


@dataclass(frozen=True)
class Settings:
    """How to texture objects. The ranges are those of ``core.job.Job``, which checks them."""

    style_image: str
    """Name of the Blender image that gives the style."""
    prompt: str
    """What the object is, in a few words. With the bundled model, which makes little of it, it may be empty."""
    content: str = ""
    """What the style image shows; kept out of the texture. Empty for a pure pattern."""
    preset: str = "balanced"
    """One of ``core.job.PRESETS``."""
    profile: str = "bundled"
    """One of ``core.job.PROFILES``."""
    texture_size: int = 1024
    """Side of the texture in texels: one of ``core.job.TEXTURE_SIZES``."""
    tiles: str = "auto"
    """One of ``core.job.UV_TILES``."""
    seed: int = 0
    """Makes a run repeatable."""
    content_removal: float = 1.0
    """Strength of ODCR in [0, 1]."""
    tone: float | None = None
    """Weight of the style-statistics term; ``None`` takes the model's own."""
    style_weight: float = 1.0
    """Weight of the style image among ``more_styles``; alone it plays no part."""
    more_styles: tuple[tuple[str, float], ...] = ()
    """Name of each further Blender image that the style is taken from, and its weight."""
    style_strength: float = 1.0
    """How strongly the style is laid on, in [0, 2]."""
    detail: float | None = None
    """How much of the style image's own detail goes into the texture, in [0, 1]; ``None`` takes the preset's own."""
    stroke_size: float | None = None
    """How much of the object's largest side the style image covers; ``None`` lets its pixels meet the texels."""
    device: str = "auto"
    """One of ``core.job.DEVICES``."""
    shading: bool = True
    """Whether the model sees the object in light, so that none gets into the texture."""
    start_from_present: bool = False
    """Whether to start from the object's present base colour and keep its layout."""
    restyle_strength: float = 0.5
    """How far to go from it, in [0, 1]: 0 keeps it, 1 forgets it."""
    region: str = "all"
    """Which part of an object to texture: one of ``region.choice.REGIONS``. The rest keeps the texture that it has."""
    region_slot: int = 1
    """Number of the material slot, from 1, where ``region`` is "slot"."""
    region_group: str = ""
    """Name of the vertex group where it is "group"."""
    region_mask: str = ""
    """Name of the Blender image on the active UV map, white where it is meant, where it is "mask"."""
    region_border: float = 0.02
    """Width of the soft border inside the part, as a share of the object's largest side."""
    destination: str = "packed"
    """Where the finished image goes: "packed" into the .blend file, or "beside" it."""
    material: str = "keep"
    """What becomes of the object's materials: "keep" puts the image into the base colour of a copy of each, "new" gives
    the object one new material.
    """
    relief: float = 0.0
    """Strength of a relief that is made up from the texture's brightness, in [0, 1]; 0 for none."""
    own_model: str = ""
    """Absolute path of another checkpoint of the model's family; empty for the model's own."""
    loras: tuple[tuple[str, float], ...] = ()
    """Absolute path and weight of each LoRA, in the order in which they are added."""
    own_vae: str = ""
    """Absolute path of another VAE; empty for the model's own."""
    prompt_from_name: bool = False
    """Whether each object's name says what it is, in place of ``prompt``."""
    variations: int = 1
    """How many textures to make of each object, each with the seed after the one before; 1 to ``MOST_VARIATIONS``."""

    def __post_init__(self) -> None:
        # A record or a script may have lists.
        for name in ("loras", "more_styles"):
            object.__setattr__(self, name, tuple((str(one), float(weight)) for one, weight in getattr(self, name)))
        if self.destination not in DESTINATIONS:
            raise JobError(
                "bad_setting", f"The destination is {self.destination!r}; it must be one of {', '.join(DESTINATIONS)}"
            )
        self.region_choice  # noqa: B018 - it checks its values
        if self.material not in MATERIALS:
            raise JobError(
                "bad_setting", f"The material is {self.material!r}; it must be one of {', '.join(MATERIALS)}"
            )
        if not 0.0 <= self.relief <= 1.0:
            raise JobError("bad_setting", f"The relief is {self.relief}; it must lie between 0 and 1")
        if not 1 <= self.variations <= MOST_VARIATIONS:
            text = f"The number of variations is {self.variations}; it must be between 1 and {MOST_VARIATIONS}"
            raise JobError("bad_setting", text)
        self._job("object", "object", tuple(f"style{number}" for number in range(1 + len(self.more_styles))), None)

    @classmethod
    def from_scene(
        cls, scene: bpy.types.Scene, device: str = "auto", given: Mapping[str, Any] | None = None
    ) -> Settings:
        """The settings of the panel.

        Args:
            scene: that they are set in.
            device: one of ``core.job.DEVICES``.
            given: values in place of the scene's, by the names of its properties.

        Raises:
            JobError: ``bad_setting``: one is out of its range.
        """
        values = Values(scene.styletex, given or {})
        return cls(
            # Each object may have its own; where one has none, that is said of that object.
            style_image=values.style_image.name if values.style_image is not None else "",
            prompt=values.prompt,
            content=values.content,
            preset=values.preset,
            profile=values.profile,
            texture_size=int(values.texture_size),
            tiles=values.tiles,
            seed=values.seed,
            content_removal=values.content_removal,
            style_weight=values.style_weight,
            more_styles=tuple((one.image.name, one.weight) for one in values.more_styles if one.image is not None),
            tone=values.tone if values.use_tone else None,
            style_strength=values.style_strength,
            detail=values.detail if values.use_detail else None,
            stroke_size=values.stroke_size if values.use_stroke_size else None,
            shading=values.shading,
            start_from_present=values.start_from_present,
            restyle_strength=values.restyle_strength,
            **_region_of(values),
            **_own_files_of(values),
            device=device,
            destination=values.destination,
            material=values.material,
            relief=values.relief if values.use_relief else 0.0,
            prompt_from_name=values.prompt_from_name,
            variations=values.variations,
        )

    def to_scene(self, scene: bpy.types.Scene) -> None:
        """Set the panel to these settings: what ``from_scene`` reads. A style image that is gone leaves the panel's."""
        values = scene.styletex
        if (style := bpy.data.images.get(self.style_image)) is not None:
            values.style_image = style
        for name in ("tone", "detail", "stroke_size"):
            value = getattr(self, name)
            setattr(values, f"use_{name}", value is not None)
            if value is not None:
                setattr(values, name, value)
        values.texture_size = str(self.texture_size)
        values.use_relief = self.relief > 0.0
        if self.relief > 0.0:
            values.relief = self.relief
        for name in (
            *("prompt", "content", "preset", "profile", "tiles", "seed", "content_removal", "style_strength"),
            *("shading", "start_from_present", "restyle_strength", "destination", "material"),
            *("prompt_from_name", "variations", "region", "region_slot", "region_group", "region_border"),
            *("own_model", "own_vae", "style_weight"),
        ):
            setattr(values, name, getattr(self, name))
        values.more_styles.clear()
        for name, weight in self.more_styles:
            if (picture := bpy.data.images.get(name)) is not None:
                item = values.more_styles.add()
                item.image, item.weight = picture, weight
        values.loras.clear()
        for path, weight in self.loras:
            lora = values.loras.add()
            lora.path, lora.weight = path, weight
        if (mask := bpy.data.images.get(self.region_mask)) is not None:
            values.region_mask = mask

    def seeds(self) -> list[int]:
        """The seeds of the variations."""
        return [(self.seed + number) % SEEDS for number in range(self.variations)]

    def of(self, target: bpy.types.Object) -> Settings:
        """These settings with those in their place that the object has of its own (``object.styletex``)."""
        own = target.styletex
        if not own.use_own:
            return self
        settings = self
        if own.style_image is not None:
            settings = replace(settings, style_image=own.style_image.name, content=own.content, more_styles=())
        if own.prompt.strip():
            settings = replace(settings, prompt=own.prompt, prompt_from_name=False)
        if own.use_region:
            settings = replace(settings, **_region_of(own))
        return replace(settings, seed=own.seed) if own.use_seed else settings

    @property
    def region_choice(self) -> RegionChoice:
        """The part of an object to texture.

        Raises:
            JobError: ``bad_setting`` when a value is out of range.
        """
        return RegionChoice(self.region, self.region_slot, self.region_group, self.region_mask, self.region_border)

    def words_for(self, object_name: str) -> str:
        """What the model is told that an object is: the prompt, or its name "Treasure_chest.001" as "Treasure chest";
        empty where only a prompt will do.
        """
        if self.prompt.strip() and not self.prompt_from_name:
            return self.prompt.strip()
        if self.prompt_from_name or self.profile in PROMPT_OPTIONAL:
            return re.sub(r"[._\s]+", " ", re.sub(r"\.\d+$", "", object_name)).strip() or object_name
        return ""

    def job(
        self,
        object_name: str,
        style_files: tuple[str, ...],
        present_file: str | None = None,
        region_file: str | None = None,
    ) -> Job:
        """The job for one object, with the file names in the job folder of the style images, of the present base colour
        if the texture is to start from it or to go into it, and of the part that is textured alone.

        Raises:
            JobError: ``bad_setting`` when there is no prompt where the model needs one.
        """
        job = self._job(object_name, self.words_for(object_name), style_files, present_file)
        if region_file is None:
            return job
        strength = self.restyle_strength if self.start_from_present else 1.0
        return replace(
            job,
            region=region_file,
            region_name=readable(self.region_mask) if self.region == "mask" else "",
            region_border=self.region_border,
            restyle_strength=strength,
        )

    def _job(self, object_name: str, words: str, style_files: tuple[str, ...], present_file: str | None) -> Job:
        first, *more = style_files
        return Job(
            object_name=readable(object_name),
            prompt=readable(words),
            style_image=first,
            style_weight=self.style_weight,
            more_styles=tuple((file, weight) for file, (_, weight) in zip(more, self.more_styles, strict=True)),
            style_name=readable(self.style_image),
            content=readable(self.content.strip()),
            preset=self.preset,
            profile=self.profile,
            texture_size=self.texture_size,
            tiles=self.tiles,
            seed=self.seed,
            content_removal=self.content_removal,
            tone=self.tone,
            style_strength=self.style_strength,
            detail=self.detail,
            stroke_size=self.stroke_size,
            shading=self.shading,
            base_color=present_file,
            restyle_strength=self.restyle_strength,
            own_model=self.own_model or None,
            loras=self.loras,
            own_vae=self.own_vae or None,
            device=self.device,
        )


def _region_of(values: bpy.types.PropertyGroup) -> dict[str, Any]:
    mask = values.region_mask
    return {
        "region": values.region,
        "region_slot": values.region_slot,
        "region_group": values.region_group,
        "region_mask": mask.name if mask is not None else "",
        "region_border": values.region_border,
    }


def _own_files_of(values: bpy.types.PropertyGroup) -> dict[str, Any]:
    if values.profile in WITHOUT_OWN_FILES:
        return {}
    used = [lora for lora in values.loras if lora.use and lora.path.strip()]
    return {
        "own_model": absolute(values.own_model),
        "loras": tuple((absolute(lora.path), lora.weight) for lora in used),
        "own_vae": absolute(values.own_vae),
    }


def absolute(path: str) -> str:
    """A path of the panel, which may begin at the .blend file's folder, as it is for other programs; empty for none."""
    return str(Path(bpy.path.abspath(path.strip())).absolute()) if path.strip() else ""
