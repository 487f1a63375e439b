"""`python -m backend.mcp`: MCP over standard input and output, for programs with language models."""

from __future__ import annotations

import os
import sys

from backend.api.compat.mcp.stdio import main

if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # a thread that still computes must not hold the process up
