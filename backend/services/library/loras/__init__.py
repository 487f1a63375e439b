"""LoRAs: where they lie, what their headers and the files beside them say, what they are called by."""
