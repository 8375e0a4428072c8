"""Long work: what is said of it while it goes on, and how it is shared out."""
