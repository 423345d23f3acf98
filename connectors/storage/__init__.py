"""Documents kept elsewhere: behind a URL that fsspec opens, or inside an archive."""
