# SPDX-License-Identifier: GPL-3.0-or-later
"""However many threads make the views of a run, they are the same views in the same order, and no thread stays."""

import threading

import pytest
import torch
import trimesh

from core.views.camera_plan import CameraPlan
from core.views.cameras import ViewSampling
from core.views.embree import EmbreeRasteriser
from core.views.step_views import step_views

SIDE, STEPS = 48, 7


@pytest.fixture
def scene(make_mesh):
    mesh = make_mesh(trimesh.creation.torus(1.0, 0.4, major_sections=14, minor_sections=9))
    embree = EmbreeRasteriser(mesh)
    return embree, CameraPlan(mesh, embree, ViewSampling(), SIDE, seed=0)


def threads_of_views():
    return [thread for thread in threading.enumerate() if thread.name.startswith("views")]


@pytest.mark.parametrize("supersampling", [1, 3])
def test_several_threads_make_the_same_views_in_the_same_order(scene, supersampling):
    alone = list(step_views(*scene, range(STEPS), SIDE, supersampling))
    together = list(step_views(*scene, range(STEPS), SIDE, supersampling, threads=3))
    assert len(alone) == len(together) == STEPS
    for one, other in zip(alone, together, strict=True):
        assert one.shape == other.shape and one.directions == other.directions
        for name in ("positions", "pixels", "weights", "normals", "towards_viewer"):
            assert torch.equal(getattr(one, name), getattr(other, name))
        assert all(torch.equal(image, other.control_images[kind]) for kind, image in one.control_images.items())
    assert threads_of_views() == []


def test_closed_half_way_no_thread_stays(scene):
    views = step_views(*scene, range(1000), SIDE, 1, threads=3)
    next(views)
    assert threads_of_views()
    views.close()
    assert threads_of_views() == []


def test_what_fails_is_raised_in_its_place(scene):
    embree, _ = scene
    cameras = CameraPlan(embree._mesh, embree, ViewSampling(), SIDE, seed=0)[0]

    class Failing(EmbreeRasteriser):
        def rasterise(self, camera, height, width):
            if camera is broken:
                raise ZeroDivisionError
            return embree.rasterise(camera, height, width)

    broken = CameraPlan(embree._mesh, embree, ViewSampling(), SIDE, seed=1)[0][0]
    views = step_views(Failing(embree._mesh), [cameras, cameras, [broken]], range(3), SIDE, 3, threads=2)
    assert len([next(views), next(views)]) == 2
    with pytest.raises(ZeroDivisionError):
        next(views)
    assert threads_of_views() == []
