# SPDX-License-Identifier: GPL-3.0-or-later
"""How the bundled model was made, from nothing but generated pictures.

Data passes the modules in this order: ``shapes`` → ``rasters`` (what cameras see of them), ``patterns`` → ``styles``
→ ``pictures`` → ``captions`` → ``dataset``; then the networks of ``architecture`` are trained by ``train_vae``,
``train_clip`` and ``train_denoiser``. ``python -m core.training`` runs all of it and resumes where it stopped.
"""
