package ledger

// SelectBacklogs is what Backlogs asks, with ? for now.
var SelectBacklogs = selectBacklogs

// FromV is how what is changed by many rows of values is found.
const FromV = fromV
