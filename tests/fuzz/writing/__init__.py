"""The differential test of writes: what writes.py is made of."""
