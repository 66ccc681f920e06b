// Package schema holds the ent schema of the incident service's database.
//
// Times are microseconds since 1970 in UTC, 0 for none: both dialects store, compare and index
// them alike.
package schema
