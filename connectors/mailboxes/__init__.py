"""Where messages are kept: mbox files, Maildir folders, folders of .eml files."""
