"""Pretrains the text encoder without a single noisy picture.

The registers at the end of a prompt learn to carry the scene: every cell register the code of
the thing that its cell shows and its role, the scene register what stands where, how often
and on which colour. The next two layers are then taught to turn codes and roles into latents
(`drafting`), so that the transformer finds a draft of the picture in its caption, instead of
having to find the meaning of names through noise.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, rms_norm
from transformers import Qwen2Tokenizer, Qwen3Model

from training.loop.average import Average
from training.loop.checkpoints import load_checkpoint
from training.loop.log import Log
from training.loop.optimisers import Optimisers, split_parameters
from training.loop.precision import fast_products
from training.loop.run import Run
from training.loop.team import Team
from training.nano.adopt import embeddings_for, read_adopted
from training.nano.dataset.captions.noise import read_noise
from training.nano.dataset.captions.source import Backgrounds, CaptionSource, Example, template_words
from training.nano.dataset.latents import load_cache
from training.nano.dataset.material import Item, read_items
from training.nano.dataset.scenes import LAYOUTS, NATURAL, PALETTE, Scene
from training.nano.layout import LEARNED_LAYERS, TextSizes, build_text_encoder
from training.nano.sampling import tokenize
from training.nano.text.codes import CODE, NO_ITEM, ROLES, Codes, build_codes
from training.nano.text.forward import encode_ids, split_tokens
from training.nano.text.tokenizer import (
    build_tokenizer,
    extend_merges,
    train_merges,
    training_pieces,
)
from training.nano.transformer.forward import SEQUENCE_MULTIPLE

TOKENS_A_BATCH = 96 * 32  # a worker
LONGEST = 160  # tokens of a caption in training
POOL = 1024  # captions sorted by length at once
CHECKPOINT_EVERY_S = 60
VOCABULARY = 8000
CORPUS_CAPTIONS = 60_000


def caption_source(
    work: Path, items: Sequence[Item], seed: int, backgrounds: Backgrounds | None = None
) -> CaptionSource:
    """Captions with the noise of the work folder."""
    names = CaptionSource(items, seed)
    english, chinese = ([name for row in rows for name in row.every] for rows in (names.english, names.chinese))
    return CaptionSource(items, seed, read_noise(work, english, chinese), backgrounds)


def prepare_tokenizer(work: Path) -> Qwen2Tokenizer:
    """Trains the tokenizer once, or makes an adopted one larger, and keeps its vocabulary in the work folder."""
    path = work / "tokenizer.json"
    if not path.exists():
        items = read_items(work)
        source = caption_source(work, items, 0)
        names = [name for row in (*source.english, *source.chinese) for name in row.every]
        pieces = training_pieces(names * 3 + [source.draw().caption for _ in range(CORPUS_CAPTIONS)], template_words())
        adopted = read_adopted(work)
        if adopted:
            known = [tuple(pair) for pair in adopted["merges"]]
            grown = extend_merges(adopted["vocabulary"], known, pieces, VOCABULARY)
        else:
            grown = train_merges(pieces, VOCABULARY)
        path.write_text(json.dumps(grown), "utf-8")
    vocab, merges = json.loads(path.read_text("utf-8"))
    return build_tokenizer(vocab, [tuple(pair) for pair in merges])


class LengthBuckets:
    """Captions sorted by the multiple of 32 tokens that they are padded to; none is thrown away for its length."""

    def __init__(self, draw: Callable[[], Example], tokenizer: Qwen2Tokenizer) -> None:
        self.draw, self.tokenizer = draw, tokenizer
        self.buckets: defaultdict[int, list[Example]] = defaultdict(list)

    def take(self, number: int) -> tuple[list[Example], Tensor, Tensor]:
        """Examples of one padded length, their token ids (number, S) and lengths (number,)."""
        while max(map(len, self.buckets.values()), default=0) < number:
            examples = [self.draw() for _ in range(number)]
            _, lengths = tokenize(self.tokenizer, [example.caption for example in examples])
            for example, length in zip(examples, lengths.tolist(), strict=True):
                if length <= LONGEST:
                    self.buckets[-(-length // SEQUENCE_MULTIPLE)].append(example)
        fullest = max(self.buckets.values(), key=len)
        taken = [fullest.pop() for _ in range(number)]
        return taken, *tokenize(self.tokenizer, [example.caption for example in taken])


def draw_by_length(
    draw: Callable[[], Example], tokenizer: Qwen2Tokenizer, random: Random
) -> Iterator[tuple[list[Example], Tensor, Tensor]]:
    """Batches of captions that are about as long as each other: examples, ids (B, S) and lengths (B,).

    A batch has TOKENS_A_BATCH tokens, however long its captions are.
    """
    while True:
        examples = [draw() for _ in range(POOL)]
        ids, lengths = tokenize(tokenizer, [example.caption for example in examples])
        order = [index for index in lengths.argsort().tolist() if lengths[index] <= LONGEST]
        batches: list[list[int]] = [[]]
        for index in order:
            if (len(batches[-1]) + 1) * int(lengths[index]) > TOKENS_A_BATCH:
                batches.append([])
            batches[-1].append(index)
        random.shuffle(batches)
        for batch in batches:
            longest = int(lengths[batch].max())
            yield [examples[index] for index in batch], ids[batch, :longest], lengths[batch]


class Heads(nn.Module):
    """Reads the scene back from the registers; used in training only."""

    def __init__(self, hidden: int, items: int) -> None:
        super().__init__()
        self.code = nn.Linear(hidden, CODE)
        self.role = nn.Linear(hidden, ROLES)
        self.item = nn.Linear(hidden, items)
        self.colour = nn.Linear(hidden, NATURAL + 1)
        self.left = nn.Linear(hidden, items)
        self.right = nn.Linear(hidden, items)
        self.background = nn.Linear(hidden, len(PALETTE) + 1)
        self.count = nn.Linear(hidden, len(LAYOUTS))

    def forward(self, registers: Tensor) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Codes (B, 16, CODE) of the cells, logits of the cells (B, 16, …) and logits of the scene (B, …)."""
        normed = rms_norm(registers, (registers.shape[-1],), eps=1e-6)
        scene, cells = normed[:, 0], normed[:, 1:]
        of_cells = {name: getattr(self, name)(cells) for name in ("role", "item", "colour")}
        of_scene = {name: getattr(self, name)(scene) for name in ("left", "right", "background", "count")}
        return self.code(cells), of_cells, of_scene


def heads_loss(
    heads: Heads, registers: Tensor, scenes: Sequence[Scene], targets: Codes
) -> tuple[Tensor, dict[str, Tensor]]:
    """Squared error of the codes and cross-entropies of the roles and the scene, from registers (B, 17, hidden)."""
    codes, of_cells, of_scene = heads(registers)
    wanted_codes, wanted_roles, _ = targets.wanted(scenes)
    code = mse_loss(codes, wanted_codes)
    wanted = {"role": wanted_roles, "item": targets.items(scenes), "colour": targets.colours(scenes)}
    cells = {
        name: cross_entropy(logits.flatten(0, 1), wanted[name].flatten(), ignore_index=NO_ITEM)
        for name, logits in of_cells.items()
    }
    labels = {
        "left": torch.tensor([scene.left for scene in scenes]),
        "right": torch.tensor([scene.right for scene in scenes]),
        "background": torch.tensor([scene.named_background for scene in scenes]),
        "count": torch.tensor([scene.count - 1 for scene in scenes]),
    }
    losses = {name: cross_entropy(of_scene[name], labels[name]) for name in labels}
    loss = (
        code
        + 0.1 * cells["role"]
        + 0.3 * cells["item"]
        + 0.1 * cells["colour"]
        + 0.1 * sum(losses.values(), start=torch.zeros(()))
    )
    right = (of_scene["left"].argmax(-1) == labels["left"]).float().mean()
    both = (of_scene["right"].argmax(-1) == labels["right"]).float().mean()
    parts = {"code": code, **cells, **losses}
    accuracies = {"left_accuracy": right, "right_accuracy": both}
    return loss, accuracies | {name: value.detach() for name, value in parts.items()}


def build(work: Path, items: Sequence[Item]) -> tuple[Qwen2Tokenizer, Qwen3Model, Heads]:
    """A text encoder with its tokenizer and heads; the heads are fresh, the encoder is if none was adopted."""
    tokenizer = prepare_tokenizer(work)
    sizes = TextSizes()
    model = build_text_encoder(sizes, len(tokenizer))
    adopted = read_adopted(work)
    if adopted:
        _, merges = json.loads((work / "tokenizer.json").read_text("utf-8"))
        parts = {left + right: (left, right) for left, right in merges}
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        rows = embeddings_for(tokens, adopted, parts)
        model.load_state_dict({**adopted["text_encoder"], "embed_tokens.weight": rows})
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
    source = caption_source(work, items, run.seed)
    batches = draw_by_length(source.draw, tokenizer, source.random)
    for _ in run.lasting(seconds):
        examples, ids, lengths = next(batches)
        scenes = [example.scene for example in examples]
        with fast_products():
            features = encode_ids(model, ids, LEARNED_LAYERS)
        loss, values = heads_loss(heads, split_tokens(features.float(), lengths)[0], scenes, targets)
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
        _, _, of_scene = heads(split_tokens(encode_ids(model, ids, LEARNED_LAYERS), lengths)[0])
        hits = of_scene["left"].argmax(-1) == torch.tensor(chosen)
        result[language] = float(hits.float().mean())
    print(f"labels recognised: {result}", flush=True)
    return result
