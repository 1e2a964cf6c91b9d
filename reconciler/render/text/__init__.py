"""Everything the command line shows, as plain text of at most 80 columns. One module a noun."""
