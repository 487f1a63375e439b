"""The OpenAI Images API, under `/v1`. Facts: the types of the package `openai`, 3.57."""
