# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled model's vocabulary: byte-level BPE in CLIP's own file format, with whole words for most of what it was
taught.
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer

CONTEXT_LENGTH = 24
"""Tokens of one caption, start and end included."""
START, END = "<|startoftext|>", "<|endoftext|>"


def write_tokenizer(words: list[str], folder: Path) -> CLIPTokenizer:
    """Write a CLIP tokenizer that knows most of ``words`` as one token and spells all others in pieces of them.

    Pairs are merged in the order of ``words``, so that a word in which an earlier one's pair stands ("or" of "horse" in
    "orange") stays in pieces too.

    Args:
        words: lower-case words; their order decides the token numbers.
        folder: where ``vocab.json``, ``merges.txt`` and the configuration go.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *(letter + "</w>" for letter in alphabet)]
    merges: dict[tuple[str, str], None] = {}
    known = set(tokens)
    for word in words:
        pieces = [*word[:-1], word[-1] + "</w>"]
        while len(pieces) > 1:
            pair = (pieces[0], pieces[1])
            merges.setdefault(pair)
            pieces[:2] = [pieces[0] + pieces[1]]
            if pieces[0] not in known:
                known.add(pieces[0])
                tokens.append(pieces[0])
    vocabulary = {token: number for number, token in enumerate([*tokens, START, END])}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tokenizer = CLIPTokenizer(
        vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), model_max_length=CONTEXT_LENGTH
    )
    tokenizer.save_pretrained(folder)
    return tokenizer
