"""The other end: simulators of devices, servers and programs that the gateway or the toolkit deals with.

A peer knows its protocol from the specification and shares no code with what it meets. A test tells it how to behave.
"""
