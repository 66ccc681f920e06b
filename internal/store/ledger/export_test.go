package ledger

// SelectBacklogs is what Backlogs asks, with ? for now.
var SelectBacklogs = selectBacklogs
