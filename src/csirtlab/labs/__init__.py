"""Lab sources compiled to notebooks, and checked."""
