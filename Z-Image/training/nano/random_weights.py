"""Writes zimage-nano's folder layout with tiny random weights, for tests and development.

python -m training.nano.random_weights FOLDER [--seed 0]    (from the folder Z-Image)
"""

import argparse
from pathlib import Path

import torch

from training.nano.layout import (
    TextSizes,
    TransformerSizes,
    VaeSizes,
    build_text_encoder,
    build_transformer,
    build_vae,
    save_folder,
)
from training.nano.text.tokenizer import build_tokenizer, byte_vocabulary

TINY_VAE = VaeSizes(channels=(8, 8, 8, 8, 8), norm_groups=4)
TINY_TEXT = TextSizes(hidden=32, intermediate=64, layers=2, heads=1)
TINY_TRANSFORMER = TransformerSizes(dim=64, layers=1, refiner_layers=1)


def make_random_nano(path: Path, seed: int = 0) -> None:
    """Writes a complete model folder whose weights are random but finite.

    Args:
        path: the folder to write; made when missing.
        seed: the same seed gives the same weights.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        tokenizer = build_tokenizer(byte_vocabulary(), [])
        transformer = build_transformer(TINY_TRANSFORMER, TINY_TEXT.hidden)
        torch.nn.init.normal_(transformer.cap_pad_token, std=0.02)
        torch.nn.init.normal_(transformer.x_pad_token, std=0.02)
        save_folder(
            path,
            build_vae(TINY_VAE),
            build_text_encoder(TINY_TEXT, len(tokenizer)),
            tokenizer,
            transformer,
        )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    make_random_nano(arguments.folder, arguments.seed)


if __name__ == "__main__":
    main()
