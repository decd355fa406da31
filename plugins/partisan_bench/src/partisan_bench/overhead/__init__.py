"""What a node costs that does nothing, against the number of nodes, and with many peers."""
