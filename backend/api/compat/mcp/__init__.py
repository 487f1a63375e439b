"""The Model Context Protocol: tools with which a language model draws."""
