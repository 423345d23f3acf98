"""What a web page is read with."""
