# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a training run, in one process, on one device."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .architecture import Bundle, build_bundle, read_bundle, write_bundle
from .batches import Batch, Texts, World, joined
from .captions import VOCABULARY
from .fusion import can_compile
from .layout import Layout, layout
from .loop import Schedule, is_finished, load_average, spent_seconds, step_seed, train
from .rasters import RasterSettings, rasters
from .samples import sample_rows
from .sheets import sheet
from .styles import style_bank
from .train_denoiser import Denoiser, Frozen, Inputs, denoiser_inputs, denoiser_losses, schedule_alphas
from .train_joint import Joint, joint_losses, joint_measures
from .train_vae import TiedVae, reconstruction_decibels, scaling_factor, vae_losses
from .travel import pack
from .vocabulary import write_tokenizer

STAGES = ("vae", "joint", "denoiser")
"""In their order."""
DENOISER_USES = 2
"""Steps that the denoiser learns from one batch, with new noise: painting and encoding cost about as much as a step."""
HELD_OUT_SEED = 90_000
"""Of shapes and styles that training never sees."""


@dataclass(frozen=True)
class RunSettings:
    """What a run trains, and for how long."""

    minutes: float = 9.0
    """Of the whole run, the pictures' geometry and the files at its end included."""
    rasters: RasterSettings = field(default_factory=RasterSettings)
    """Shapes and views."""
    styles_a_family: int = 1500
    """Palettes, scales and directions of each family; seeds and zoom are new in every batch."""
    batch: int = 448
    """Pairs that are painted together, a multiple of 14."""
    denoiser_batches: int = 2
    """Of those in a step of the denoiser."""
    shares: dict[str, float] = field(default_factory=lambda: {"vae": 0.13, "joint": 0.25})
    """Of ``minutes``; the denoiser has what remains."""
    held_out: int = 448
    """Pairs of shapes and styles never seen on which the measures are taken."""
    denoiser_rate: float = 1e-3
    """Highest learning rate of the denoiser."""
    ending_seconds: float = 25.0
    """Kept for samples and files."""
    compile_networks: bool = False
    """Quicker steps after a minute or more of compiling, where there is a compiler."""
    fixed_layout: bool = True
    """The same mixture of pictures in every batch: then no step waits for the host. Small batches cannot hold all."""
    checkpoint_seconds: float = 60.0
    """See ``loop.Schedule``."""
    log_seconds: float = 5.0
    """See ``loop.Schedule``."""
    seed: int = 1
    """Of everything."""


def settings_for(device: torch.device, minutes: float) -> RunSettings:
    """What ``device`` can do: a processor takes small batches and fewer rays."""
    if device.type == "cuda":
        return RunSettings(minutes)
    few = RasterSettings(supersampling=1, shapes_a_class=6, views=8)
    return RunSettings(
        minutes, few, 200, 56, 1, held_out=112, fixed_layout=False, checkpoint_seconds=240.0, log_seconds=30.0
    )


def settings_to_go_on(device: torch.device, minutes: float) -> RunSettings:
    """To train the denoiser of a bundle that is there: a lower rate, and a processor, which then has small pictures,
    casts more of them.
    """
    settings = replace(settings_for(device, minutes), denoiser_rate=5e-4)
    if device.type == "cuda":
        return settings
    return replace(settings, rasters=RasterSettings(shapes_a_class=12, views=12), batch=28)


class Run:
    """One training run in a folder; what was interrupted goes on where it stopped."""

    def __init__(
        self,
        work: Path,
        settings: RunSettings,
        device: torch.device,
        say: Callable[[str], None],
        carry_out: Path | None = None,
        start: Path | None = None,
    ) -> None:
        """Prepare all that is painted from.

        Args:
            work: the run's folder.
            settings: what to train.
            device: where.
            say: takes lines that tell how it goes.
            carry_out: gets the weights after each checkpoint, for another machine; see ``travel``.
            start: a bundle whose denoiser is trained further, at its own resolution; without one all networks are
                trained from nothing.

        Raises:
            OSError: ``start`` lacks a network.
        """
        self._carry_out, self._start = carry_out, start
        self._stages = STAGES if start is None else STAGES[-1:]
        if start is not None:
            side = read_bundle(start).vision.config.image_size
            settings = replace(settings, rasters=replace(settings.rasters, resolution=side))
        self.work, self.settings, self.device, self._say = work, settings, device, say
        self._begun = time.monotonic()
        work.mkdir(parents=True, exist_ok=True)
        held_out = replace(settings.rasters, shapes_a_class=1, views=4, seed=HELD_OUT_SEED)
        seen = rasters(work / "rasters", settings.rasters, os.cpu_count() or 1)
        unseen = rasters(work / "held_out", held_out)
        self._say(f"The shapes are cast after {self.seconds():.0f} s: {len(seen.word)} views")
        self.tokenizer = write_tokenizer(VOCABULARY, work / "tokenizer")
        # What cannot be compiled runs as it is.
        torch._dynamo.config.suppress_errors = True
        # The same few functions see pictures in many sizes and layouts.
        torch._dynamo.config.recompile_limit = 64
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        self.texts = Texts(self.tokenizer, device)
        bank = style_bank(settings.styles_a_family, settings.rasters.seed)
        self.world = World(seen, bank, self.texts, device)
        self._held_out = World(unseen, style_bank(20, HELD_OUT_SEED), self.texts, device)
        self._layouts: dict[int, Layout] = {}
        self._say(f"All that is painted from is on the device after {self.seconds():.0f} s")

    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._begun

    def batch(self, stage: str, step: int, twins: bool = False) -> Batch:
        """The batch of one step of a stage; the same for the same seed."""
        settings = self.settings
        generator = torch.Generator(self.device)
        generator.manual_seed(step_seed(settings.seed + 1 + STAGES.index(stage), step))
        count = settings.denoiser_batches if stage == "denoiser" else 1
        with torch.no_grad():
            return joined(
                [self.world.batch(self._layout(step * count + part), generator, twins) for part in range(count)]
            )

    def held_out(self, size: int, seed: int = 0) -> tuple[Batch, Layout]:
        """Samples of shapes and styles that training never sees."""
        chosen = layout(size, seed, self.device)
        with torch.no_grad():
            return self._held_out.batch(chosen, torch.Generator(self.device).manual_seed(seed)), chosen

    def train_all(self) -> dict[str, Any]:
        """Train what is not finished, and the denoiser for what remains of the minutes, however long it trained before.

        Returns:
            Measures on shapes and styles that training never saw.
        """
        measures: dict[str, Any] = {}
        for stage in self._stages:
            begun = self.seconds()
            if stage == "denoiser" or not is_finished(self.work / stage):
                torch.manual_seed(self.settings.seed)
                getattr(self, f"_train_{stage}")()
                measures[f"{stage}_seconds"] = round(self.seconds() - begun, 1)
            if stage != "denoiser":
                measures |= getattr(self, f"_measure_{stage}")()
            self._say(json.dumps(measures))
        (self.work / "measures.json").write_text(json.dumps(measures, indent=2) + "\n")
        return measures

    def frozen(self) -> Frozen:
        """The networks that were trained before the denoiser."""
        if self._start is not None:
            bundle = read_bundle(self._start)
            kept = [each.to(self.device).requires_grad_(False) for each in (bundle.vae, bundle.text, bundle.vision)]
            return Frozen(*kept)
        joint, tied = self._loaded(Joint(self.tokenizer), "joint"), self._loaded(TiedVae(), "vae")
        batch, _ = self.held_out(min(56, self.settings.held_out), seed=1)
        tied.vae.register_to_config(scaling_factor=scaling_factor(tied.vae, batch.target))
        return Frozen(
            tied.vae.requires_grad_(False), joint.text.requires_grad_(False), joint.vision.requires_grad_(False)
        )

    def samples(self, path: Path) -> None:
        """Write what the denoiser paints by itself."""
        batch, _ = self.held_out(28 if self.device.type == "cuda" else 14)
        denoiser = self._loaded(Denoiser(self._beginning()), "denoiser")
        rows = sample_rows(denoiser, self.frozen(), batch, self.texts.prompts[batch.prompt])
        sheet(rows, 14).save(path)

    def pairs(self, path: Path) -> None:
        """Write 64 style images, and under each the target that goes with it."""
        batch, _ = self.held_out(70)
        sheet([batch.style_image[:64], batch.target[:64]], 16).save(path)

    def export(self, folder: Path) -> None:
        """Write the bundle."""
        write_bundle(self._assembled(), folder)

    def _assembled(self) -> Bundle:
        bundle, frozen = self._beginning(), self.frozen()
        self._loaded(Denoiser(bundle), "denoiser").cpu().into(bundle)
        bundle.text, bundle.vision, bundle.vae = frozen.text.cpu(), frozen.vision.cpu(), frozen.vae.cpu()
        return bundle

    def _beginning(self) -> Bundle:
        return build_bundle(self.work, self.settings.seed) if self._start is None else read_bundle(self._start)

    def _layout(self, number: int) -> Layout:
        settings = self.settings
        if not settings.fixed_layout:
            return layout(settings.batch, number, self.device)
        number %= settings.denoiser_batches
        if number not in self._layouts:
            self._layouts[number] = layout(settings.batch, number, self.device)
        return self._layouts[number]

    def _fit(
        self,
        stage: str,
        module: nn.Module,
        losses: Callable[[Any, int], dict[str, Tensor]],
        rate: float,
        decay: float,
        seconds: float | None = None,
    ) -> None:
        settings = self.settings
        module.to(self.device)
        called = module
        if settings.compile_networks and can_compile():
            called = torch.compile(module, dynamic=False)
        schedule = Schedule(
            seconds if seconds is not None else settings.shares[stage] * 60 * settings.minutes,
            rate,
            decay,
            settings.checkpoint_seconds,
            settings.log_seconds,
        )
        size = settings.batch * (settings.denoiser_batches if stage == "denoiser" else 1)
        folder = self.work / stage
        train(module, lambda step: losses(called, step), size, schedule, settings.seed, folder, self._say, self._kept)

    def _kept(self) -> None:
        if self._carry_out is not None:
            pack(self.work, self._stages, self._carry_out)

    def _train_vae(self) -> None:
        model = TiedVae()
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # an overload PyTorch leaves out
        self._fit("vae", model, lambda called, step: vae_losses(called, self.batch("vae", step)), 2e-3, 0.995)

    def _measure_vae(self) -> dict[str, Any]:
        batch, _ = self.held_out(min(56, self.settings.held_out))
        return {"psnr_decibels": reconstruction_decibels(self._loaded(TiedVae(), "vae").vae, batch.target)}

    def _train_joint(self) -> None:
        model = Joint(self.tokenizer)
        self._fit(
            "joint", model,
            lambda called, step: joint_losses(model, called, self.texts, self.batch("joint", step, twins=True)),
            1e-3, 0.998,
        )  # fmt: skip

    def _measure_joint(self) -> dict[str, Any]:
        batch, chosen = self.held_out(self.settings.held_out)
        return joint_measures(self._loaded(Joint(self.tokenizer), "joint"), self.texts, batch, chosen)

    def _train_denoiser(self) -> None:
        frozen, alphas = self.frozen(), schedule_alphas(self.device)
        frozen.vae.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        model = Denoiser(self._beginning())
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

        painted: dict[int, Inputs] = {}

        def losses(called: Any, step: int) -> dict[str, Tensor]:
            number = step // DENOISER_USES
            if number not in painted:
                painted.clear()
                painted[number] = denoiser_inputs(frozen, self.texts, self.batch("denoiser", number))
            return denoiser_losses(called, alphas, painted[number])

        remaining = 60 * self.settings.minutes - self.seconds() - self.settings.ending_seconds
        seconds = spent_seconds(self.work / "denoiser") + max(remaining, 1.0)
        self._fit("denoiser", model, losses, self.settings.denoiser_rate, 0.999, seconds)

    def _loaded(self, model: Any, stage: str) -> Any:
        model.to(self.device)
        load_average(model, self.work / stage)
        return model.eval()
