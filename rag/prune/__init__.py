"""What a passage is worth, judged before it is indexed."""
