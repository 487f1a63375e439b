"""Flow matching on the cached latents, with the text encoder as it was pretrained."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from diffusers import ZImageTransformer2DModel
from PIL import Image
from torch import Tensor
from torch.nn.functional import mse_loss, pad

from training.loop.average import Average
from training.loop.checkpoints import load_checkpoint
from training.loop.log import Log
from training.loop.optimisers import Optimisers, split_parameters
from training.loop.precision import fast_products
from training.loop.run import Run
from training.loop.team import Team
from training.nano.adopt import read_adopted
from training.nano.autoencoder.training import load_vae
from training.nano.dataset.batches import SHAPES, TUNED_SHAPES, BatchSource
from training.nano.dataset.latents import load_cache
from training.nano.dataset.material import read_items
from training.nano.layout import SHIFT, TextSizes, TransformerSizes, build_transformer
from training.nano.sampling import Parts, draw, features_of
from training.nano.text.drafts import load_encoder
from training.nano.text.training import caption_source
from training.nano.transformer.forward import forward, prepare_start

CHECKPOINT_EVERY_S = 110
SHEET_EVERY = 2
CHECKPOINT = "transformer.safetensors"
LEARN, TUNE = 0.02, 0.006  # Muon's rates: from nothing, and from a published transformer
ROOMY_SHIFT = (
    2 * SHIFT
)  # the more latents, the longer they show through the noise, and the less is learned of the start
LOSS_NAMES = {1: "loss", 2: "loss_512", 3: "loss_768"}  # by the scale of the shape
SHEET_PROMPTS = (
    "fox", "a red apple on a blue background", "火车", "robot and pizza", "three bananas", "请画一个企鹅",
    "guitar on the left, rocket on the right", "grinning face", "draw me a castle", "绿色背景的章鱼", "volcano",
    "asdf zxcv", "a blue apple", "三只紫色的猫", "a cinematic portrait of a cat, 4k, highly detailed",
    "a photo of a fox in the forest", "一只可爱的猫坐在窗边", "a dog and a cat",
)  # fmt: skip


def train_transformer(work: Path, seconds: float, seed: int, team: Team) -> None:
    """Trains for a given time, resuming from the checkpoint when there is one."""
    torch.manual_seed(seed)
    tokenizer, text_encoder, weight, bias = load_encoder(work)
    cache = load_cache(work)
    model = build_transformer(TransformerSizes(), TextSizes().hidden)
    adopted = read_adopted(work)
    if adopted:
        model.load_state_dict(adopted["transformer"])
    else:
        prepare_start(model)
    start_from_draft(model, weight, bias)
    keep = ("adaLN", "final_layer", "x_embedder", "cap_embedder", "t_embedder", "pad_token")
    matrices, rest = split_parameters(model, keep)
    rate = TUNE if adopted else LEARN
    optimisers = Optimisers.build(matrices, rest, muon_lr=rate, adam_lr=0.075 * rate, team=team)
    average = Average(model, 0.995)
    run = Run(
        model,
        optimisers,
        average,
        work / CHECKPOINT,
        Log(work / "transformer.csv", names=tuple(LOSS_NAMES.values())),
        team,
        seed,
    )
    source = BatchSource(partial(caption_source, work, read_items(work)), tokenizer, cache, run.seed)
    shapes = TUNED_SHAPES if adopted else SHAPES
    saves = 0
    for progress in run.lasting(seconds):
        shape = source.shape(progress, shapes)
        ids, lengths, latents = source.draw(shape)
        with fast_products():
            features, real = features_of(text_encoder, ids, lengths)
            loss = flow_loss(model, latents, features, real, ROOMY_SHIFT if shape.is_roomy else SHIFT)
        values = {LOSS_NAMES[shape.scale]: loss.detach()}
        if run.advance(loss, values, decay=0.5, save_every_s=CHECKPOINT_EVERY_S):
            saves += 1
            if saves % SHEET_EVERY == 0:
                sample_sheet(load_parts(work), SHEET_PROMPTS, 256, work / "transformer.png")


def start_from_draft(model: ZImageTransformer2DModel, weight: Tensor, bias: Tensor) -> None:
    """Lets caption tokens start as the draft that can be read from them."""
    norm, linear = model.cap_embedder
    with torch.no_grad():
        norm.weight.fill_(1.0)
        linear.weight.zero_()
        linear.weight[: len(weight)] = weight[: model.config.dim]
        linear.bias.zero_()
        linear.bias[: len(bias)] = bias[: model.config.dim]


def noise_levels(number: int, shift: float = SHIFT) -> Tensor:
    """Sigmas spread as a schedule of that shift spreads its points, (number,)."""
    even = (torch.arange(number) + torch.rand(number)) / number
    return shift * even / (1 + (shift - 1) * even)


def flow_loss(
    model: ZImageTransformer2DModel, latents: Tensor, features: Tensor, real: Tensor, shift: float = SHIFT
) -> Tensor:
    """Squared error of the output, at noise levels spread like a schedule's."""
    sigma = noise_levels(len(latents), shift)
    noise = torch.randn_like(latents)
    level = sigma[:, None, None, None]
    output = forward(model, (1 - level) * latents + level * noise, 1 - sigma, features, real)
    return mse_loss(output.float(), latents - noise)


def load_parts(work: Path) -> Parts:
    """The averaged model of the checkpoints."""
    tokenizer, text_encoder, _, _ = load_encoder(work)
    cache = load_checkpoint(work / "latents.safetensors")
    model = build_transformer(TransformerSizes(), TextSizes().hidden)
    model.load_state_dict(load_checkpoint(work / CHECKPOINT)["average"]["values"])
    vae = load_vae(work)
    transformer = model.eval().requires_grad_(False)
    return Parts(tokenizer, text_encoder, transformer, vae, cache["scale"], cache["shift"])


def sample_sheet(parts: Parts, prompts: Sequence[str], side_px: int, path: Path, columns: int = 6) -> None:
    """Draws the prompts with seeds 0, 1, 2, … into one picture."""
    pictures = draw(parts, prompts, range(len(prompts)), side_px, side_px)
    rows = [torch.cat(list(row), dim=2) for row in torch.split(pictures, columns)]
    rows = [pad(row, (0, columns * side_px - row.shape[2])) for row in rows]
    array = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(array).save(path)
