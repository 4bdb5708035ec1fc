"""Who treats and where: practitioners, their roles, organizations, places, care teams."""
