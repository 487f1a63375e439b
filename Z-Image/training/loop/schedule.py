"""Learning-rate schedules."""


def trapezoid(step: int, total: int, warmup: int = 20, decay: float = 0.5) -> float:
    """Learning-rate factor: up over `warmup` steps, flat, then linearly to 0.02."""
    if step < warmup:
        return (step + 1) / warmup
    start = total * (1 - decay)
    if step < start:
        return 1.0
    return max(0.02, 1 - (step - start) / max(1.0, total - start))


def progress_trapezoid(progress: float, step: int, warmup: int = 20, decay: float = 0.5) -> float:
    """The same over a fraction of the stage's time, 0..1."""
    return trapezoid(int(progress * 10_000), 10_000, 0, decay) * min(1.0, (step + 1) / warmup)
