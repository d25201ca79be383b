# SPDX-License-Identifier: GPL-3.0-or-later
"""The diffusion model as a judge of renders.

In the order in which data passes them: ``networks`` (loading) → ``odcr`` → ``conditioning`` (text and style) →
``control_images`` → ``timesteps`` → ``guidance`` (the gradient).
"""
