"""Data plane: what runs inside a Job. One package per step kind."""
