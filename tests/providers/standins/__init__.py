"""Stand-ins for providers: stateful servers on loopback that speak a vendor's wire protocol and misbehave on command.

Written from the vendors' documentation and from what their SDKs send; no live service was seen. Standard library
only, so that ``python -m tests.providers`` needs nothing else.
"""
