# SPDX-License-Identifier: GPL-3.0-or-later
"""The diffusion model as a judge of renders.

In: a profile's files, a job's words and its style image; then renders. Out: the gradient on their latents. In the order
in which data passes them: ``loading`` and ``networks`` → ``odcr`` → ``conditioning`` (text and style) → ``timesteps`` →
``surface_noise`` → ``guidance`` (the gradient).
"""
