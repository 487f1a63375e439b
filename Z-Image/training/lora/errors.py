"""What a user of the training can put right."""


class TrainingError(ValueError):
    """The material or the settings cannot be used; the message says what is needed."""


class Stopped(TrainingError):
    """An end was asked for before the last step."""
