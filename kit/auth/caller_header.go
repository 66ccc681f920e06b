package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// maxCallerHeader is the greatest length of an encoded Caller.
const maxCallerHeader = 16 << 10

// A wireCaller is a Caller between processes.
type wireCaller struct {
	ID       string   `json:"id"`
	Name     string   `json:"name,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	Nickname string   `json:"nickname,omitempty"`
}

// EncodeCaller returns c as the value of a header between processes. Only a process that has
// authenticated the sender may decode it: it is not signed. Text that is not UTF-8 is
// replaced.
func EncodeCaller(c Caller) string {
	text, _ := json.Marshal(wireCaller(c)) // it always marshals
	return base64.RawURLEncoding.EncodeToString(text)
}

// DecodeCaller returns the Caller of EncodeCaller. Its errors quote nothing of the value.
func DecodeCaller(value string) (Caller, error) {
	if len(value) > maxCallerHeader {
		return Caller{}, errors.New("malformed caller: too long")
	}
	text, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return Caller{}, errors.New("malformed caller: not base64")
	}
	var c wireCaller
	if err := json.Unmarshal(text, &c); err != nil || !utf8.Valid(text) {
		return Caller{}, errors.New("malformed caller: not a JSON object")
	}
	return Caller(c), nil
}
