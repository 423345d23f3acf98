"""Chat models, and how they are asked."""
