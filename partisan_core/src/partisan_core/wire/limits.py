"""What a peer may make us hold or read, each limit with its origin."""

PREAUTH_BODY = 4096
"""Bytes in the body of a frame before the handshake is done (reliability reference 4.1, threat 6)."""

HELLO_ADDRESSES = 16
"""Addresses a node may advertise (chosen: a host on several networks, IPv4 and IPv6, needs about six)."""

HELLO_ENTRIES = 64
"""Entries in each of labels, metadata and channels of a hello (chosen; `PREAUTH_BODY` bounds their bytes)."""

HELLO_NAMES = 1024
"""Characters of the names of all channels of a node (chosen: as many as its labels may have)."""

LEAST_BODY = 4 * 1024 * 1024
"""Bytes that the body of a frame may always have after the handshake, however small the largest message may be:
frames join many messages, and the membership of 10,000 nodes fits (chosen)."""

HELLO_CHECKSUMS = 16
"""Checksums that a node may offer in a hello (chosen: the CRC-32 and one faster are what there is use for)."""

LANES = 256
"""Lanes of one channel (chosen: the gain of parallel connections ends near 16, performance reference)."""

NONCE_MIN = 16
"""Bytes of a nonce: 128 bits do not repeat by chance."""

NONCE_MAX = 64

NONCE_SENT = 32
"""Bytes of our own nonces (reliability reference 4.4)."""

REFUSAL_TEXT = 512
"""Characters of a refusal that are kept; a peer's strings are bounded and escaped (threat 14)."""

QUOTED_VALUE = 64
"""Characters of one peer-supplied value quoted in a refusal (chosen: two of them and the advice fit)."""
