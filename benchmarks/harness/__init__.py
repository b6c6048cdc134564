"""What measures, checks, and reports."""
