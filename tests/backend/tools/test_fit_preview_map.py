from __future__ import annotations

import json
import shutil

import pytest
import torch

from backend.models.config import Settings
from backend.services.library.catalogue import Catalogue
from backend.services.library.preview_map import PreviewMap
from backend.tools.fit_preview_map import fit, main, write


def test_a_linear_truth_is_found():
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(3, 4, 8, 8, generator=generator)
    rows, offset = torch.randn(4, 3, generator=generator), torch.tensor([0.1, -0.2, 0.3])
    small = torch.einsum("nchw,cr->nrhw", latents, rows) + offset[None, :, None, None]
    pictures = small.repeat_interleave(4, -1).repeat_interleave(4, -2)

    found = fit(latents, pictures)

    assert found.explained == pytest.approx(1.0)
    assert torch.tensor(found.preview_map.rows) == pytest.approx(rows, abs=1e-3)
    assert torch.tensor(found.preview_map.offset) == pytest.approx(offset, abs=1e-3)


def test_noise_explains_nothing():
    generator = torch.Generator().manual_seed(1)
    found = fit(torch.randn(4, 4, 16, 16, generator=generator), torch.randn(4, 3, 16, 16, generator=generator))
    assert found.explained < 0.1


def test_the_other_facts_of_a_model_stay(tmp_path):
    (tmp_path / "zimage.json").write_text('{"name": "狐狸", "demo": true}')
    write(tmp_path, PreviewMap(rows=((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)), offset=(0.0, 0.5, -1.0)))

    text = (tmp_path / "zimage.json").read_text("utf-8")
    assert json.loads(text) == {
        "name": "狐狸", "demo": True, "preview_map": {"rows": [[1, 2, 3], [4, 5, 6]], "offset": [0, 0.5, -1]},
    }  # fmt: skip
    assert "[1.0, 2.0, 3.0]" in text
    assert '"offset": [0.0, 0.5, -1.0]' in text


def test_a_model_gets_its_map_and_the_catalogue_reads_it(tiny_model, tmp_path, capsys):
    model = tmp_path / "zimage-nano"
    shutil.copytree(tiny_model, model)

    main([str(model), "--pictures", "2", "--steps", "2"])

    assert "explains" in capsys.readouterr().out
    found = Catalogue(Settings(base_dir=tmp_path, models_dir=tmp_path)).resolve("zimage-nano").preview_map
    assert found is not None
    assert len(found.rows) == json.loads((model / "vae" / "config.json").read_text())["latent_channels"]
