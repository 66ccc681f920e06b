// Package schema holds the ent schema of the monitor service's database.
//
// Times are microseconds since 1970 in UTC, 0 for none: both dialects store, compare and index
// them alike. Durations are microseconds.
package schema
