"""What image files tell of how they were made, a file a program."""
