"""Road networks from tables, OpenStreetMap extracts and OSMnx graphs."""
