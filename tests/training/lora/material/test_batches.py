import torch
from training.lora.material.batches import Batches, generator_of

KINDS = ["wide"] * 5 + ["tall"] * 4 + ["odd"]


def test_each_example_comes_once_an_epoch_with_others_of_its_kind():
    batches = Batches(KINDS, 2, seed=3)
    epoch = [batches.at(step) for step in range(batches.per_epoch)]

    assert sorted(index for batch in epoch for index in batch) == list(range(10))
    assert all(len({KINDS[index] for index in batch}) == 1 for batch in epoch)
    assert sorted(map(len, epoch)) == [1, 1, 2, 2, 2, 2]
    assert epoch != [batches.at(step) for step in range(batches.per_epoch, 2 * batches.per_epoch)]


def test_a_step_s_draws_follow_from_seed_and_step_alone():
    steps = range(30)
    forwards = [Batches(KINDS, 2, seed=3).at(step) for step in steps]
    again = Batches(KINDS, 2, seed=3)
    assert [again.at(step) for step in reversed(steps)] == forwards[::-1]
    assert [Batches(KINDS, 2, seed=4).at(step) for step in steps] != forwards

    one, same, other = (torch.rand(4, generator=generator_of(1, step)) for step in (7, 7, 8))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
