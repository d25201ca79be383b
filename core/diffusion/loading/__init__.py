# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks from their files, by the libraries' own loaders, with what is wrong said in one line.

In: a profile's sources. Out: modules, with LoRAs merged. In order: ``reading`` → ``single_file`` → ``lora_names`` →
``loras``.
"""
