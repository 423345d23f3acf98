"""What pages of PDF files are read with."""
