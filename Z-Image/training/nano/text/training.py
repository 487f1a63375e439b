"""Pretrains the text encoder without a single noisy picture.

The registers at the end of a prompt learn to carry the scene: every cell register the code of
the thing that its cell shows and its role, the scene register what stands where, how often
and on which colour. The next two layers are then taught to turn codes and roles into latents
(`drafting`), so that the transformer finds a draft of the picture in its caption, instead of
having to find the meaning of names through noise.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, rms_norm
from transformers import Qwen2Tokenizer, Qwen3Model

from training.nano.dataset.captions import CaptionSource, Example, template_words
from training.nano.dataset.latents import load_cache
from training.nano.dataset.material import Item, read_items
from training.nano.dataset.scenes import LAYOUTS, PALETTE, Scene
from training.nano.layout import TextSizes, build_text_encoder
from training.nano.loop.average import Average
from training.nano.loop.checkpoints import load_checkpoint
from training.nano.loop.log import Log
from training.nano.loop.optimisers import Optimisers, split_parameters
from training.nano.loop.run import Run
from training.nano.loop.team import Team
from training.nano.sampling import tokenize
from training.nano.text.codes import CODE, NO_ITEM, ROLES, Codes, build_codes
from training.nano.text.forward import encode_ids
from training.nano.text.tokenizer import (
    REGISTERS,
    build_tokenizer,
    train_merges,
    training_pieces,
)

BATCH = 96  # a worker
CHECKPOINT_EVERY_S = 60
LEARNED_LAYERS = 3
SHORT_TOKENS = 32
LONG_SHARE = 0.04
VOCABULARY = 5632
CORPUS_CAPTIONS = 20_000


def prepare_tokenizer(work: Path) -> Qwen2Tokenizer:
    """Trains the tokenizer once and keeps its vocabulary in the work folder."""
    path = work / "tokenizer.json"
    if not path.exists():
        items = read_items(work)
        source = CaptionSource(items, 0)
        names = [name for item in items for name in (item.label_en.replace("’", "'"), item.label_zh)]
        tags = [tag for name in (*source.english, *source.chinese) for tag in name.tags]
        captions = [source.draw().caption for _ in range(CORPUS_CAPTIONS)]
        pieces = training_pieces(names * 3 + tags + captions, template_words())
        path.write_text(json.dumps(train_merges(pieces, VOCABULARY)), "utf-8")
    vocab, merges = json.loads(path.read_text("utf-8"))
    return build_tokenizer(vocab, [tuple(pair) for pair in merges])


def registers_of(features: Tensor, lengths: Tensor) -> Tensor:
    """The last tokens of each caption, (B, 1 + cells, hidden)."""
    number = len(REGISTERS)
    index = (lengths - number)[:, None] + torch.arange(number)
    return features.gather(1, index[:, :, None].expand(-1, -1, features.shape[-1]))


def draw_one_length(
    draw: Callable[[], Example], tokenizer: Qwen2Tokenizer, number: int, random: Random
) -> tuple[list[Example], Tensor, Tensor]:
    """Examples whose captions pad to 32 tokens, or now and then those that pad to more.

    Returns:
        The examples, their token ids (number, S) and lengths (number,).
    """
    long = random.random() < LONG_SHARE
    kept: list[Example] = []
    while len(kept) < number:
        examples = [draw() for _ in range(8 * number if long else number)]
        _, lengths = tokenize(tokenizer, [example.caption for example in examples])
        fits = (lengths > SHORT_TOKENS) if long else (lengths <= SHORT_TOKENS)
        kept += [example for example, fit in zip(examples, fits.tolist(), strict=True) if fit]
    kept = kept[:number]
    return kept, *tokenize(tokenizer, [example.caption for example in kept])


class Heads(nn.Module):
    """Reads the scene back from the registers; used in training only."""

    def __init__(self, hidden: int, items: int) -> None:
        super().__init__()
        self.code = nn.Linear(hidden, CODE)
        self.role = nn.Linear(hidden, ROLES)
        self.item = nn.Linear(hidden, items)
        self.left = nn.Linear(hidden, items)
        self.right = nn.Linear(hidden, items)
        self.background = nn.Linear(hidden, len(PALETTE) + 1)
        self.count = nn.Linear(hidden, len(LAYOUTS))

    def forward(self, registers: Tensor) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """Codes (B, 16, CODE), roles (B, 16, ROLES) and items (B, 16, items) of the cells, and logits of the scene."""
        normed = rms_norm(registers, (registers.shape[-1],), eps=1e-6)
        scene, cells = normed[:, 0], normed[:, 1:]
        logits = {name: getattr(self, name)(scene) for name in ("left", "right", "background", "count")}
        return self.code(cells), self.role(cells), self.item(cells), logits


def text_loss(
    model: Qwen3Model, heads: Heads, ids: Tensor, lengths: Tensor, scenes: Sequence[Scene], targets: Codes
) -> tuple[Tensor, dict[str, Tensor]]:
    """Squared error of the codes and cross-entropies of the roles and the scene."""
    codes, roles, items, logits = heads(registers_of(encode_ids(model, ids, LEARNED_LAYERS), lengths))
    wanted_codes, wanted_roles, _ = targets.wanted(scenes)
    code = mse_loss(codes, wanted_codes)
    role = cross_entropy(roles.flatten(0, 1), wanted_roles.flatten())
    wanted_items = targets.items(scenes).flatten()
    item = cross_entropy(items.flatten(0, 1), wanted_items, ignore_index=NO_ITEM)
    labels = {
        "left": torch.tensor([scene.left for scene in scenes]),
        "right": torch.tensor([scene.right for scene in scenes]),
        "background": torch.tensor([scene.background for scene in scenes]),
        "count": torch.tensor([scene.count - 1 for scene in scenes]),
    }
    losses = {name: cross_entropy(logits[name], labels[name]) for name in labels}
    loss = code + 0.1 * role + 0.3 * item + 0.1 * sum(losses.values(), start=torch.zeros(()))
    right = (logits["left"].argmax(-1) == labels["left"]).float().mean()
    both = (logits["right"].argmax(-1) == labels["right"]).float().mean()
    parts = {"code": code, "role": role, "item": item, **losses}
    accuracies = {"left_accuracy": right, "right_accuracy": both}
    return loss, accuracies | {name: value.detach() for name, value in parts.items()}


def build(work: Path, items: Sequence[Item]) -> tuple[Qwen2Tokenizer, Qwen3Model, Heads]:
    """A fresh text encoder with its tokenizer and heads."""
    tokenizer = prepare_tokenizer(work)
    sizes = TextSizes()
    model = build_text_encoder(sizes, len(tokenizer))
    return tokenizer, model, Heads(sizes.hidden, len(items))


def train_text_encoder(work: Path, seconds: float, seed: int, team: Team) -> None:
    """Trains for a given time, resuming from `text.safetensors` when there is one."""
    torch.manual_seed(seed)
    items = read_items(work)
    tokenizer, model, heads = build(work, items)
    both = nn.ModuleDict({"model": model, "heads": heads})
    matrices, rest = split_parameters(both, ("embed_tokens", "heads"))
    optimisers = Optimisers.build(matrices, rest, muon_lr=0.02, adam_lr=3e-3, team=team)
    average = Average(both, 0.99)
    targets = build_codes(load_cache(work))
    run = Run(both, optimisers, average, work / "text.safetensors", Log(work / "text.csv"), team, seed)
    source = CaptionSource(items, run.seed)
    for _ in run.lasting(seconds):
        examples, ids, lengths = draw_one_length(source.draw, tokenizer, BATCH, source.random)
        scenes = [example.scene for example in examples]
        loss, values = text_loss(model, heads, ids, lengths, scenes, targets)
        if run.advance(loss, values, decay=0.6, save_every_s=CHECKPOINT_EVERY_S):
            report_labels(work)


def load_text_encoder(work: Path) -> tuple[Qwen2Tokenizer, Qwen3Model, Heads]:
    """The averaged text encoder of the checkpoint."""
    tokenizer, model, heads = build(work, read_items(work))
    values = load_checkpoint(work / "text.safetensors")["average"]["values"]
    nn.ModuleDict({"model": model, "heads": heads}).load_state_dict(values)
    return tokenizer, model.eval().requires_grad_(False), heads.eval().requires_grad_(False)


@torch.no_grad()
def report_labels(work: Path, sample: int = 200) -> dict[str, float]:
    """Prints how many bare labels the scene register recognises, in both languages."""
    tokenizer, model, heads = load_text_encoder(work)
    items = read_items(work)
    source = CaptionSource(items, 1)
    chosen = Random(0).sample(range(len(items)), min(sample, len(items)))
    result = {}
    for language, chinese in (("en", False), ("zh", True)):
        examples: list[Example] = [source.draw_label(item, chinese) for item in chosen]
        ids, lengths = tokenize(tokenizer, [example.caption for example in examples])
        _, _, _, logits = heads(registers_of(encode_ids(model, ids, LEARNED_LAYERS), lengths))
        hits = logits["left"].argmax(-1) == torch.tensor(chosen)
        result[language] = float(hits.float().mean())
    print(f"labels recognised: {result}", flush=True)
    return result
