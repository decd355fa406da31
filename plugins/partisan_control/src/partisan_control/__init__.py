"""The control socket: how an operator talks to a running node.

A Unix socket in the node's data_dir, for its owner alone. One JSON object per line, either way:

    {"command": "ping", "arguments": {"peer": "beta"}}
    {"ok": true, "result": {"peer": "beta", "rtt": 0.0003}}
    {"ok": false, "error": "UnknownNode", "message": "no member 'btea' is known here (did you mean 'beta'?)"}

A connection carries any number of requests, one after the other. Closing it, or its sending half, before the answer
cancels a request that waits (`join`, `ping`).
"""
