"""The training of LoRAs for any model of the family, one idea a module."""
