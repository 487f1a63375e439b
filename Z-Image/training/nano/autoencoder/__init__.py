"""The autoencoder, and the further training of its decoder."""
