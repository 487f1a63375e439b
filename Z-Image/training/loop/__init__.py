"""What every training stage shares: resumable runs, workers, optimisers, checkpoints, logs."""
