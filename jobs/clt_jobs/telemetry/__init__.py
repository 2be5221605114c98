"""What a runner says of its work while it runs, and what its attempts leave: counts, no results.

Steps add to series through ``context.telemetry``; nothing comes back to them, so that no result
can depend on it.
"""
