from __future__ import annotations

from types import SimpleNamespace

from backend.api.compat.mcp import answers
from backend.api.compat.mcp.here import find_loras
from backend.api.compat.mcp.studio import LoraFacts


def test_loras_are_matched_with_the_model_or_the_best():
    def lora(name: str, problem: str | None = None, triggers: tuple[str, ...] = ()) -> SimpleNamespace:
        return SimpleNamespace(
            name=name, problem=problem, facts=SimpleNamespace(kind="lora", words=SimpleNamespace(triggers=triggers))
        )

    asked: list[str] = []
    found = [lora("ink", triggers=("ink style",)), lora("flux", "It is of another model.")]
    room = SimpleNamespace(
        architecture_of=lambda name: asked.append(name) or "its architecture",
        catalogue=SimpleNamespace(look=lambda architecture: SimpleNamespace(loras=found)),
    )

    facts = find_loras(SimpleNamespace(loras=room))

    assert find_loras(SimpleNamespace(loras=room), "z-image") == facts
    assert asked == ["auto", "z-image"]
    assert facts == [
        LoraFacts("ink", "lora", None, ("ink style",)), LoraFacts("flux", "lora", "It is of another model."),
    ]  # fmt: skip
    answer = answers.of_loras(facts)
    assert answer.content[0].text == (
        "ink: lora; put into the prompt: ink style\nflux: not usable: It is of another model."
    )
    assert answer.structured_content["loras"][0]["trigger_words"] == ["ink style"]
