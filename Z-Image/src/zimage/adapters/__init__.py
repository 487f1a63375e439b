"""What is put beside a model without changing it."""
