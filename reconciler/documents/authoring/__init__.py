"""Documents written: new ones for `import` (writing), and single values of those there are for `propose` (editing)."""
