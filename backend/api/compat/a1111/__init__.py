"""The API of AUTOMATIC1111's web UI, `/sdapi/v1`, which Forge, SD.Next and their clients speak, too."""
