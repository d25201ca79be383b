# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches lie on the surface, upright, everywhere alike, and where the texture belongs to the surface."""

import numpy as np
import pytest
import torch
import trimesh

from core.geometry.mesh import Mesh
from core.geometry.overlap import find_overlap
from core.geometry.surface_patches import SurfacePatches
from tests.core.bare_mesh import bare_mesh


def generator():
    return torch.Generator().manual_seed(0)


def middles(patches):
    return patches.positions.mean(dim=(1, 2))


def sheet(normal):
    """A square around the origin."""
    shape = trimesh.Trimesh([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [(0, 1, 2), (0, 2, 3)])
    return shape.apply_transform(trimesh.geometry.align_vectors([0, 0, 1], normal))


@pytest.mark.parametrize(
    ("normal", "right", "up"),
    [
        ((0, -1, 0), (1, 0, 0), (0, 0, 1)),  # the front, as the viewer sees it
        ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
        ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((0, 0, 1), (1, 0, 0), (0, 1, 0)),  # the top, from above
        ((0, 0, -1), (-1, 0, 0), (0, 1, 0)),
    ],
)
def test_patches_stand_upright_on_the_surface(normal, right, up):
    drawn = SurfacePatches(bare_mesh(sheet(normal))).draw(200, 5, 0.01, 2, 0.0, generator())
    patches = drawn.positions
    assert patches.shape == (200, 25, 4, 3)
    assert torch.allclose(drawn.normals, torch.tensor(normal, dtype=torch.float32).expand(200, 3), atol=1e-6)
    assert (patches @ torch.tensor(normal, dtype=torch.float32)).abs().max() < 1e-5
    right, up = (torch.tensor(axis, dtype=torch.float32) for axis in (right, up))
    pixels = patches.mean(dim=2).reshape(200, 5, 5, 3)
    assert torch.allclose(pixels[:, 0, 4] - pixels[:, 0, 0], (0.04 * right).expand(200, 3), atol=1e-6)
    assert torch.allclose(pixels[:, 0, 0] - pixels[:, 4, 0], (0.04 * up).expand(200, 3), atol=1e-6)
    inside = patches - patches.mean(dim=2, keepdim=True)
    assert torch.allclose(inside[:, :, 1] - inside[:, :, 2], (0.005 * (right + up)).expand(200, 25, 3), atol=1e-6)


def test_thick_patches_lie_on_both_sides_of_the_surface():
    drawn = SurfacePatches(bare_mesh(sheet((0, -1, 0)))).draw(400, 3, 0.01, 1, 0.04, generator())
    depths = drawn.positions[..., 1]
    assert torch.allclose(depths, depths[:, :1].expand_as(depths), atol=1e-6), "a patch is flat"
    assert -0.0201 < float(depths.min()) < -0.015 and 0.015 < float(depths.max()) < 0.0201


def test_large_and_small_parts_have_patches_by_their_areas():
    large, small = trimesh.creation.box((2, 2, 2)), trimesh.creation.box((1, 1, 1)).apply_translation((4, 0, 0))
    surface = SurfacePatches(bare_mesh(trimesh.util.concatenate([large, small])))
    assert surface.area == pytest.approx(30.0)
    share = float((middles(surface.draw(4000, 3, 0.001, 1, 0.0, generator()))[:, 0] > 2).float().mean())
    assert share == pytest.approx(0.2, abs=0.03)


def test_surfaces_that_share_texels_are_looked_at_where_these_belong():
    one = [(-1, 0, -1), (1, 0, -1), (1, 0, 1), (-1, 0, 1)]
    other = [(x, 3, z) for x, _, z in one]
    uvs = np.float32([(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)])
    triangles = np.int32([(0, 1, 2), (0, 2, 3)])
    mesh = Mesh(
        positions=np.float32([*one, *other]),
        triangles=np.concatenate([triangles, triangles + 4]),
        corner_uvs=np.concatenate([uvs[triangles]] * 2),
        corner_normals=np.broadcast_to(np.float32((0, -1, 0)), (4, 3, 3)).copy(),
    )
    apart = middles(SurfacePatches(mesh).draw(100, 3, 0.01, 1, 0.0, generator()))[:, 1]
    together = middles(SurfacePatches(mesh, find_overlap(mesh)).draw(100, 3, 0.01, 1, 0.0, generator()))[:, 1]
    assert set(apart.round().tolist()) == {0.0, 3.0}
    assert len(set(together.round().tolist())) == 1


def test_the_same_generator_state_gives_the_same_patches():
    surface = SurfacePatches(bare_mesh(trimesh.creation.icosphere(2)))
    first, second = (surface.draw(50, 5, 0.02, 2, 0.01, generator()) for _ in range(2))
    assert torch.equal(first.positions, second.positions)
