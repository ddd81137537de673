"""A real llama.cpp server with a model of nothing: what it evaluates of prompts is what counts.

The model has one layer of random weights and the vocabulary that bpe-openai ships (cl100k), so
that tokens are those of real text, and a prompt of 30,000 of them takes seconds. llama.cpp comes
with ``pip install xllamacpp gguf``, which nothing else needs; the package gguf writes the file.
"""

from __future__ import annotations

import base64
import gzip
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx

_WIDTH = 32
_TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}\n{% endfor %}<|assistant|>\n"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Tokens of a prompt: all of them, and those that were not in the server's cache."""

    tokens: int
    evaluated: int


class TinyLlama:
    """A server on loopback, in this process.

    Args:
        context: tokens that a prompt may have.
        slots: prompts that it works on at once, each with a cache of its own.

    Raises:
        ImportError: ``xllamacpp`` or ``gguf`` is not installed.
    """

    def __init__(self, context: int, slots: int = 1) -> None:
        import xllamacpp

        self._folder = tempfile.TemporaryDirectory()
        model = Path(self._folder.name) / "tiny.gguf"
        _write_model(model, context)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(model)
        parameters.n_ctx, parameters.n_parallel = context * slots, slots
        parameters.cpuparams.n_threads = 1
        parameters.warmup = parameters.fit_params = False
        parameters.verbosity = -1
        parameters.port = 0
        self._server = xllamacpp.Server(parameters)
        self._client = httpx.Client(base_url=self._server.listening_address, timeout=600)

    def evaluate(self, messages: list[Mapping[str, Any]]) -> Evaluated:
        """Ask for one token, and tell what of the prompt was evaluated for it."""
        body = {"messages": messages, "max_tokens": 1, "temperature": 0}
        answer = self._client.post("/v1/chat/completions", json=body)
        answer.raise_for_status()
        timings = answer.json()["timings"]
        return Evaluated(timings["prompt_n"] + timings["cache_n"], timings["prompt_n"])

    def close(self) -> None:
        """End the server."""
        self._client.close()
        del self._server
        self._folder.cleanup()


def _write_model(path: Path, context: int) -> None:
    import gguf
    import numpy

    ranks = _ranks()
    spelled = _spelled_bytes()
    names = ["".join(spelled[byte] for byte in token) for token in ranks]
    merges = [
        " ".join("".join(spelled[byte] for byte in part) for part in _halves(token, ranks))
        for token in ranks
        if len(token) > 1
    ]
    names += ["<|end|>"]
    end = len(names) - 1
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_WIDTH)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH)
    writer.add_vocab_size(len(names))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(names)
    writer.add_token_types([1] * end + [3])
    writer.add_token_merges(merges)
    writer.add_eos_token_id(end)
    writer.add_bos_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_chat_template(_TEMPLATE)
    random = numpy.random.default_rng(1)
    square = (_WIDTH, _WIDTH)
    shapes = {"token_embd": (len(names), _WIDTH)}
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        shapes[f"blk.0.{name}"] = square
    for name, shape in shapes.items():
        weights = random.standard_normal(shape).astype(numpy.float32) / 20
        writer.add_tensor(f"{name}.weight", weights)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", numpy.ones(_WIDTH, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _ranks() -> dict[bytes, int]:
    """The vocabulary: tokens with their ranks, in order; a line each, in base 64."""
    data = (files("bpe_openai") / "data" / "cl100k_base.tiktoken.gz").read_bytes()
    rows = (row.split() for row in gzip.decompress(data).splitlines())
    return {base64.b64decode(token): int(rank) for token, rank in rows}


def _halves(token: bytes, ranks: Mapping[bytes, int]) -> tuple[bytes, bytes]:
    """The two tokens that a token is merged from: byte pairs are merged, the lowest rank first."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = [ranks.get(parts[at] + parts[at + 1], 1 << 30) for at in range(len(parts) - 1)]
        at = pairs.index(min(pairs))
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def _spelled_bytes() -> dict[int, str]:
    """Each byte as the character that byte-level BPE of GPT-2 spells it with."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {
        byte: chr(256 + place) for place, byte in enumerate(others)
    }
