"""What e-mail is read with."""
