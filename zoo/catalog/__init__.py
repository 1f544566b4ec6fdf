"""What the installed plugins register: discovery, the catalog, and a look into the source."""
