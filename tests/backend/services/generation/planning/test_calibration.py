from __future__ import annotations

import json

import pytest

from backend.services.generation.planning.calibration import MAX_KEPT, Calibration, Cost
from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.generation.planning.work import Work

PLAN = LoadPlan("cpu", "float32")
SMALL, LARGE = Work(1e9, 8, 65536, 1000), Work(64e9, 8, 2**20, 16000)
SEEN = Cost(flops_per_s=2e9, around_s=0.5, load_bytes_per_s=1e8, activation_ratio=1.5)


@pytest.fixture
def calibration(tmp_path):
    return Calibration(tmp_path / "calibration.json", monotonic=lambda: 0.0)


def test_nothing_is_known_at_first(calibration):
    assert calibration.cost(PLAN, "a", SMALL) == Cost()


def test_the_most_alike_counts(calibration):
    calibration.learn(PLAN, "a", SMALL, SEEN)
    other = Cost(flops_per_s=9e9)
    calibration.learn(PLAN, "b", LARGE, other)
    assert calibration.cost(PLAN, "a", SMALL) == SEEN
    assert calibration.cost(PLAN, "a", LARGE).flops_per_s == 2e9  # the same model
    assert calibration.cost(PLAN, "c", LARGE).flops_per_s == 9e9  # the same size
    assert calibration.cost(PLAN, "b", LARGE).around_s == 0.5  # what is not known of it
    assert calibration.cost(LoadPlan("cuda:0", "bfloat16"), "a", SMALL) == Cost()


def test_cards_of_one_kind_learn_together(calibration):
    calibration.learn(LoadPlan("cuda:0", "bfloat16"), "a", SMALL, SEEN)
    assert calibration.cost(LoadPlan("cuda:1", "bfloat16"), "a", SMALL) == SEEN
    assert calibration.cost(LoadPlan("cuda:1", "bfloat16", "model"), "a", SMALL) == Cost()


def test_so_do_plans_with_as_many_blocks_on_the_card(calibration):
    plan = LoadPlan("cuda:0", "bfloat16", "sequential", "int8", resident_blocks=8, vae_tile=64)
    calibration.learn(plan, "a", SMALL, SEEN)
    assert calibration.cost(plan, "a", SMALL) == SEEN
    assert calibration.cost(LoadPlan("cuda:0", "bfloat16", "sequential", "int8", 9), "a", SMALL) == Cost()


def test_the_mean_moves_towards_what_is_seen(calibration):
    for speed in (1e9, 2e9):
        calibration.learn(PLAN, "a", SMALL, Cost(flops_per_s=speed))
    assert calibration.cost(PLAN, "a", SMALL).flops_per_s == pytest.approx(1.3e9)


@pytest.mark.parametrize("ratio", [0.01, 50.0, -3.0])
def test_a_ratio_that_makes_no_sense_is_a_fault_of_the_measurement(calibration, ratio):
    calibration.learn(PLAN, "a", SMALL, Cost(flops_per_s=1e9, activation_ratio=ratio))
    assert calibration.cost(PLAN, "a", SMALL) == Cost(flops_per_s=1e9)


def test_it_survives_a_restart_and_is_written_seldom(tmp_path):
    now = [0.0]
    file = tmp_path / "data" / "calibration.json"
    calibration = Calibration(file, monotonic=lambda: now[0])
    calibration.learn(PLAN, "a", SMALL, SEEN)
    before = file.read_text()
    now[0] = 29.0
    calibration.learn(PLAN, "a", SMALL, SEEN)
    assert file.read_text() == before
    now[0] = 31.0
    calibration.learn(PLAN, "b", LARGE, SEEN)
    assert Calibration(file).cost(PLAN, "b", LARGE) == SEEN


def test_what_was_not_written_yet_is_written_at_the_end(tmp_path):
    file = tmp_path / "calibration.json"
    calibration = Calibration(file, monotonic=lambda: 0.0)
    calibration.save()
    assert not file.exists()  # nothing was learned
    for model in "ab":
        calibration.learn(PLAN, model, SMALL, SEEN)
    calibration.save()
    assert "b" in {key.split()[-1] for key in json.loads(file.read_text())}


def test_it_does_not_grow_for_ever(calibration):
    for number in range(MAX_KEPT):
        calibration.learn(PLAN, f"model {number}", SMALL, SEEN)
    assert len(calibration._costs()) == MAX_KEPT
    assert calibration.cost(PLAN, "model 0", SMALL) == SEEN  # by the size


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a": 3}', '{"a": {"flops_per_s": 1}}', json.dumps({"a": dict.fromkeys(vars(SEEN), -1)})]
)
def test_a_file_that_makes_no_sense_is_learned_anew(tmp_path, text):
    file = tmp_path / "calibration.json"
    file.write_text(text)
    assert Calibration(file).cost(PLAN, "a", SMALL) == Cost()


def test_a_disk_that_is_full_costs_nothing_but_the_file(tmp_path, monkeypatch, caplog):
    def fail(path, write):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backend.services.generation.planning.calibration.write_atomically", fail)
    calibration = Calibration(tmp_path / "calibration.json")
    calibration.learn(PLAN, "a", SMALL, SEEN)
    assert calibration.cost(PLAN, "a", SMALL) == SEEN
    assert "cannot be written" in caplog.text


def test_a_size_that_was_never_drawn_lies_between_its_neighbours(calibration):
    for pixels, speed in ((2**16, 1e9), (2**18, 4e9), (2**22, 8e9)):
        calibration.learn(PLAN, "a", Work(1e9, 8, pixels, 1000), Cost(flops_per_s=speed, around_s=1e9 / speed))

    def speed_of(pixels: int) -> float:
        return calibration.cost(PLAN, "a", Work(1e9, 8, pixels, 1000)).flops_per_s

    assert speed_of(2**17) == pytest.approx(2e9)
    assert calibration.cost(PLAN, "a", Work(1e9, 8, 2**17, 1000)).around_s == pytest.approx(0.5)
    assert speed_of(2**18) == pytest.approx(4e9)
    assert speed_of(2**15) == pytest.approx(1e9)  # the nearest one
    assert speed_of(2**23) == pytest.approx(8e9)


def test_what_one_neighbour_does_not_know_is_the_models(calibration):
    calibration.learn(PLAN, "a", Work(1e9, 8, 2**16, 1000), Cost(flops_per_s=1e9, activation_ratio=2.0))
    calibration.learn(PLAN, "a", Work(1e9, 8, 2**18, 1000), Cost(flops_per_s=4e9))
    assert calibration.cost(PLAN, "a", Work(1e9, 8, 2**17, 1000)).activation_ratio == 2.0
