"""Web pages: single ones, lists, sitemaps and crawls."""
