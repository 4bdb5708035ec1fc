"""The master patient index: whose records are whose, kept on disk, asked instead of the sources."""
