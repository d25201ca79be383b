# SPDX-License-Identifier: GPL-3.0-or-later
"""How the bundled model is made, from nothing but generated pictures.

Shapes are cast once (``shapes`` → ``coordinates`` → ``rasters``) and stay on the device. There each batch is drawn
(``styles``, ``captions`` → ``batches``) and painted (``patterns``, ``details``, ``scenes`` → ``painter``) when it is
needed, so that no two are the same. ``run`` trains the networks of ``architecture`` one after the other within some
minutes (``train_vae``, ``train_joint``, ``train_denoiser``; all by ``loop``), and ``python -m core.training`` starts it
and goes on where it stopped, elsewhere too (``travel``).
"""
