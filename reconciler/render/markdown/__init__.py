"""Markdown as forges show it: a plan for a pull request, and the README of a status branch."""
