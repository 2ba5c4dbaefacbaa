"""Demonstration data: made-up shops with a believable past, the same every time for the same arguments."""
