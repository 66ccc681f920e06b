// Package page makes the tokens by which callers ask for the next page of a list: the key of
// its last entry, as text that callers do not read.
package page

import (
	"encoding/base64"
	"encoding/json"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// defaultSize is the size of a page for which the caller asks for none.
const defaultSize = 50

// Size returns the number of entries of a page: n, or 50 if n is 0.
func Size(n int32) int {
	if n == 0 {
		return defaultSize
	}
	return int(n)
}

// Token returns the token of the page after an entry with a key: a number, a string, or a
// struct of them.
func Token(key any) string {
	text, err := json.Marshal(key)
	if err != nil {
		panic("page: a key that is not JSON: " + err.Error()) // a mistake of the program
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// Parse reads the key of a token into key. It returns fault.ErrInvalid, with the field
// page_token, for a text that Token has not returned for a key of its type. An empty token,
// which asks for the first page, leaves key as it is.
func Parse(token string, key any) error {
	if token == "" {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, key)
	}
	if err != nil {
		return fault.InvalidField("page_token", "not a token of this list")
	}
	return nil
}

// Cut returns the entries of a page, and the token of the next one, which is empty without one.
// all holds up to one entry more than the page has: that there are more is all it says.
func Cut[T any](all []T, size int, key func(T) any) (entries []T, next string) {
	if len(all) <= size {
		return all, ""
	}
	return all[:size], Token(key(all[size-1]))
}
