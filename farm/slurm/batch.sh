#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# sbatch --array=1-8 farm/slurm/batch.sh /shared/props.toml /shared/textured
# Eight tasks, each with a card, share the work by the locks in the output folder, which must be on a disk that all see.
# A task that ends early or is requeued loses nothing: whoever is next goes on from its checkpoint.
#SBATCH --job-name=styletex
#SBATCH --gpus=1 --cpus-per-task=4 --mem=16G --time=08:00:00
#SBATCH --requeue --signal=TERM@60
exec "${STYLETEX_PYTHON:-python}" -m core batch "$1" --output "$2"
