"""Git repositories, read by git's own program and never checked out."""
