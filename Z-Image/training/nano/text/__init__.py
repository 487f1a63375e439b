"""The text encoder: tokenizer, pretraining, and the drafts that its last layers learn."""
