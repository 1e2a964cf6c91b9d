"""Values of the core to what people and programs read. Pure: no clock, no console, no files.

escape         makes harmless what documents and hosts said: every foreign string passes through it
layout         columns of a terminal: widths, shortening, wrapping, tables, bars
words          the phrases that text, markdown and JSON share
run_summary    a pass in a few lines
fleet_status   the state of a fleet after a pass
paths          what the files of a status branch are called
text/          for a terminal, 80 columns
markdown/      for pull requests and for the README of the status branch
outputs/       JSON documents, each with a schema in schemas/output/
status_tree    all files of the status branch, and the message they are committed with
"""
