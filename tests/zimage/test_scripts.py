"""The two command lines, on a model with tiny random weights."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from loguru import logger
from PIL import Image
from training.nano.random_weights import make_random_nano
from zimage.errors import ConfigError
from zimage.pipeline import ZImagePipeline
from zimage.residency.levels import Residency
from zimage.tools.cli import METADATA_KEY, default_size, describe_model, open_pipeline, parse_size, sizes_of

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    return path


def script(root: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, root / "Z-Image" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def inference(repository_root) -> ModuleType:
    return script(repository_root, "inference")


@pytest.fixture
def batch(repository_root) -> ModuleType:
    return script(repository_root, "batch_inference")


@pytest.fixture
def options(folder) -> list[str]:
    return ["--model", str(folder), "--device", "cpu", "--steps", "2"]


def test_inference_writes_one_image_with_its_settings(inference, options, tmp_path):
    file = tmp_path / "new" / "fox.png"
    assert inference.main(["狐狸", "--size", "96x64", "--seed", "7", "--output", str(file), *options]) == 0
    image = Image.open(file)
    said = json.loads(image.text[METADATA_KEY])
    assert image.size == (96, 64)
    assert (said["prompt"], said["seed"], said["num_inference_steps"]) == ("狐狸", 7, 2)
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("name", ["inference", "batch_inference"])
def test_the_embedded_model_is_found_from_anywhere(repository_root, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    arguments = script(repository_root, name).build_parser().parse_args(["a fox"])
    assert (arguments.model / "model_index.json").is_file()


def test_a_model_that_is_partly_away_draws_the_same(inference, options, tmp_path):
    drawn = []
    away = ["--resident-blocks", "0", "--encoder-residency", "streamed", "--vae-tiles", "64"]
    for name, more in (("whole", []), ("away", away)):
        file = tmp_path / f"{name}.png"
        assert inference.main(["a fox", "--size", "64", "--output", str(file), *options, *more]) == 0
        drawn.append(np.asarray(Image.open(file)))
    assert np.array_equal(*drawn)
    arguments = inference.build_parser().parse_args(["a fox", *options, *away])
    assert describe_model(arguments).endswith(", tiles of 64")
    assert open_pipeline(arguments).transformer.stream is not None


@pytest.mark.parametrize(
    ("option", "message"),
    [("--resident-blocks", "resident_blocks must be 0 or more"), ("--vae-tiles", "--vae-tiles must be 1 or more")],
)
def test_what_stays_cannot_be_negative(inference, options, option, message):
    with pytest.raises(ConfigError, match=message):
        open_pipeline(inference.build_parser().parse_args(["a fox", *options, option, "-1"]))


def test_files_of_parts_are_put_together(inference, tmp_path, monkeypatch, folder):
    asked = []
    loaded = ZImagePipeline.from_local_dir(folder, "cpu")
    monkeypatch.setattr(
        ZImagePipeline, "from_files", lambda *files, **options: asked.append((files, options)) or loaded
    )
    files = [tmp_path / name for name in ("z.gguf", "qwen.safetensors", "ae.safetensors")]
    for file in files:
        file.touch()
    parts = ["--model", str(files[0]), "--text-encoder", str(files[1]), "--vae", str(files[2]), "--shift", "6"]
    arguments = ["fox", "--size", "64", "--steps", "2", "--device", "cpu", "--output", str(tmp_path / "fox.png")]
    assert inference.main([*arguments, *parts]) == 0
    options = {"text_encoder": files[1], "vae": files[2], "shift": 6.0}
    assert asked == [
        (
            (files[0],),
            {
                "device": "cpu",
                "dtype": None,
                "attention": None,
                "vae_tiles": None,
                "quantization": None,
                "residency": Residency(),
                **options,
            },
        )
    ]
    assert describe_model(inference.build_parser().parse_args([*arguments, *parts])) == (
        "z.gguf + qwen.safetensors + ae.safetensors in float32, shift 6"
    )


def test_matrices_are_quantised_when_asked(inference, options):
    arguments = inference.build_parser().parse_args(["fox", *options, "--quantization", "fp8"])
    assert describe_model(arguments).endswith("in float32, matrices in fp8")
    layer = open_pipeline(arguments).transformer.layers[0].feed_forward.w1
    assert layer.weight.dtype == torch.float8_e4m3fn


def test_files_of_parts_beside_a_folder_are_refused(inference, options, tmp_path, caplog):
    with pytest.raises(ConfigError, match=r"--vae are for a --model that is a file"):
        open_pipeline(inference.build_parser().parse_args(["fox", *options, "--vae", str(tmp_path / "ae.safetensors")]))


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


@pytest.fixture
def with_sizes(folder) -> Iterator[None]:
    facts = folder / "zimage.json"
    before = facts.read_text("utf-8") if facts.exists() else "{}"
    facts.write_text(json.dumps({**json.loads(before), "sizes": [[96, 64], [64, 96]]}))
    yield
    facts.write_text(before)


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    yield lines
    logger.remove(sink)


@pytest.mark.usefixtures("with_sizes")
def test_the_sizes_of_a_model_are_its_defaults(inference, batch, options, prompts, tmp_path, warnings):
    assert inference.main(["fox", "--output", str(tmp_path / "fox.png"), *options]) == 0
    assert size_of(tmp_path / "fox.png") == (96, 64)
    assert batch.main([str(prompts), "--output", str(tmp_path / "out"), *options]) == 0
    sizes = [size_of(path) for path in sorted((tmp_path / "out").iterdir())]
    assert sizes == [(96, 64), (96, 64), (64, 32)]  # the last one is that of its line
    [warning] = warnings
    assert "64×32" in warning
    assert "96×64, 64×96" in warning


@pytest.mark.usefixtures("with_sizes")
def test_sizes_that_a_model_has_not_learned_are_drawn_with_a_warning(inference, options, tmp_path, warnings):
    assert inference.main(["fox", "--size", "64", "--output", str(tmp_path / "fox.png"), *options]) == 0
    assert size_of(tmp_path / "fox.png") == (64, 64)
    assert ["64×64" in warning for warning in warnings] == [True]


@pytest.mark.parametrize("facts", [None, "{", "[]", "{}", '{"sizes": 7}', '{"sizes": [[1]]}', '{"sizes": []}'])
def test_a_model_that_does_not_tell_its_sizes_draws_every_size(tmp_path, facts):
    if facts is not None:
        (tmp_path / "zimage.json").write_text(facts)
    assert default_size(sizes_of(tmp_path)) == (1024, 1024)


def test_the_embedded_model_draws_what_it_has_learned(repository_root, inference):
    model = inference.build_parser().parse_args(["fox"]).model
    assert default_size(sizes_of(model)) == (256, 256)


def test_count_gives_images_of_different_seeds(inference, options, tmp_path):
    out = str(tmp_path / "fox.png")
    assert inference.main(["fox", "--size", "64", "--count", "2", "--output", out, *options]) == 0
    pictures = [np.asarray(Image.open(tmp_path / f"fox-{i}.png")) for i in (1, 2)]
    assert not np.array_equal(*pictures)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "10x"], "WIDTHxHEIGHT"),
        (["--size", "100"], "multiple of 16"),
        (["--size", "48"], "multiple of 32"),
        (["--count", "0"], "count"),
        (["--seed", "-1"], "seed"),
        (["--seed", "9007199254740991", "--count", "2"], "seed"),
        (["--steps", "0"], "num_inference_steps"),
        (["--model", "nowhere"], "model_index.json"),
        (["--attention", "warp"], "warp"),
    ],
)
def test_invalid_option_is_one_line_on_standard_error(inference, options, capsys, tmp_path, arguments, words):
    file = tmp_path / "x.png"
    assert inference.main(["fox", "--size", "64", "--output", str(file), *options, *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert not file.exists()


PROMPTS = """# a comment
a red fox

一只猫
{"prompt": "a dog", "seed": 3, "size": "64x32", "negative_prompt": "cats"}
"""


@pytest.fixture
def prompts(tmp_path) -> Path:
    file = tmp_path / "prompts.txt"
    file.write_text(PROMPTS, encoding="utf-8")
    return file


@pytest.fixture
def run_batch(batch, options, prompts, tmp_path, monkeypatch):
    """Draws the file, and returns the names of the pictures drawn in this run."""
    drawn: list[str] = []
    save = batch.save_image
    monkeypatch.setattr(batch, "save_image", lambda image, path, job: (drawn.append(path.name), save(image, path, job)))

    def run(*more: str, status: int = 0) -> list[str]:
        drawn.clear()
        assert batch.main([str(prompts), "--output", str(tmp_path / "out"), *options, *more]) == status
        return list(drawn)

    return run


def test_every_prompt_in_every_size(run_batch, tmp_path):
    drawn = run_batch("--size", "64", "--size", "32x64")
    assert sorted(name.rsplit("-", 1)[0] for name in drawn) == [
        "00002-32x64", "00002-64x64", "00004-32x64", "00004-64x64", "00005-64x32",
    ]  # fmt: skip
    [dog] = [name for name in drawn if name.startswith("00005")]
    said = json.loads(Image.open(tmp_path / "out" / dog).text[METADATA_KEY])
    assert (said["prompt"], said["seed"], said["negative_prompt"]) == ("a dog", 3, "cats")


def test_interrupted_batch_goes_on_where_it_stopped(run_batch, batch, tmp_path, monkeypatch):
    draw, left = batch.draw, iter(range(2))

    def draw_until_stopped(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return draw(*arguments)

    monkeypatch.setattr(batch, "draw", draw_until_stopped)
    first = run_batch("--size", "32", status=130)
    monkeypatch.setattr(batch, "draw", draw)
    second = run_batch("--size", "32")

    assert (len(first), len(second)) == (2, 1)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*first, *second}
    assert run_batch("--size", "32") == []


def test_only_what_has_changed_is_drawn_again(run_batch, prompts):
    run_batch("--size", "32")
    prompts.write_text(PROMPTS.replace("a red fox", "a blue fox"), encoding="utf-8")
    assert [name[:5] for name in run_batch("--size", "32")] == ["00002"]
    assert len(run_batch("--size", "32", "--steps", "3")) == 3


def test_another_model_or_precision_is_drawn_anew(run_batch, capsys, options):
    def planned(*more: str) -> set[str]:
        run_batch("--size", "32", "--dry-run", *more)
        return set(capsys.readouterr().out.splitlines())

    as_before = planned()
    assert planned("--dtype", "float32") == as_before
    assert not as_before & planned("--dtype", "bfloat16")
    assert not as_before & planned("--model", "another")


def test_a_file_of_prompts_that_is_no_text(run_batch, prompts, capsys):
    prompts.write_bytes("eine Füchsin".encode("latin-1"))
    assert run_batch(status=1) == []
    assert "UTF-8" in capsys.readouterr().err


def test_a_dry_run_draws_nothing(run_batch, capsys, tmp_path):
    assert run_batch("--size", "32", "--dry-run") == []
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"prompt": "x", "steps": 3}', "line 1: unknown keys"),
        ('{"prompt": 3}', "line 1: prompt"),
        ('{"seed": 3}', "line 1: prompt"),
        ('{"prompt": ', "line 1: not JSON"),
        ('{"prompt": "x", "size": "big"}', "line 1: a size"),
        ('{"prompt": "x", "seed": 18446744073709551616}', "seed must be from 0"),
        ("# nothing", "no prompt"),
    ],
)
def test_malformed_line_of_the_prompt_file_is_refused(run_batch, prompts, capsys, line, words):
    prompts.write_text(line, encoding="utf-8")
    assert run_batch(status=1) == []
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("text", "size"), [("512", (512, 512)), ("1280x720", (1280, 720)), ("64×32", (64, 32))])
def test_size_is_parsed(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "1x2x3", "-1", "²"])
def test_malformed_size_is_refused(text):
    with pytest.raises(ConfigError):
        parse_size(text)
