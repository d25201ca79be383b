# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two ControlNets see of the geometry: a normal image and a depth image of one view.

NumPy only, so that the generator of training data draws exactly the images that the optimisation shows later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .cameras import Camera
    from .rasteriser import Raster

NORMAL_BACKGROUND = (0.5, 0.5, 1.0)
"""Colour of uncovered pixels: a surface that faces the camera, as normalbae sees empty space."""


def normal_image(raster: Raster, camera: Camera) -> NDArray[np.float32]:
    """Camera-space normals in the convention of ``control_v11p_sd15_normalbae``.

    Red is left, green is up, blue is towards the viewer: x of OpenGL's camera space is flipped, then
    [-1, 1] becomes [0, 1].

    Args:
        raster: one view; its normals are world-space unit vectors turned to the viewer.
        camera: the camera of that view.

    Returns:
        [H, W, 3] in [0, 1]; uncovered pixels are ``NORMAL_BACKGROUND``.
    """
    rotation = camera.world_to_camera[:3, :3].astype(np.float32)
    turned = raster.normal.reshape(-1, 3).astype(np.float32) @ (rotation.T * np.array([-0.5, 0.5, 0.5], np.float32))
    image = np.clip(turned + np.float32(0.5), 0.0, 1.0).reshape(raster.normal.shape)
    np.copyto(image, np.array(NORMAL_BACKGROUND, np.float32), where=~raster.mask[..., None])
    return image


def depth_image(raster: Raster) -> NDArray[np.float32]:
    """Depth normalised over the covered pixels of the view: nearest 1, farthest 0, background 0.

    Args:
        raster: one view; its depth is measured along the viewing axis.

    Returns:
        [H, W, 3] in [0, 1], three equal channels. A view that is covered at one depth only is 1 where covered.
    """
    image = np.zeros(raster.mask.shape, np.float32)
    covered = raster.depth[raster.mask].astype(np.float32)
    if covered.size:
        near, far = covered.min(), covered.max()
        image[raster.mask] = (far - covered) / (far - near) if far > near else 1.0
    return np.repeat(image[..., None], 3, axis=-1)
