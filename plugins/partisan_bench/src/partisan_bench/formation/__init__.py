"""How long many node processes take to become one cluster, and what each of them costs then."""
