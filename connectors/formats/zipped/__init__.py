"""What formats that are zip archives of XML are read with: Office, OpenDocument, EPUB."""
