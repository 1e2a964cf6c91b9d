"""Commands about documents themselves: whether they are valid, new ones, and changes to propose."""
