"""`python -m training.lora`, from the folder Z-Image; see `training.lora.arguments`."""

from training.lora.command import main

if __name__ == "__main__":
    main()
