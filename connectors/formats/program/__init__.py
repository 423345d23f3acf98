"""What source code is read with."""
