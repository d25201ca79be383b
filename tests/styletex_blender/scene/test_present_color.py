# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting from the present colour: what the artist sees is what the worker gets, and what cannot be got is said."""

from __future__ import annotations

import numpy as np
import pytest

from styletex.core.job import JobError, read_job

PIXELS = np.arange(4 * 3 * 3, dtype=np.uint8).reshape(3, 4, 3) * 7
"""A picture of 4 by 3, row 0 at the top."""


@pytest.fixture
def picture_file(tmp_path):
    from PIL import Image

    path = tmp_path / "wood.png"
    alpha = np.full((3, 4, 1), 60, np.uint8)
    Image.fromarray(np.concatenate([PIXELS, alpha], axis=-1)).save(path)
    return path


@pytest.fixture
def cube(bpy):
    """A cube with a Principled material that shows nothing yet."""
    bpy.ops.mesh.primitive_cube_add()
    material = bpy.data.materials.new("Wood")
    material.use_nodes = True
    bpy.context.object.data.materials.append(material)
    return bpy.context.object


@pytest.fixture
def show(bpy, cube, picture_file):
    """Links an image, by default the picture, to the material's base colour; returns its node."""

    def link(image=None):
        tree = cube.active_material.node_tree
        node = tree.nodes.new("ShaderNodeTexImage")
        node.image = image or bpy.data.images.load(str(picture_file))
        tree.links.new(node.outputs["Color"], principled(cube).inputs["Base Color"])
        return node

    return link


@pytest.fixture
def written(styletex, cube, tmp_path):
    """The colours that the worker gets: uint8 [H, W, 3]."""
    from PIL import Image

    def write(uv_map="UVMap"):
        name = styletex.module("scene.present_color").write_present_color(cube, uv_map, tmp_path)
        with Image.open(tmp_path / name) as picture:
            return np.asarray(picture.convert("RGB"))

    return write


def principled(target):
    return next(node for node in target.active_material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")


def feed(target, node, kind, output="UV"):
    """A new node of ``kind`` before the image's Vector."""
    tree = target.active_material.node_tree
    before = tree.nodes.new(kind)
    tree.links.new(before.outputs[output], node.inputs["Vector"])
    return before


def encoded(linear):
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def over_white(colours, alpha=60 / 255):
    return colours * alpha + 255 * (1 - alpha)


def shows_the_picture(colours):
    np.testing.assert_allclose(colours, over_white(PIXELS), atol=0.51)


def test_an_image_is_written_over_white_whatever_its_size(bpy, styletex, show, written):
    show()
    before = styletex.inventory()
    shows_the_picture(written())
    assert styletex.inventory() == before


@pytest.mark.parametrize("mode", ["NONE", "CHANNEL_PACKED"])
def test_alpha_that_is_not_transparency_leaves_the_colours_as_they_are(show, written, mode):
    show().image.alpha_mode = mode
    np.testing.assert_array_equal(written(), PIXELS)


@pytest.mark.parametrize(("space", "alpha"), [("Non-Color", 1.0), ("Linear Rec.709", 60 / 255)])
def test_linear_values_are_written_as_they_look(show, written, space, alpha):
    show().image.colorspace_settings.name = space
    np.testing.assert_allclose(written(), over_white(encoded(PIXELS / 255), alpha), atol=1)


def test_painted_float_images_are_written_as_they_look(bpy, show, written):
    image = bpy.data.images.new("Light", 2, 2, float_buffer=True)
    # Floats are multiplied with alpha.
    image.pixels.foreach_set(np.tile(np.array([4.0, 0.1070205, 0.0, 0.5], np.float32), 4))
    show(image)
    np.testing.assert_allclose(written(), np.broadcast_to([255, 191.5, 127.5], (2, 2, 3)), atol=1)


def test_a_plain_colour_is_a_plain_picture(cube, written):
    principled(cube).inputs["Base Color"].default_value = (0.214041, 1.0, 0.0, 1.0)
    colours = written()
    np.testing.assert_allclose(colours, np.broadcast_to([128, 255, 0], colours.shape), atol=1)


def test_reroutes_uv_nodes_and_a_mapping_that_changes_nothing_are_seen_through(cube, show, written):
    node = show()
    tree = cube.active_material.node_tree
    mapping = feed(cube, node, "ShaderNodeMapping", "Vector")
    tree.links.new(tree.nodes.new("ShaderNodeTexCoord").outputs["UV"], mapping.inputs["Vector"])
    reroute = tree.nodes.new("NodeReroute")
    tree.links.new(node.outputs["Color"], reroute.inputs[0])
    tree.links.new(reroute.outputs[0], principled(cube).inputs["Base Color"])
    shows_the_picture(written())
    mapping.inputs["Scale"].default_value = (2.0, 2.0, 1.0)
    with pytest.raises(JobError, match="laid out by the node 'Mapping'"):
        written()


def test_another_uv_map_is_refused_by_its_name(cube, show, written):
    node = show()
    cube.data.uv_layers.new(name="Second")
    feed(cube, node, "ShaderNodeUVMap").uv_map = "Second"
    with pytest.raises(JobError, match="on the UV map 'Second'; the new texture is for 'UVMap'") as raised:
        written()
    assert raised.value.code == "bad_mesh"
    shows_the_picture(written("Second"))


def test_without_a_uv_node_the_image_lies_on_the_map_for_rendering(cube, show, written):
    show()
    cube.data.uv_layers.new(name="Second").active_render = True
    with pytest.raises(JobError, match="'Second'"):
        written()


def no_material(bpy, cube, node):
    cube.data.materials.clear()


def empty_slot(bpy, cube, node):
    cube.material_slots[0].material = None


def two_materials(bpy, cube, node):
    cube.data.materials.append(bpy.data.materials.new("Metal"))
    cube.data.polygons[0].material_index = 1


def no_principled(bpy, cube, node):
    tree = cube.active_material.node_tree
    tree.links.new(tree.nodes.new("ShaderNodeBsdfGlass").outputs[0], tree.get_output_node("ALL").inputs["Surface"])


def two_colours(bpy, cube, node):
    tree = cube.active_material.node_tree
    mix = tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(principled(cube).outputs[0], mix.inputs[1])
    tree.links.new(tree.nodes.new("ShaderNodeBsdfDiffuse").outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], tree.get_output_node("ALL").inputs["Surface"])


def procedural(bpy, cube, node):
    tree = cube.active_material.node_tree
    tree.links.new(tree.nodes.new("ShaderNodeTexNoise").outputs["Color"], principled(cube).inputs["Base Color"])


def no_image(bpy, cube, node):
    node.image = None


def lost_image(bpy, cube, node):
    node.image.filepath = "//gone.png"
    node.image.reload()


def tiled(bpy, cube, node):
    node.image.source = "TILED"


def box_projection(bpy, cube, node):
    node.projection = "BOX"


def strange_space(bpy, cube, node):
    node.image.colorspace_settings.name = "ACEScg"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (no_material, "There is no material"),
        (empty_slot, "There is no material"),
        (two_materials, r"2 materials \(Metal, Wood\)"),
        (no_principled, "'Wood' cannot be found: nothing of its surface has a colour"),
        (two_colours, "is mixed of 2 shaders"),
        (procedural, "comes from the node 'Noise Texture', not from an image"),
        (no_image, "without an image"),
        (lost_image, r"which cannot be read from .*gone\.png"),
        (tiled, "of the kind tiled"),
        (box_projection, r"is projected \(box\)"),
        (strange_space, "colour space 'ACEScg'"),
    ],
)
def test_colours_that_cannot_be_had_are_refused_in_words(bpy, cube, show, written, damage, words):
    damage(bpy, cube, show())
    with pytest.raises(JobError, match=words) as raised:
        written()
    assert raised.value.code == "bad_mesh" and raised.value.hint


def test_an_unused_slot_does_not_matter(bpy, cube, show, written):
    show()
    cube.data.materials.append(bpy.data.materials.new("Unused"))
    shows_the_picture(written())


def test_an_image_without_a_uv_map_is_refused_and_a_plain_colour_is_not(bpy, cube, show, written):
    node = show()
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    with pytest.raises(JobError, match="the object has no UV map for it"):
        written("StyleTex")
    cube.active_material.node_tree.nodes.remove(node)
    assert written("StyleTex").shape == (4, 4, 3)


def test_the_panels_choice_reaches_the_job_and_the_texture_can_be_restyled_again(bpy, scene, styletex):
    settings = bpy.context.scene.styletex
    settings.start_from_present, settings.restyle_strength, settings.shading = True, 0.25, False
    cube = bpy.data.objects["Cube"]
    bpy.data.materials["Old"].use_nodes = True
    for _ in range(2):
        run = styletex.begin([cube])
        folder = run.tasks[0].folder.path
        job = read_job(folder)
        assert (job.base_color, job.restyle_strength, job.shading) == ("present.png", pytest.approx(0.25), False)
        assert (folder / "present.png").is_file()
        styletex.end(run)
        assert run.outcomes[0].textured
    assert cube.material_slots[0].material.name == "StyleTex · Cube"


def test_what_was_stylized_together_is_one_present_colour_to_the_last_digit(bpy, scene, styletex, tmp_path):
    from PIL import Image

    cube = bpy.data.objects["Cube"]
    cube.data.materials.clear()
    for name in ("Wood", "Metal"):
        material = bpy.data.materials.new(name)
        if bpy.app.version < (5, 0):
            material.use_nodes = True
        cube.data.materials.append(material)
    cube.data.polygons.foreach_set("material_index", [0, 1, 0, 1, 0, 1])
    styletex.end(styletex.begin([cube]))
    texture = bpy.data.images["StyleTex · Cube"]
    name = styletex.module("scene.present_color").write_present_color(cube, "UVMap", tmp_path)
    (tmp_path / "texture.png").write_bytes(texture.packed_file.data)
    with Image.open(tmp_path / name) as written, Image.open(tmp_path / "texture.png") as made:
        np.testing.assert_array_equal(np.asarray(written.convert("RGB")), np.asarray(made.convert("RGB")))
    shader = next(node for node in cube.active_material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    cube.active_material.node_tree.links.remove(shader.inputs["Base Color"].links[0])
    with pytest.raises(JobError, match="2 materials"):
        styletex.module("scene.present_color").write_present_color(cube, "UVMap", tmp_path)


def test_an_object_without_a_present_colour_does_not_keep_the_others(bpy, scene, styletex):
    bpy.context.scene.styletex.start_from_present = True
    bpy.data.materials["Old"].use_nodes = True
    bpy.data.objects["Cube"].data.materials.clear()
    run = styletex.begin([bpy.data.objects["Cube"], bpy.data.objects["Suzanne"]])
    assert "There is no material" in run.refused[0].error.message
    assert [task.object_name for task in run.tasks] == ["Suzanne"]
    styletex.end(run)
