"""How well one mask agrees with another."""
