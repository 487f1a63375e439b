from __future__ import annotations

import pytest

from backend.api.compat.a1111 import models as module
from backend.api.compat.a1111.models import ChosenModels, find_model
from backend.services.errors import ModelNotInstalled, UnknownModel


@pytest.mark.parametrize(
    "name", ["zimage-nano", "ZImage-Nano", "zimage-nano [0a1b2c3d4e]", "zimage-nano.safetensors", "auto", ""]
)
def test_a_model_is_found_by_its_names(services, name):
    assert find_model(services.catalogue, name).id == "zimage-nano"


def test_what_is_unknown_or_missing_is_said(services):
    with pytest.raises(UnknownModel, match="zimage-nano"):
        find_model(services.catalogue, "sdxl")
    with pytest.raises(ModelNotInstalled):
        find_model(services.catalogue, "Z-Image-Turbo")


def test_each_client_has_his_own_choice_and_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(module, "MAX_CLIENTS", 2)
    chosen = ChosenModels()
    for client in ("a", "b", "a", "c"):
        chosen.choose(client, f"of-{client}")
    assert [chosen.of(client) for client in "abc"] == ["of-a", "auto", "of-c"]
