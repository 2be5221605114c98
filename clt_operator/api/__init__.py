"""Types that cross every border: the experiment, the lock, steps, kinds, errors."""
