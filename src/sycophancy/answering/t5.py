# SPDX-License-Identifier: Apache-2.0
"""T5's decoder for the possible answers to a prompt: all of them in one row, read beside each other.

The answers are a tree of tokens, so that what they begin with in common is read once; a token sees those on its own way to
the root. The cross-attention makes no key and no value of every token of the prompt: its scores are q·(K h), with h the
encoder's output, which is (Kᵀ q)·h, and the mean of the values V h is V of the mean of h. With fewer tokens asked than a
head is wide that is less work (the "absorption" of DeepSeek-AI 2024, DeepSeek-V2, section 2.1.2).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import torch


class Tree(NamedTuple):
    """Answers as a tree of tokens.

    Attributes:
        tokens: of each node; a node comes after its parent. The first is the decoder's start.
        parents: the index of each node's parent; the root is its own.
        ways: for each answer the nodes after which its tokens come, from the root on.
    """

    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    ways: tuple[tuple[int, ...], ...]

    @property
    def shape(self):
        """What trees have in common that can be read in one batch."""
        return self.parents, self.ways


def answer_tree(start: int, answers: Sequence[Sequence[int]]) -> Tree:
    """The tree of answers of at least one token each; the last token of each is asked for and read by none."""
    nodes: dict[tuple[int, ...], int] = {(): 0}
    tokens, parents, ways = [start], [0], []
    for answer in answers:
        way = [0]
        for end in range(1, len(answer)):
            beginning = tuple(answer[:end])
            if beginning not in nodes:
                nodes[beginning] = len(tokens)
                tokens.append(answer[end - 1])
                parents.append(way[-1])
            way.append(nodes[beginning])
        ways.append(tuple(way))
    return Tree(tuple(tokens), tuple(parents), tuple(ways))


def reads_trees(model) -> bool:
    """Whether the model is a T5 whose cross-attention's projections are plain matrices, with no adapter on them."""
    from transformers import MT5ForConditionalGeneration, T5ForConditionalGeneration

    if type(model) not in (T5ForConditionalGeneration, MT5ForConditionalGeneration):
        return False
    cross = _cross_attentions(model)
    return all(type(matrix) is torch.nn.Linear for attention in cross for matrix in (attention.k, attention.v))


def absorb_cross_attention(model) -> bool:
    """Move the cross-attention's projections for good, for training where they are frozen: the same losses in less time.

    Nothing happens, and the answer is no, where the model cannot (`reads_trees`) or where the projections are trained.
    """
    if not reads_trees(model):
        return False
    cross = _cross_attentions(model)
    if any(attention.k.weight.requires_grad or attention.v.weight.requires_grad for attention in cross):
        return False
    for attention in cross:
        attention.forward = _absorbed(attention)
    return True


def tree_logits(model, trees: Sequence[Tree], encoded: Sequence[torch.Tensor]) -> torch.Tensor:
    """Logits after every node, (n, nodes, vocabulary).

    Args:
        model: a model that `reads_trees`.
        trees: one for each prompt, all of the same shape.
        encoded: the encoder's output for each prompt, (its tokens, width).
    """
    device = encoded[0].device
    states = torch.nn.utils.rnn.pad_sequence(encoded, batch_first=True)
    lengths = torch.tensor([len(row) for row in encoded], device=device)
    counts = (torch.arange(states.shape[1], device=device) < lengths[:, None])[:, None, None, :]
    first = model.decoder.block[0].layer[0].SelfAttention
    with ExitStack() as stack:
        stack.enter_context(_in_place_of(first, "compute_bias", _bias_of(first, trees[0].parents, device)))
        for attention in _cross_attentions(model):
            stack.enter_context(_in_place_of(attention, "forward", _absorbed(attention, counts)))
        # Without a mask of its own: a later token is never seen, and the bias leaves out what is on another way.
        tokens = torch.tensor([tree.tokens for tree in trees], device=device)
        return model(encoder_outputs=(states,), decoder_input_ids=tokens, use_cache=False).logits


def _cross_attentions(model) -> list:
    return [block.layer[1].EncDecAttention for block in model.decoder.block]


@contextmanager
def _in_place_of(module, name: str, method) -> Iterator[None]:
    """Inside the block the module's method is another one; what other libraries have put there comes back."""
    before = module.__dict__.get(name)
    setattr(module, name, method)
    try:
        yield
    finally:
        delattr(module, name) if before is None else setattr(module, name, before)


def _bias_of(attention, parents: Sequence[int], device):
    """`compute_bias` of T5's first layer, which all layers take over, for a tree: by depth and not by place."""
    depth, sees = [0], torch.eye(len(parents), dtype=torch.bool)
    for node, parent in list(enumerate(parents))[1:]:
        depth.append(depth[parent] + 1)
        sees[node] |= sees[parent]
    plain = attention.compute_bias

    def compute_bias(query_length, key_length, device=device, past_seen_tokens=0):
        bias = plain(max(depth) + 1, max(depth) + 1, device=device)[:, :, depth][..., depth]
        return bias.masked_fill(~sees.to(bias.device), torch.finfo(bias.dtype).min)

    return compute_bias


def _absorbed(attention, counts: torch.Tensor | None = None):
    """The forward of T5's cross-attention, moved.

    Args:
        attention: the module.
        counts: which tokens of the prompt count, (n, 1, 1, length), bool; `None` for what the decoder gives.
    """

    def forward(states, mask=None, key_value_states=None, position_bias=None, past_key_values=None, **_):
        n, _length, width = key_value_states.shape
        heads, size = attention.n_heads, attention.key_value_proj_dim
        keys, values = (matrix.weight.view(heads, size, width) for matrix in (attention.k, attention.v))
        asked = attention.q(states).view(-1, heads, size).transpose(0, 1)  # heads, n * tokens, size
        asked = torch.bmm(asked, keys).view(heads, n, -1, width).transpose(0, 1).reshape(n, 1, -1, width)
        prompt = key_value_states.unsqueeze(1)
        # The decoder's mask is the same for every token that asks.
        given = counts if counts is not None or mask is None else mask[:, :, :1]
        read = torch.nn.functional.scaled_dot_product_attention(
            asked, prompt, prompt, attn_mask=given, scale=attention.scaling,
            dropout_p=attention.dropout if attention.training else 0.0,
        )  # fmt: skip
        read = read.view(n, heads, -1, width).transpose(0, 1).reshape(heads, -1, width)
        read = torch.bmm(read, values.transpose(1, 2)).transpose(0, 1)  # n * tokens, heads, size
        return attention.o(read.reshape(*states.shape[:-1], heads * size)), position_bias, None

    return forward
