"""The paper's echo: pairs of actors, one call at a time each, over one connection or many, some way apart."""
