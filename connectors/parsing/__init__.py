"""Running formats on bytes: in this process, or in others that may be ended."""
