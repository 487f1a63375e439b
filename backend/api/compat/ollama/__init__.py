"""The image API that Ollama had until July 2026, for the clients that were left without it."""
