"""Stand-ins for the platforms we talk to, as real servers on loopback that can be told to misbehave.

X's is in `x_simulator.py`; a test starts there.
"""
