"""What several formats make their blocks with."""
