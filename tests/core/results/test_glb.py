# SPDX-License-Identifier: GPL-3.0-or-later
"""The textured glTF file comes back as the mesh it was written from."""

import numpy as np
import pytest
import trimesh
from PIL import Image

from core.mesh_files.import_file import import_file
from core.results.glb import write_glb


@pytest.fixture
def texture(tmp_path):
    path = tmp_path / "base_color.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
    return path


@pytest.mark.parametrize("shape", [trimesh.creation.box(extents=(1, 2, 3)), trimesh.creation.torus(1, 0.4)])
def test_a_written_mesh_reads_back_the_same(make_mesh, tmp_path, texture, shape):
    mesh = make_mesh(shape)
    write_glb([(mesh, texture)], tmp_path / "textured.glb")
    read = import_file(tmp_path / "textured.glb").mesh
    np.testing.assert_allclose(read.positions[read.triangles], mesh.positions[mesh.triangles], atol=1e-6)
    np.testing.assert_allclose(read.corner_uvs, mesh.corner_uvs, atol=1e-6)
    np.testing.assert_allclose(read.corner_normals, mesh.corner_normals, atol=1e-4)


def test_the_material_is_the_texture_rough_and_not_metallic(make_mesh, tmp_path, texture):
    write_glb([(make_mesh(trimesh.creation.box()), texture)], tmp_path / "textured.glb")
    (geometry,) = trimesh.load_scene(tmp_path / "textured.glb").geometry.values()
    material = geometry.visual.material
    assert material.metallicFactor == 0
    assert material.roughnessFactor == pytest.approx(0.8)
    np.testing.assert_array_equal(np.asarray(material.baseColorTexture.convert("RGB")), np.asarray(Image.open(texture)))


def test_gltfs_up_axis_is_y(make_mesh, tmp_path, texture):
    write_glb([(make_mesh(trimesh.creation.box(extents=(1, 1, 5))), texture)], tmp_path / "textured.glb")
    extents = trimesh.load_scene(tmp_path / "textured.glb").extents
    assert extents.argmax() == 1
