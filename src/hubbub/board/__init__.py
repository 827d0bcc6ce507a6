"""Posts that stay, and what is said about them."""
