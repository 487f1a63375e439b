import pytest
import torch
from training.lora.flow import Question, flow_loss, noise_levels, shift_at
from zimage.config import SchedulerConfig


class Told:
    """A transformer that knows image and noise, and answers what it is asked to learn."""

    def __init__(self, question, wrong=0.0):
        self.question, self.wrong = question, wrong

    def prepare(self, batch):
        assert [target.size for target in batch.targets] == [(1, 4, 6)] * 2

    def modulate(self, t):
        self.times = t

    def predict(self, images, factors, prepared):
        question, level = self.question, 1 - self.times[:, None, None, None]
        wanted = (1 - level) * question.latents + level * question.noise
        torch.testing.assert_close(torch.stack(images).squeeze(2), wanted)
        return list((question.latents - question.noise + self.wrong).unsqueeze(2))


@pytest.fixture
def question(generator):
    latents, noise = torch.randn(2, 2, 16, 4, 6, generator=generator)
    return Question(latents, [torch.randn(3, 8, generator=generator)] * 2, noise, torch.tensor([0.2, 0.9]))


@pytest.mark.parametrize(("wrong", "loss"), [(0.0, 0.0), (0.5, 0.25)])
def test_the_model_is_told_the_time_and_asked_for_image_minus_noise(question, wrong, loss):
    assert float(flow_loss(Told(question, wrong), question)) == pytest.approx(loss)


def test_what_is_learned_is_the_way_that_sampling_goes(transformer, question, generator):
    """The loss of the real model is that of the velocity that the sampler takes, with its sign."""
    from zimage.sampling import Guidance, build_velocity

    captions = [torch.randn(9, transformer.config.cap_feat_dim, generator=generator)] * 2
    asked = Question(question.latents, captions, question.noise, torch.tensor([0.4, 0.4]))
    velocity = build_velocity(transformer, torch.tensor([0.6]), captions, [], Guidance(), (4, 6))
    noisy = 0.6 * asked.latents + 0.4 * asked.noise
    expected = (velocity(noisy, 0) - (asked.noise - asked.latents)).square().mean()
    torch.testing.assert_close(flow_loss(transformer, asked), expected, rtol=1e-4, atol=1e-6)


def test_levels_are_spread_as_a_shifted_schedule(generator):
    levels = noise_levels(1000, 3.0, generator)
    unshifted = levels / (3 - 2 * levels)
    assert torch.allclose(unshifted.sort().values, torch.arange(1000) / 1000, atol=1.1e-3)
    assert not torch.equal(levels, levels.sort().values)


def test_the_shift_is_the_model_s():
    assert shift_at(SchedulerConfig(shift=6.0), 64) == 6.0
    dynamic = SchedulerConfig(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15)
    assert 1 < shift_at(dynamic, 256) < shift_at(dynamic, 4096)
