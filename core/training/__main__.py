# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the bundled model; whatever was interrupted goes on where it stopped.

    python -m core.training all --work build/training

does all there is to do: data, vae, clip, denoiser, export, and judge, which ``core.training.measure`` needs. Each of
them is a stage that can be named instead of all; samples shows what the denoiser can do at any time, and curves how the
losses fell. One process a core with one thread each trains fastest on a CPU, so the long stages are started by
``torchrun``; to name one of those by itself:

    torchrun --nproc-per-node 2 -m core.training denoiser --work build/training
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import torch
import torch.distributed as distributed
from diffusers import AutoencoderKL
from safetensors.torch import load_file
from transformers import CLIPTokenizer

from . import rasters
from .architecture import Bundle, build_bundle, write_bundle
from .captions import VOCABULARY
from .curves import draw_losses
from .dataset import load_pairs, make_pairs, write_dataset
from .family_judge import family_accuracy, load_family_judge, train_family_judge
from .loop import process, training_device
from .samples import sample_sheet
from .train_clip import Joint, joint_measures, train_clip
from .train_denoiser import Denoiser, prepare, text_states, train_denoiser
from .train_vae import TiedVae, reconstruction_decibels, train_vae
from .vocabulary import write_tokenizer

STAGES = ("data", "vae", "clip", "denoiser", "export", "judge")
"""In their order."""
TOGETHER = ("clip", "denoiser", "judge")
"""Those that all cores train together."""
SEED = 1
SHARDS, SHAPES_A_CLASS, VIEWS = 48, 10, 12
HELD_OUT_SEED = 90_000
"""Starts the shapes and styles that training never sees."""


def load_vae(work: Path) -> AutoencoderKL:
    """The trained VAE with its scaling factor."""
    model = TiedVae()
    model.load_state_dict(load_file(work / "vae" / "average.safetensors"))
    scale = json.loads((work / "vae" / "scale.json").read_text())
    model.vae.register_to_config(scaling_factor=scale["scaling_factor"])
    return model.vae.eval()


def load_joint(work: Path, tokenizer: CLIPTokenizer) -> Joint:
    """The trained joint encoders."""
    model = Joint(tokenizer)
    model.load_state_dict(load_file(work / "clip" / "average.safetensors"))
    return model.eval()


def load_denoiser(work: Path) -> Denoiser:
    """The trained UNet, IP-Adapter and ControlNets."""
    model = Denoiser()
    model.load_state_dict(load_file(work / "denoiser" / "average.safetensors"))
    return model.eval()


def assemble(work: Path, tokenizer: CLIPTokenizer) -> Bundle:
    """All trained networks."""
    bundle = build_bundle(work, SEED)
    joint = load_joint(work, tokenizer)
    load_denoiser(work).into(bundle)
    bundle.text, bundle.vision, bundle.vae = joint.text, joint.vision, load_vae(work)
    return bundle


def _run_all(arguments: argparse.Namespace) -> None:
    """Run every stage as a process of its own, or of one for each core.

    Raises:
        subprocess.CalledProcessError: a stage failed; it has said why.
    """
    processes = 1 if training_device().type == "cuda" else os.cpu_count() or 1
    together = ("-m", "torch.distributed.run", "--nproc-per-node", str(processes))
    options = ("--work", str(arguments.work), "--steps", str(arguments.steps), "--output", str(arguments.output))
    for stage in STAGES:
        start = together if stage in TOGETHER else ()
        subprocess.run([sys.executable, *start, "-m", "core.training", stage, *options], check=True)


def main() -> None:
    """Run one stage, or all."""
    parser = argparse.ArgumentParser(description="Train the bundled model")
    parser.add_argument("stage", choices=("all", *STAGES, "samples", "curves"))
    parser.add_argument("--work", type=Path, default=Path("build/training"))
    parser.add_argument("--steps", type=int, default=4000, help="denoiser steps in all")
    parser.add_argument("--output", type=Path, default=Path("core/bundled"), help="where export writes")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning, module="skimage|core.training")
    work = arguments.work
    if arguments.stage == "all":
        _run_all(arguments)
        return
    if arguments.stage == "curves":
        draw_losses(work, work / "losses.png")
        return
    if "RANK" in os.environ:
        distributed.init_process_group("gloo")
    rank, _ = process()
    if arguments.stage == "data":
        write_dataset(work / "data", SHARDS, SHAPES_A_CLASS, VIEWS, SEED, os.cpu_count() or 1)
        return
    tokenizer = write_tokenizer(VOCABULARY, work / f"tokenizer-{rank}")  # Processes must not write to the same files.
    if arguments.stage == "export":
        write_bundle(assemble(work, tokenizer), arguments.output)
        return
    if arguments.stage == "samples":
        held_out_views = rasters.cast(1, 4, HELD_OUT_SEED)
        held_out = make_pairs(held_out_views, 16, HELD_OUT_SEED)
        joint, denoiser = load_joint(work, tokenizer), load_denoiser(work)
        states, _ = text_states(joint.text, tokenizer, SEED)
        sheet = sample_sheet(denoiser, load_vae(work), joint.vision, states[:1], held_out, held_out_views)
        sheet.save(work / "samples.png")
        return
    pairs = load_pairs(work / "data")
    if arguments.stage == "vae":
        vae = train_vae(pairs, work / "vae", SEED)
        (work / "vae" / "scale.json").write_text(json.dumps({"scaling_factor": vae.config.scaling_factor}))
        held_out = make_pairs(rasters.cast(1, 4, HELD_OUT_SEED), 200, HELD_OUT_SEED)
        print({"psnr_decibels": reconstruction_decibels(vae, held_out.target)})
    elif arguments.stage == "clip":
        train_clip(pairs, tokenizer, work / "clip", SEED)
        if rank == 0:
            held_out = make_pairs(rasters.cast(1, 4, HELD_OUT_SEED), 600, HELD_OUT_SEED)
            print(joint_measures(work / "clip", tokenizer, held_out))
    elif arguments.stage == "judge":
        train_family_judge(pairs, work / "judge", SEED)
        if rank == 0:
            held_out = make_pairs(rasters.cast(1, 4, HELD_OUT_SEED), 600, HELD_OUT_SEED)
            print({"family_accuracy": family_accuracy(load_family_judge(work / "judge"), held_out)})
    else:
        joint = load_joint(work, tokenizer)
        if rank == 0:  # The others wait meanwhile, so their cores are free.
            torch.set_num_threads(os.cpu_count() or 1)
            prepare(pairs, load_vae(work), joint.vision, work / "prepared.npz")
        if distributed.is_initialized():
            torch.set_num_threads(1)
            distributed.barrier()
        latents, embeddings = prepare(pairs, load_vae(work), joint.vision, work / "prepared.npz")
        train_denoiser(
            pairs,
            rasters.load(work / "data" / "rasters.npz"),
            latents,
            embeddings,
            text_states(joint.text, tokenizer, SEED),
            arguments.steps,
            work / "denoiser",
            SEED,
        )
    if distributed.is_initialized():
        distributed.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(1 if "RANK" in os.environ else torch.get_num_threads())
    main()
