from __future__ import annotations

from backend.services.generation.planning.program_memory import MemorySeen, ProgramMemory

MB = 10**6


def test_nothing_is_known_at_first():
    assert ProgramMemory().base_bytes == 0


def test_before_the_first_image_it_is_what_was_held_without_a_model():
    memory = ProgramMemory()
    memory.learn_load(300 * MB)
    memory.learn_load(500 * MB)  # another model was in memory
    assert memory.base_bytes == 300 * MB


def test_the_first_image_adds_what_stays_of_the_program():
    memory = ProgramMemory()
    memory.learn_load(250 * MB)
    assert memory.learn_image(50 * MB, MemorySeen(300 * MB, 400 * MB, 380 * MB)) == 20 * MB
    assert memory.base_bytes == 330 * MB


def test_what_a_larger_image_leaves_behind_is_none_of_the_programs():
    memory = ProgramMemory()
    memory.learn_image(50 * MB, MemorySeen(300 * MB, 400 * MB, 380 * MB))
    assert memory.learn_image(50 * MB, MemorySeen(380 * MB, 600 * MB, 590 * MB)) == 220 * MB
    assert memory.base_bytes == 330 * MB


def test_an_image_in_memory_that_was_held_before_tells_nothing():
    memory = ProgramMemory()
    memory.learn_image(50 * MB, MemorySeen(300 * MB, 400 * MB, 380 * MB))
    assert memory.learn_image(50 * MB, MemorySeen(590 * MB, 591 * MB, 590 * MB)) is None
