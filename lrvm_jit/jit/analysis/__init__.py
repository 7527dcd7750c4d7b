"""Which guest code becomes a region, and what is known of it before code is generated."""
