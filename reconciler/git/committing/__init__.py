"""Commits made without a checkout: their messages, changed files as a tree, reports and proposals."""
