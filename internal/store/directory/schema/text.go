// Package schema is how the directory lies in its database. The tables are those
// of the contract.
package schema

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// text refuses what not every database can hold in a text.
func text(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("is not UTF-8")
	}
	if strings.ContainsRune(s, 0) {
		return errors.New("holds a NUL")
	}
	return nil
}
