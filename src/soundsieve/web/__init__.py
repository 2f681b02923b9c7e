"""Pages in the browser, served from this computer by the standard library alone."""
