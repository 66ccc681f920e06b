// Package schema holds the ent schema of the event service's database.
//
// Times are microseconds since 1970 in UTC, 0 for none: both dialects store, compare and index
// them alike.
package schema

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// text returns an error for texts that not every supported database can store.
func text(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("must be UTF-8")
	}
	if strings.ContainsRune(s, 0) {
		return errors.New("must not contain NUL")
	}
	return nil
}
