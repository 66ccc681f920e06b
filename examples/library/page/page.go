// Package page cuts lists into pages, whose tokens are the ids of their last rows.
package page

import (
	"cmp"

	"github.com/google/uuid"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// defaultSize is the size of a page whose request has none.
const defaultSize = 50

// A Request is a request for a page, as the messages of the library have it.
type Request interface {
	GetPageSize() int32
	GetPageToken() string
}

// Of returns a page of the rows that list returns: at most limit rows after an id, or from the
// first one for an empty id. next is the token of the page after it; empty for the last.
func Of[T any](req Request, id func(T) string, list func(after string, limit int) ([]T, error)) (rows []T, next string, err error) {
	size, after := cmp.Or(int(req.GetPageSize()), defaultSize), req.GetPageToken()
	if after != "" && uuid.Validate(after) != nil {
		return nil, "", fault.InvalidField("page_token", "is not the next_page_token of a page")
	}
	rows, err = list(after, size+1)
	if err == nil && len(rows) > size {
		rows, next = rows[:size], id(rows[size-1])
	}
	return rows, next, err
}
