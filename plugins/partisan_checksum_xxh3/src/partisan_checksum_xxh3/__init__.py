"""XXH3 checksums for Partisan: installed at both ends of a connection, they take the place of the CRC-32."""
