# SPDX-License-Identifier: Apache-2.0
"""Many texts through a decoder-only model as one row: what they begin with in common once, and nothing padded.

The texts are a forest of tokens. All layers but attention look at a token alone, so they take the forest as it is; in
attention, a few trees at a time, a token sees what it goes on from.
"""

import weakref
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from sycophancy.answering.batches import sorted_by_beginning
from sycophancy.answering.forms import Asked
from sycophancy.answering.logits import base_of, logits_only_at, logprobs_of

TOGETHER = {"cpu": 4096}
"""Tokens of a forward pass by device, about: on a CPU no more than what its caches are good for."""

TOGETHER_ELSEWHERE = 16384

CALL, LONGEST_BLOCK = 3000, 256
"""What a call of attention costs beside its pairs of a token and one that it may see, in such pairs, and its tokens at most. A
call took 45 microseconds and a pair 13 to 19 nanoseconds, in a model of nine heads."""

CALL_ELSEWHERE, LONGEST_BLOCK_ELSEWHERE = 8192**2, 8192
"""The same on a GPU, where a call costs more than what is masked."""

EVEN = 16
"""What a block's number of keys is a multiple of: matrix products of other widths take up to a quarter longer."""

ROOM = 64
"""Tokens that a cache grows by at a time."""

_NAME = "sycophancy_packed"


class Block(NamedTuple):
    """Consecutive tokens of a forest whose attention is one call.

    Attributes:
        begin, end: the tokens, among those that are read.
        keys: what they see at most, (n_keys,): what they go on from, and themselves.
        mask: (end - begin, n_keys), what is added to the attention's scores.
    """

    begin: int
    end: int
    keys: torch.Tensor
    mask: torch.Tensor


class Forest:
    """Texts as one list of tokens, each right after what it goes on from or after others that go on from there.

    Attributes:
        tokens: all of them.
        depths: of each token how many it goes on from: its position in its text.
        parents: of each the one before it in its text, -1 for none.
        ends: of each the first later token that does not go on from it.
    """

    def __init__(self):
        self.tokens: list[int] = []
        self.depths: list[int] = []
        self.parents: list[int] = []
        self.ends: list[int] = []
        self._path: list[int] = []
        self._branches: list[int] = []

    def follow(self, text: Sequence[int], known: int = 0) -> list[int]:
        """Put a text in, from where it leaves the one before it; texts in sorted order share the most.

        Args:
            text: its tokens.
            known: how many of them the text before it is known to have.

        Returns:
            Where each of its tokens is.
        """
        path, common = self._path, known
        while common < min(len(path), len(text)) and self.tokens[path[common]] == text[common]:
            common += 1
        self._leave(common)
        for token in text[common:]:
            self.parents.append(path[-1] if path else -1)
            self.depths.append(len(path))
            path.append(len(self.tokens))
            self.tokens.append(token)
            self.ends.append(-1)
        return list(path)

    def _leave(self, depth: int) -> None:
        if depth < len(self._path):
            self._branches.append(len(self.tokens))
        for node in self._path[depth:]:
            self.ends[node] = len(self.tokens)
        del self._path[depth:]

    def blocks(self, dtype: torch.dtype, device, known: Sequence[int] = ()) -> list[Block]:
        """The forest cut up for attention; nothing can be put in afterwards.

        Args:
            dtype, device: of the model.
            known: tokens that are not read, whose keys come before the others' in this order. What they go on from is known.
        """
        self._leave(0)
        read, device = self.but(known), torch.device(device)
        place = {node: at for at, node in enumerate([*known, *read])}
        ends, found = torch.tensor(self.ends, device=device), []
        for begin, end in self._cut(read, *_costs(device)):
            nodes, seen = torch.tensor(read[begin:end], device=device), set(read[begin:end])
            for node in read[begin:end]:
                while (node := self.parents[node]) >= 0 and node not in seen:
                    seen.add(node)
            seen = sorted(seen)
            # What makes the number even is seen by none; the first key stands there.
            shown = seen + seen[:1] * (-len(seen) % EVEN)
            keys = torch.tensor(shown, device=device)
            sees = (keys <= nodes[:, None]) & (ends[keys] > nodes[:, None])
            sees[:, len(seen) :] = False
            mask = torch.zeros(sees.shape, dtype=dtype, device=device).masked_fill(~sees, -torch.inf)
            found.append(Block(begin, end, torch.tensor([place[node] for node in shown], device=device), mask))
        return found

    def _cut(self, read: Sequence[int], call: int, longest: int) -> list[tuple[int, int]]:
        """Where the blocks begin and end whose attention costs least.

        Args:
            read: the tokens that are read.
            call: what a block costs beside its pairs.
            longest: tokens of a block at most.
        """
        places = [0]
        for at in range(1, len(read)):
            size = at - places[-1]
            parts = bisect_right(self._branches, read[at]) > bisect_right(self._branches, read[at - 1])
            if (parts and size >= longest // 32) or size >= max(1, longest // 4):
                places.append(at)
        places += [len(read)] if read else []
        best = [(0, 0)]  # what the tokens before a place cost at least, and the place where their last block begins
        for last, end in enumerate(places[1:], 1):
            options = []
            for first in range(last - 1, -1, -1):
                size = end - places[first]
                if size > longest:
                    break
                # It sees itself and what its first token goes on from.
                options.append((best[first][0] + call + size * (size + self.depths[read[places[first]]]), first))
            best.append(min(options))
        cuts, last = [], len(places) - 1
        while last > 0:
            first = best[last][1]
            cuts.append((places[first], places[last]))
            last = first
        return cuts[::-1]

    def but(self, known: Sequence[int]) -> list[int]:
        """The tokens that are read where some are known, in order."""
        left_out = set(known)
        return [node for node in range(len(self.tokens)) if node not in left_out]


def _costs(device) -> tuple[int, int]:
    """`CALL` and `LONGEST_BLOCK` of a device."""
    return (CALL, LONGEST_BLOCK) if device.type == "cpu" else (CALL_ELSEWHERE, LONGEST_BLOCK_ELSEWHERE)


def _attend(module, query, key, value, attention_mask, *, scaling=None, dropout=0.0, blocks=None, **more):
    """Attention of a forest (`AttentionInterface`): `query` (1, heads, n, width), the others with as many heads or fewer."""
    for name in ("softcap", "s_aux", "position_bias", "sliding_window"):
        if more.get(name) is not None:
            raise _OtherAttentionError(name)
    shared, n_tokens = key.shape[1], query.shape[2]
    query = query[0].unflatten(0, (shared, -1))
    found = query.new_empty(n_tokens, *query.shape[:2], value.shape[-1])
    # By token: what a block sees is picked row by row, the fastest way.
    key, value = (states[0].transpose(0, 1).contiguous() for states in (key, value))
    for begin, end, keys, mask in blocks:
        # A head that several others share is looked at, not copied.
        k, v = (
            states.index_select(0, keys).transpose(0, 1)[:, None].expand(-1, query.shape[1], -1, -1)
            for states in (key, value)
        )
        read = torch.nn.functional.scaled_dot_product_attention(
            query[:, :, begin:end], k, v, attn_mask=mask.to(query.dtype), scale=scaling
        )
        found[begin:end] = read.permute(2, 0, 1, 3)
    return found.flatten(1, 2)[None], None


class _OtherAttentionError(Exception):
    """The model's attention does something else than weigh what it sees."""


ALL_ATTENTION_FUNCTIONS.register(_NAME, _attend)


@contextmanager
def _packed_attention(config) -> Iterator[None]:
    before = config._attn_implementation
    config._attn_implementation = _NAME
    try:
        yield
    finally:
        config._attn_implementation = before


def _read(base, forest: Forest, marked: Sequence[int], cache=None, known: Sequence[int] = ()) -> torch.Tensor:
    """The logits (n_marked, vocabulary) after the marked tokens of a forest, in order.

    The cache has the keys and values of the known tokens, and gets those of the others after them.
    """
    device = base.get_input_embeddings().weight.device
    read = forest.but(known)
    chosen = set(marked)
    at = torch.tensor([[node in chosen for node in read]])
    with _packed_attention(base.config), logits_only_at(base, at.to(device)):
        return base(
            input_ids=torch.tensor([[forest.tokens[node] for node in read]], device=device),
            position_ids=torch.tensor([[forest.depths[node] for node in read]], device=device),
            past_key_values=cache,
            use_cache=cache is not None,
            blocks=forest.blocks(base.dtype, device, known),
        ).logits


_CHECKED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def reads_packed(model, texts: Sequence[Sequence[int]]) -> bool:
    """Whether a model that keeps keys and values gives the same logits for a forest as for its texts one by one.

    A model may count positions by itself or do more in its attention than `torch` does, so it is tried, once.

    Args:
        model: the model or a PEFT model around one.
        texts: some texts that it can read, as token ids.
    """
    # A soft prompt stands before a row, and a prefix in its cache.
    config = getattr(model, "active_peft_config", None)
    if config is not None and config.is_prompt_learning and not getattr(model, "_adapters_disabled", False):
        return False
    base = base_of(model)
    if base not in _CHECKED:
        training = base.training
        with torch.no_grad():
            _CHECKED[base] = _tried(base.eval(), texts)
        base.train(training)
    return _CHECKED[base]


def _tried(base, texts: Sequence[Sequence[int]]) -> bool:
    if not getattr(base, "_supports_attention_backend", False) or base.config._attn_implementation != "sdpa":
        return False
    text, other = list(texts[0][:16]), list(texts[-1][-8:])
    tried = sorted([text, text[: len(text) // 2] + other, text[: len(text) // 2] + other[::-1], other])
    forest = Forest()
    last = [forest.follow(one)[-1] for one in tried]
    try:
        packed = _read(base, forest, last)
    except (_OtherAttentionError, TypeError):
        return False
    nodes = sorted(set(last))
    device = packed.device
    alone = torch.cat(
        [base(input_ids=torch.tensor([one], device=device), use_cache=False).logits[0, -1:] for one in tried]
    )
    differ = (packed[[nodes.index(node) for node in last]].float() - alone.float()).abs().max()
    # Half of the digits that its type has, of numbers as large as its logits are.
    return bool(differ <= torch.finfo(base.dtype).eps ** 0.5 * alone.float().abs().max())


def _passes(contexts: Sequence[Sequence[int]], added: Sequence[int], device) -> list[list[int]]:
    """Indices of texts that go through the model together, those that begin alike next to each other.

    Passes are of about one size: a last one of few tokens would wait for the weights.

    Args:
        contexts: tokens of each text.
        added: how many more of each come after them.
        device: the model's.
    """
    order = sorted_by_beginning(contexts)
    new, before = [], []
    for index in order:
        context, common = contexts[index], 0
        while common < min(len(before), len(context)) and before[common] == context[common]:
            common += 1
        new.append(len(context) - common + added[index])
        before = context
    most = TOGETHER.get(device.type, TOGETHER_ELSEWHERE)
    passes: list[list[int]] = [[] for _ in range(max(1, round(sum(new) / most)))]
    size, read, number = sum(new) / len(passes), 0, 0
    for index, more in zip(order, new, strict=True):
        if more:  # what is there twice goes along
            number = min(len(passes) - 1, int((read + more / 2) / size))
        passes[number].append(index)
        read += more
    return [chosen for chosen in passes if chosen]


def full_passes(questions: Sequence[Asked], device) -> list[list[int]]:
    """Indices of the questions that `score_packed` reads in one forward pass, pass by pass.

    Args:
        questions: as `encode_questions` gives them.
        device: the model's.
    """
    # The end of an answer is not read.
    added = [len({tuple(a[:end]) for a in q.answers for end in range(1, len(a))}) for q in questions]
    return _passes([question.context for question in questions], added, device)


def score_packed(model, questions: Sequence[Asked]) -> list[list[float]]:
    """Log-probability of each token of each answer, in the order of `continuations`."""
    base, found = base_of(model), [[[] for _ in question.answers] for question in questions]
    device = base.get_input_embeddings().weight.device
    for chosen in full_passes(questions, device):
        texts = sorted(
            ([*questions[index].context, *answer[:-1]], index, number)
            for index in chosen
            for number, answer in enumerate(questions[index].answers)
        )
        forest, asked, before = Forest(), [], -1
        for text, index, number in texts:
            start = len(questions[index].context)
            path = forest.follow(text, known=start if index == before else 0)
            asked += [
                (index, number, node, token)
                for node, token in zip(path[start - 1 :], questions[index].answers[number], strict=True)
            ]
            before = index
        nodes = sorted({node for _, _, node, _ in asked})
        row_of = {node: row for row, node in enumerate(nodes)}
        logprobs = logprobs_of(_read(base, forest, nodes))
        rows = torch.tensor([row_of[node] for _, _, node, _ in asked], device=device)
        tokens = torch.tensor([token for *_, token in asked], device=device)
        for (index, number, _, _), logprob in zip(asked, logprobs[rows, tokens].tolist(), strict=True):
            found[index][number].append(logprob)
    return [logprobs for answers in found for logprobs in answers]


class _RoomyLayer(DynamicLayer):
    """Keys and values of a layer with room after them: another token is written there, and nothing is copied.

    Not for a cache whose rows are shared with another one.
    """

    def update(self, key_states, value_states, *args, **kwargs):
        """As in the library."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.room = None
        n_read = self.get_seq_length()
        width = n_read + key_states.shape[-2]
        if self.room is None or self.room[0].shape[-2] < width or len(self.room[0]) != len(key_states):
            held = (self.keys, self.values) if n_read else (None, None)
            self.room = tuple(
                _widened(states, new, width + ROOM)
                for states, new in zip(held, (key_states, value_states), strict=True)
            )
        for room, new in zip(self.room, (key_states, value_states), strict=True):
            room[:, :, n_read:width] = new
        self.keys, self.values = (room[:, :, :width] for room in self.room)
        return self.keys, self.values

    def fill(self, rows: torch.Tensor, n_rows: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Put in what some of the rows have read, (n_filled, heads, width, size) each."""
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
            self.room = tuple(
                new.new_empty(n_rows, new.shape[1], new.shape[2] + ROOM, new.shape[3]) for new in (keys, values)
            )
            self.keys, self.values = (room[:, :, : keys.shape[2]] for room in self.room)
        self.keys[rows], self.values[rows] = keys, values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """As in the library."""
        super().batch_select_indices(indices)
        self.room = None


def _widened(held: torch.Tensor | None, new: torch.Tensor, width: int) -> torch.Tensor:
    room = new.new_empty(*new.shape[:2], width, new.shape[3])
    if held is not None:
        room[:, :, : held.shape[2]] = held
    return room


class Memory:
    """What a model has read of conversations, for their later turns.

    A turn's prompt begins with the turns before it, token by token, so that their keys and values are those of a model that
    reads it whole.

    Args:
        most: bytes; what has been gone on from makes room, and what has no room is read again.
    """

    def __init__(self, most: int = 2**31):
        self.most, self.held = most, 0
        self._states: dict[tuple[int, ...], torch.Tensor] = {}
        self._lengths: Counter[int] = Counter()
        # In the order of their use.
        self._used: dict[tuple[int, ...], None] = {}

    def find(self, text: Sequence[int]) -> tuple[int, torch.Tensor | None]:
        """The longest text that was read and that this one goes on from.

        Returns:
            How many tokens it has, and their keys and values, (layers, 2, heads, tokens, size); `0` and `None` for none.
        """
        for length in sorted(self._lengths, reverse=True):
            begun = tuple(text[:length])
            if length <= len(text) and begun in self._states:
                self._used.pop(begun, None)
                self._used[begun] = None
                return length, self._states[begun]
        return 0, None

    def keep(self, text: Sequence[int], states: torch.Tensor) -> None:
        """Keep what was read of a text, (layers, 2, heads, tokens, size)."""
        text = tuple(text)
        if text in self._states:
            return
        size = states.numel() * states.element_size()
        while self.held + size > self.most and self._used:
            self._drop(next(iter(self._used)))
        if self.held + size <= self.most:
            self._states[text] = states
            self._lengths[len(text)] += 1
            self.held += size

    def _drop(self, text: tuple[int, ...]) -> None:
        states = self._states.pop(text)
        self.held -= states.numel() * states.element_size()
        self._lengths[len(text)] -= 1
        self._lengths += Counter()  # without those that none has
        del self._used[text]


def cache_packed(
    model, contexts: Sequence[Sequence[int]], memory: Memory | None = None
) -> tuple[DynamicCache, torch.Tensor]:
    """What a model keeps of texts, to go on from: the cache with a row for each, and which of its positions count.

    Args:
        model: a model that `reads_packed`, or a PEFT model around one.
        contexts: the tokens of each text, at least one.
        memory: what was read before is not read again, and what is read is kept there.

    Returns:
        The cache, its rows ending together, and its mask (n_texts, longest), 0 or 1.
    """
    base = base_of(model)
    device = base.get_input_embeddings().weight.device
    width = max(map(len, contexts))
    filled = DynamicCache(config=base.config)
    filled.layers = [_RoomyLayer() for _ in filled.layers]
    mask = torch.zeros(len(contexts), width, dtype=torch.long)
    for chosen in _passes(contexts, [0] * len(contexts), device):
        forest, cache = Forest(), DynamicCache(config=base.config)
        paths = [forest.follow(contexts[index]) for index in chosen]
        known = _recall(memory, [contexts[index] for index in chosen], paths, cache) if memory is not None else []
        read = forest.but(known)
        if read:
            _read(base, forest, [], cache, known)
        place = torch.empty(len(forest.tokens), dtype=torch.long)
        place[[*known, *read]] = torch.arange(len(forest.tokens))
        for index, path in zip(chosen, paths, strict=True):
            mask[index, width - len(path) :] = 1
        at = place[torch.tensor([[0] * (width - len(path)) + path for path in paths])].to(device)
        rows = torch.tensor(chosen, device=device)
        for layer, found in zip(filled.layers, cache.layers, strict=True):
            layer.fill(
                rows, len(contexts), found.keys[0][:, at].transpose(0, 1), found.values[0][:, at].transpose(0, 1)
            )
        if memory is not None:
            for index, path in zip(chosen, paths, strict=True):
                own = place[path].to(device)
                states = [torch.stack([layer.keys[0][:, own], layer.values[0][:, own]]) for layer in cache.layers]
                memory.keep(contexts[index], torch.stack(states))
    return filled, mask.to(device)


def _recall(
    memory: Memory, texts: Sequence[Sequence[int]], paths: Sequence[list[int]], cache: DynamicCache
) -> list[int]:
    """Put what is known of texts into an empty cache: the tokens of the forest that it now has, in order."""
    nodes: dict[int, None] = {}
    pieces = []
    for text, path in zip(texts, paths, strict=True):
        common, states = memory.find(text)
        new = [at for at in range(common) if path[at] not in nodes]
        if new:
            nodes.update(dict.fromkeys(path[at] for at in new))
            pieces.append(states[:, :, :, new])
    if pieces:
        for number, (keys, values) in enumerate(torch.cat(pieces, dim=3)):
            cache.update(keys[None], values[None], number)
    return list(nodes)


_GOING_ON = ("position_ids", "past_key_values")


@contextmanager
def rows_packed(model, inputs: dict[str, torch.Tensor]) -> Iterator[bool]:
    """Inside the block the layers of a model that is tuned read a batch packed; what comes out of them is as it was.

    Rows of one item, and an answer that is chosen beside one that is rejected, have most of their tokens in common. What
    LoRA drops out is drawn once for what is read once. Nothing changes, and `False` is given, where the model cannot, has a
    soft prompt, or computes its activations again for the backward pass, which begins after the block. Nor on a GPU, where the
    backward pass of what is picked out costs more than padding.

    Args:
        model: a decoder-only model, or a PEFT model around one.
        inputs: `input_ids` and `attention_mask`, each (rows, width); a row's tokens stand side by side.
    """
    base = base_of(model)
    layers = getattr(base, base.base_model_prefix, base)
    again = any(getattr(module, "gradient_checkpointing", False) for module in layers.modules())
    if inputs["input_ids"].device.type != "cpu" or layers is base or again:
        yield False
        return
    # After what rules a model out, since on a GPU each row here would be waited for.
    rows = [ids[seen].tolist() for ids, seen in zip(inputs["input_ids"], inputs["attention_mask"].bool(), strict=True)]
    if not all(rows) or not reads_packed(model, rows):
        yield False
        return
    plain = layers.forward

    def forward(input_ids=None, attention_mask=None, **more):
        if input_ids is None or attention_mask is None or any(more.get(name) is not None for name in _GOING_ON):
            return plain(input_ids=input_ids, attention_mask=attention_mask, **more)
        device, seen = input_ids.device, attention_mask.bool()
        texts = [ids[own].tolist() for ids, own in zip(input_ids, seen, strict=True)]
        forest, paths = Forest(), [[]] * len(texts)
        for index in sorted_by_beginning(texts):
            paths[index] = forest.follow(texts[index])
        with _packed_attention(base.config):
            given = {
                "input_ids": torch.tensor([forest.tokens], device=device),
                "position_ids": torch.tensor([forest.depths], device=device),
                "blocks": forest.blocks(base.dtype, device),
                "use_cache": False,
            }
            found = plain(**more | given)
        at = torch.zeros(seen.shape, dtype=torch.long, device=device)
        at[seen] = torch.tensor([node for path in paths for node in path], device=device)
        states = found.last_hidden_state
        found.last_hidden_state = states[0].index_select(0, at.flatten()).view(*at.shape, -1)
        return found

    layers.forward = forward
    try:
        yield True
    finally:
        del layers.forward
