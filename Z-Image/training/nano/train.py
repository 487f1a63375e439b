"""Trains zimage-nano: fetches the material, then one stage after the other.

python -m training.nano.train STAGE --work FOLDER [--minutes N]    (from the folder Z-Image)

Every stage keeps a checkpoint in the work folder, at least every two minutes and atomically,
and goes on from there when it is started again.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from training.loop.team import Team, run_team
from training.nano.adopt import adopt, read_adopted
from training.nano.autoencoder.decoder import train_decoder
from training.nano.autoencoder.training import train_vae
from training.nano.dataset.latents import CHECKPOINT, build_cache
from training.nano.dataset.material import prepare_material
from training.nano.export import export
from training.nano.judge import train_judge
from training.nano.text.drafting import train_drafts
from training.nano.text.training import train_text_encoder
from training.nano.text.tuning import tune_text_encoder
from training.nano.transformer.training import train_transformer

REPOSITORY = Path(__file__).parents[3]
DEFAULT_MINUTES = {
    "vae": 40.0,
    "decoder": 10.0,
    "text-encoder": 60.0,
    "drafts": 10.0,
    "transformer": 120.0,
    "judge": 20.0,
}
STAGES = (
    "material", "adopt", "vae", "latents", "decoder", "text-encoder", "drafts", "transformer", "judge", "export",
    "all",
)  # fmt: skip


def train_text(work: Path, seconds: float, seed: int, team: Team) -> None:
    """Trains the text encoder, or tunes an adopted one, which knows how to draft."""
    adopted = read_adopted(work)
    if adopted:
        tune_text_encoder(adopted, work, seconds, seed, team)
    else:
        train_text_encoder(work, seconds, seed, team)


TRAINERS = {
    "vae": train_vae,
    "decoder": train_decoder,
    "text-encoder": train_text,
    "drafts": train_drafts,
    "transformer": train_transformer,
    "judge": train_judge,
}


def stages(arguments: argparse.Namespace) -> dict[str, Callable[[], None]]:
    """Every stage by name, in the order in which they build on each other."""
    work: Path = arguments.work

    def train(name: str) -> Callable[[], None]:
        minutes = DEFAULT_MINUTES[name] if arguments.minutes is None else arguments.minutes
        return partial(run_team, partial(TRAINERS[name], work, 60 * minutes, arguments.seed), arguments.workers)

    def cache_latents() -> None:
        if not (work / CHECKPOINT).exists():
            build_cache(work, arguments.workers)

    return {
        "material": partial(prepare_material, arguments.cache, work),
        "adopt": partial(adopt, work, arguments.folder, arguments.teacher),
        "vae": train("vae"),
        "latents": cache_latents,
        "decoder": train("decoder"),
        "text-encoder": train("text-encoder"),
        "drafts": train("drafts"),
        "transformer": train("transformer"),
        "judge": train("judge"),
        "export": partial(export, work, arguments.folder, arguments.cache),
    }


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--work", type=Path, default=REPOSITORY / "data" / "nano", help="checkpoints and logs")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / "data" / "nano-material", help="npm packages")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "Z-Image" / "ckpts" / "zimage-nano")
    parser.add_argument("--teacher", type=Path, help="for adopt: an earlier version, which draws labels better")
    parser.add_argument("--minutes", type=float, help="length of the training stage; its own default when missing")
    parser.add_argument("--workers", type=int, default=2, help="single-threaded processes")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    arguments = parse(argv)
    every = stages(arguments)
    everything = [name for name in every if name != "adopt"]
    for name in everything if arguments.stage == "all" else (arguments.stage,):
        every[name]()


if __name__ == "__main__":
    main()
