"""Parameters in image files, one module for each kind of program."""
