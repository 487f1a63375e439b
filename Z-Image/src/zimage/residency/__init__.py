"""Which weights of a model are on the device, and when: what makes room for a model that is larger than its card."""
