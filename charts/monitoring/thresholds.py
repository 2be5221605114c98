"""When an alert fires. Each number is a choice that a platform team may question: the reason is
beside it, and the same number stands in the alert's description."""

# Attempts of one kind of step that went wrong within an hour. Two are retried without a word.
FAILURES = 3
FAILURE_WINDOW = "1h"

# A long training shows progress by itself, so this is for steps that hang.
STALLED_HOURS = 2
PROGRESS_WINDOW = "30m"

# Kinds of step that do not say how far they are, and how long one may take: a large data set comes
# over the network, a metric that is a model scores on a CPU.
SILENT_KINDS = "fetch|derive|score"
SILENT_HOURS = 8

# Longer than a working day's queue for most teams' quotas.
QUEUE_HOURS = 4

NOT_FINITE_WINDOW = "15m"

# Of a run's own median. Row lengths and neighbours move it by a fifth, faults by more than half.
COLLAPSED_TO = 0.5
SPEED_WINDOW = "10m"
SPEED_PAST = "6h"
SPEED_EACH = "5m"

# Share of a store's requests. A healthy store is far below one in a hundred.
STORE_ERRORS = 0.02
STORE_RETRIES = 0.2
STORE_WINDOW = "10m"
# A quiet training asks so little that one failed request is a large share.
STORE_LEAST = 5

# What a lost node may cost in work.
CHECKPOINT_HOURS = 2

# The operator looks at every experiment each ten minutes, whatever happens.
LOOK_MINUTES = 30

# For how long a pod that led or stood by is held for an operator once it is scraped no more.
OPERATOR_PAST = "1h"

# Share of the operator's looks that end with an error.
LOOK_ERRORS = 0.2
LOOK_WINDOW = "15m"

# Share of the answers of one cell.
WRONG_LANGUAGE = 0.2
EXTRACTION_FAILURES = 0.2
