"""What the exit code of a step's process means; the same on every driver."""

COMMITTED = 0  # without a manifest in the store: a failure
INPUT_AT_FAULT = 65  # never retried
TRANSIENT = 74  # a fault that may pass: counted
SAVED_ON_REQUEST = 75  # SIGTERM heeded, state saved: free
