from __future__ import annotations

from backend.models.recipe import MAX_SEED
from backend.services.generation.job import Job
from tests.backend.fakes import a_job


def test_seeds_count_up_from_the_first_and_wrap():
    job = a_job(seed=MAX_SEED - 1, num_images=3)
    assert [job.recipe_of(index).seed for index in range(3)] == [MAX_SEED - 1, MAX_SEED, 0]
    assert job.recipe_of(2).model_copy(update={"seed": job.recipe.seed}) == job.recipe


def test_a_job_survives_the_journey_as_json():
    job = a_job("狐狸", num_images=2, use_gpu=True, guidance_scale=4.5, negative_prompt="blurry")
    assert Job.model_validate_json(job.model_dump_json()) == job
