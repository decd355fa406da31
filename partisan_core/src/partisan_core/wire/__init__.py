"""What travels between two nodes. Pure: bytes in, values out.

`limits`: what a peer may make us hold. `frames`: the byte stream cut into checked pieces. `batch`: many
messages in one frame; `packing`: compressed. `messages` and `handshake`: who may connect, as a table of states;
`authentication` and `sealing`: what it proves, and what it protects afterwards. `session`: the
messages of a lane, counted across its connections. `control`: what two kernels tell each other on the
membership connection. `relaying`: messages on their way through a third node.
"""
