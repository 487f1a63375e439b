"""How the published models of this repository are made; no part of the installed library."""
