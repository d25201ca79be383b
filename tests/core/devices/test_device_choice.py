# SPDX-License-Identifier: GPL-3.0-or-later
"""Real graphics cards as PyTorch describes them, and what is chosen for each; no card is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.devices.device_choice import Device, choose, is_built_for
from core.devices.devices import choose_device, present_devices
from core.devices.memory_need import memory_need
from core.job import JobError
from core.models.profiles import profile
from core.rehearsal.random_networks import networks_without_numbers

GIB = 1 << 30
PROCESSOR = Device("cpu", "AMD Ryzen 9 7950X", 64 * GIB)
SMALL_MACHINE = Device("cpu", "Intel Core i5", 12 * GIB)
SD15, SDXL = (memory_need(profile(name), views=2) for name in ("sd15", "sdxl"))
BUNDLED = memory_need(profile("bundled"), views=4)
CUDA_13 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]
CUDA_12_6 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]


def nvidia(name: str, major: int, minor: int, memory: float, supported: bool = True) -> Device:
    return Device("cuda", f"NVIDIA {name}", int(memory * GIB), (major, minor), supported=supported)


def amd(name: str, memory: float, supported: bool = True) -> Device:
    return Device("cuda", f"AMD {name}", int(memory * GIB), hip="7.2", supported=supported)


@pytest.mark.parametrize(
    ("card", "precision"),
    [
        (nvidia("GeForce RTX 5090", 12, 0, 31.4), "float16"),
        (nvidia("GeForce RTX 4090", 8, 9, 23.6), "float16"),
        (nvidia("GeForce RTX 3060 Laptop GPU", 8, 6, 5.7), "float16"),
        (nvidia("H100 80GB HBM3", 9, 0, 79.1), "float16"),
        (nvidia("GeForce RTX 2060", 7, 5, 5.8), "float16"),
        (nvidia("TITAN RTX", 7, 5, 23.6), "float16"),
        (nvidia("T4", 7, 5, 14.6), "float16"),
        (nvidia("Tesla V100-SXM2-32GB", 7, 0, 31.7), "float16"),
        (nvidia("Tesla P100-PCIE-16GB", 6, 0, 15.9), "float16"),
        # TU116 and TU117: the capability of an RTX 2060, and black pictures in half precision.
        (nvidia("GeForce GTX 1660 Ti", 7, 5, 5.8), "float32"),
        (nvidia("GeForce GTX 1660 SUPER", 7, 5, 5.8), "float32"),
        (nvidia("GeForce GTX 1650", 7, 5, 3.8), "float32"),
        (nvidia("GeForce GTX 1630", 7, 5, 3.8), "float32"),
        (nvidia("GeForce MX450", 7, 5, 2.0), "float32"),
        (nvidia("T1000 8GB", 7, 5, 7.8), "float32"),
        (nvidia("T600 Laptop GPU", 7, 5, 3.8), "float32"),
        (nvidia("CMP 30HX", 7, 5, 5.8), "float32"),
        # Pascal and Maxwell: half precision at a 64th of the speed, or none.
        (nvidia("GeForce GTX 1080", 6, 1, 7.9), "float32"),
        (nvidia("Tesla P40", 6, 1, 23.9), "float32"),
        (nvidia("GeForce GTX 980", 5, 2, 4.0), "float32"),
        (amd("Radeon RX 7900 XTX", 24.0), "float16"),
        (amd("Radeon RX 6800 XT", 16.0), "float16"),
        (amd("Instinct MI300X", 192.0), "float16"),
        (amd("Radeon RX 5700 XT", 8.0), "float32"),
        (Device("mps", "Apple M2", 16 * GIB), "float32"),
        (PROCESSOR, "float32"),
    ],
    ids=lambda value: value.name if isinstance(value, Device) else value,
)
def test_bundled_model_runs_on_the_best_device_in_the_precision_that_is_sound_there(card, precision):
    choice = choose("auto", [card, PROCESSOR], BUNDLED)
    assert (choice.device, choice.precision, choice.warning) == (card, precision, "")
    assert card.name in choice.reason and "\n" not in choice.reason


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (
            nvidia("GeForce RTX 4090", 8, 9, 23.6),
            "NVIDIA GeForce RTX 4090 (24 GiB, compute capability 8.9), half precision",
        ),
        (
            nvidia("GeForce GTX 1660", 7, 5, 5.8),
            "NVIDIA GeForce GTX 1660 (6 GiB, compute capability 7.5), full precision:"
            " half precision gives black pictures on this series",
        ),
        (amd("Radeon RX 6800 XT", 16.0), "AMD Radeon RX 6800 XT (16 GiB, ROCm 7.2), half precision"),
        (
            Device("mps", "Apple M2", 16 * GIB),
            "Apple M2 (16 GiB, Metal), full precision: half precision is not reliable with Metal",
        ),
        (
            nvidia("GeForce GTX 1080", 6, 1, 7.9, supported=False),
            "AMD Ryzen 9 7950X (64 GiB), full precision:"
            " This PyTorch was not built for NVIDIA GeForce GTX 1080 (8 GiB, compute capability 6.1)",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Device) else "",
)
def test_reason_is_one_line_of_plain_words(card, reason):
    assert choose("auto", [card, PROCESSOR]).reason == reason


def test_the_processor_is_chosen_for_a_reason_too():
    finds_none = "AMD Ryzen 9 7950X (64 GiB), full precision: PyTorch finds no graphics card that it can use"
    assert choose("auto", [PROCESSOR]).reason == finds_none
    card = nvidia("GeForce RTX 4090", 8, 9, 23.6)
    assert choose("cpu", [card, PROCESSOR]).reason == "AMD Ryzen 9 7950X (64 GiB), full precision"


@pytest.mark.parametrize(
    ("card", "precision", "at_once"),
    [
        (nvidia("GeForce RTX 4090", 8, 9, 23.6), "float16", None),
        (nvidia("GeForce RTX 3080", 8, 6, 9.8), "float16", None),
        (nvidia("GeForce RTX 3070", 8, 6, 7.8), "float16", None),
        (nvidia("GeForce RTX 4050 Laptop GPU", 8, 9, 5.8), "float16", 1),
        # Too little for full precision, and half precision is slow there but sound.
        (nvidia("GeForce GTX 1080", 6, 1, 7.9), "float16", None),
        (nvidia("GeForce GTX 1080 Ti", 6, 1, 10.9), "float32", 1),
        (nvidia("Tesla P40", 6, 1, 23.9), "float32", None),
        (nvidia("Tesla M40", 5, 2, 11.9), "float32", 1),
        (Device("mps", "Apple M3 Max", 36 * GIB), "float32", None),
    ],
    ids=lambda value: value.name if isinstance(value, Device) else value,
)
def test_stable_diffusion_goes_where_it_fits(card, precision, at_once):
    choice = choose("auto", [card, PROCESSOR], SD15)
    assert choice.plan is not None
    assert (choice.device, choice.precision, choice.plan.views_at_once) == (card, precision, at_once)
    assert choice.warning == "" and ("one after the other" in choice.reason) == (at_once == 1)


def test_a_step_of_stable_diffusion_needs_no_more_than_a_card_of_6_gib_has():
    card = nvidia("GeForce RTX 3060 Laptop GPU", 8, 6, 6.0)
    assert SD15.bytes(SD15.plans[-1], card, "float16") <= 6.5e9


def test_resting_networks_are_counted_where_all_memory_is_the_machines():
    card, plan = nvidia("GeForce RTX 4090", 8, 9, 23.6), SD15.plans[0]
    assert SD15.bytes(plan, PROCESSOR, "float32") - SD15.bytes(plan, card, "float32") == 4 * SD15.resting


def test_one_view_a_step_needs_less_than_two():
    assert [plan.views_at_once for plan in SD15.plans] == [None, 1]
    assert memory_need(profile("sd15"), views=1).plans[0].values == SD15.plans[1].values < SD15.plans[0].values


@pytest.mark.parametrize("wanted", ["cuda", "auto"])
@pytest.mark.parametrize(
    ("card", "words"),
    [
        (nvidia("GeForce GTX 1650", 7, 5, 3.8), "NVIDIA GeForce GTX 1650 has 3.8 GiB"),
        (
            replace(nvidia("GeForce RTX 3070", 8, 6, 7.8), free_bytes=2 * GIB),
            "NVIDIA GeForce RTX 3070 has 2.0 GiB free of 7.8 GiB",
        ),
    ],
)
def test_a_model_for_graphics_cards_is_refused_and_not_begun_on_the_processor(wanted, card, words):
    with pytest.raises(JobError) as caught:
        choose(wanted, [card, PROCESSOR], SD15)
    assert caught.value.code == "out_of_memory"
    assert caught.value.message.startswith("The model sd15 needs ") and caught.value.message.endswith(words)
    assert "bundled" in caught.value.hint and "processor" in caught.value.hint
    assert ("Close other programs" in caught.value.hint) == ("free" in words)
    assert choose("cpu", [card, PROCESSOR], SD15).device == PROCESSOR


def test_a_card_that_pytorch_was_not_built_for_is_no_reason_to_begin_such_a_model_on_the_processor():
    card = nvidia("GeForce GTX 1080", 6, 1, 7.9, supported=False)
    with pytest.raises(JobError, match="not built for NVIDIA GeForce GTX 1080"):
        choose("auto", [card, PROCESSOR], SD15)
    assert choose("auto", [card, PROCESSOR], BUNDLED).device == PROCESSOR


@pytest.mark.parametrize(("need", "size"), [(SD15, 8), (SDXL, 12)])
def test_without_a_graphics_card_such_a_model_begins_only_where_the_processor_is_named(need, size):
    with pytest.raises(JobError) as caught:
        choose("auto", [PROCESSOR], need)
    assert caught.value.code == "no_card"
    assert f"{need.model} needs a graphics card of {size} GB or more" in caught.value.message
    assert "bundled model" in caught.value.hint and "processor" in caught.value.hint
    assert choose("cpu", [PROCESSOR], need).device == PROCESSOR
    assert choose("auto", [PROCESSOR], BUNDLED).device == PROCESSOR


def test_a_job_that_fits_nowhere_is_refused_before_it_loads_anything():
    with pytest.raises(JobError, match=r"Intel Core i5 has 12\.0 GiB") as caught:
        choose("cpu", [SMALL_MACHINE], SD15)
    assert caught.value.code == "out_of_memory" and "bundled" in caught.value.hint


@pytest.mark.parametrize(
    ("memory", "at_once", "side"),
    [(31.8, None, None), (23.6, None, None), (17.5, 1, None), (15.8, 1, 768), (11.8, 1, 512)],
)
def test_a_card_with_less_memory_looks_at_smaller_views(memory, at_once, side):
    choice = choose("auto", [nvidia("GeForce", 8, 9, memory), PROCESSOR], SDXL)
    assert choice.device.kind == "cuda" and choice.plan is not None
    assert (choice.plan.views_at_once, choice.plan.view_side) == (at_once, side)
    assert (side is None) or f"views of {side} pixels one after the other" in choice.reason


def test_a_card_that_pytorch_was_not_built_for_is_an_error_when_it_is_named():
    with pytest.raises(JobError, match=r"not built for NVIDIA GeForce GTX 1080 \(8 GiB") as caught:
        choose("cuda", [nvidia("GeForce GTX 1080", 6, 1, 7.9, supported=False), PROCESSOR], BUNDLED)
    assert caught.value.code == "dependencies"


def test_a_device_that_is_not_there_is_refused_naming_those_that_are():
    with pytest.raises(JobError, match="'mps', which this computer does not offer; it has cpu, cuda") as caught:
        choose("mps", [nvidia("GeForce RTX 4090", 8, 9, 23.6), PROCESSOR])
    assert caught.value.code == "bad_setting"


@pytest.mark.parametrize(
    ("builds", "architecture", "built"),
    [
        (CUDA_13, "sm_75", True),
        (CUDA_13, "sm_89", True),
        (CUDA_13, "sm_121", True),
        (CUDA_13, "sm_70", False),
        (CUDA_13, "sm_61", False),
        (CUDA_12_6, "sm_61", True),
        (CUDA_12_6, "sm_52", True),
        (CUDA_12_6, "sm_120", False),
        (["sm_90a"], "sm_90", False),
        (["gfx1030", "gfx1100"], "gfx1100", True),
        (["gfx1030", "gfx1100"], "gfx1010", False),
    ],
)
def test_a_build_serves_the_cards_it_has_code_for(builds, architecture, built):
    assert is_built_for(builds, architecture) is built


def test_this_computer_has_a_processor_that_can_be_chosen():
    assert present_devices()[-1].kind == "cpu"
    choice = choose_device("cpu")
    assert choice.precision == "float32"
    assert torch.device(choice.device.kind).type == "cpu"


@pytest.mark.parametrize("name", ["bundled", "sd15", "sdxl"])
def test_the_parameters_that_a_profile_names_are_those_of_its_networks(name):
    networks = networks_without_numbers(profile(name))
    count = sum(parameter.numel() for module in networks.modules().values() for parameter in module.parameters())
    assert profile(name).parameters == pytest.approx(count, rel=0.002)
    if name != "bundled":
        resting = sum(parameter.numel() for module in networks.resting() for parameter in module.parameters())
        assert profile(name).resting == pytest.approx(resting, rel=0.002)
