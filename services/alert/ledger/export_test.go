package ledger

// SelectBacklogs returns the query of Backlogs, with a ? for each now.
var SelectBacklogs = selectBacklogs

// FromV joins the deliveries that a statement changes with its rows.
const FromV = joinValues

// Simple is the condition for deliveries that are completed without being read.
const Simple = whereSimple

// IncidentChangesLock is the key of the lock that orders incident changes in PostgreSQL.
const IncidentChangesLock = incidentChangesLock

// KeyWithoutThreads returns the condition of alert keys that may be deleted.
var KeyWithoutThreads = keyWithoutThreads
