// Package page serves lists in pages. The token of a page is the key of the entry before it, as text
// that callers do not read.
package page

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// defaultSize is the size of a page for which the caller asks for none.
const defaultSize = 50

// A Request is a request for a page, as the messages of lists have it.
type Request interface {
	GetPageSize() int32
	GetPageToken() string
}

// Of returns a page of a list, and the token of the next page, which is empty after the last one.
// key returns the key of an entry: a number, a string, or a struct of them. list returns the
// entries after a key, at most limit, and those from the beginning for the zero value.
//
// A token that is none of this list is fault.ErrInvalid, with the field page_token.
func Of[T, K any](req Request, key func(T) K, list func(after K, limit int) ([]T, error)) (entries []T, next string, err error) {
	after, err := parse[K](req.GetPageToken())
	if err != nil {
		return nil, "", fault.InvalidField("page_token", "not a token of this list")
	}
	size := cmp.Or(int(req.GetPageSize()), defaultSize)
	entries, err = list(after, size+1) // one more, to see whether there is a next page
	if err != nil || len(entries) <= size {
		return entries, "", err
	}
	entries = entries[:size]
	next, err = token(key(entries[size-1]))
	return entries, next, err
}

// token returns the token of the page after the entry with a key.
func token(key any) (string, error) {
	text, err := json.Marshal(key)
	if err != nil {
		return "", fmt.Errorf("page token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}

// parse returns the key of a token, and the zero value for an empty one.
func parse[K any](token string) (key K, err error) {
	if token == "" {
		return key, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, &key)
	}
	return key, err
}
