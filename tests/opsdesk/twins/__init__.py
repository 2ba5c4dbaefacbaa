"""A shop that is wronged again and again, and its twin that never is: once appeals have undone every wrong,
nothing tells them apart but the record itself.

What both deserve happens to both. What one alone suffers ends in a full grant, on either level. Each has a
sibling of the same controller, to which what befalls the one may reach.
"""
