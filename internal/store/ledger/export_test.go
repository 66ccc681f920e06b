package ledger

// SelectBacklogs is what Backlogs asks, with ? for now.
var SelectBacklogs = selectBacklogs

// FromV is how what is changed by many rows of values is found.
const FromV = fromV

// Simple is the condition of deliveries that are ended without being read.
const Simple = simple
