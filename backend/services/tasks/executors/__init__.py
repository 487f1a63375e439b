"""Where jobs run, behind one protocol."""
