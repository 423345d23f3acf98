"""What `Rag` is made of: its parts, its upkeep, what is read of it and what it is asked."""
