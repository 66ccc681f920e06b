package rpc

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"connectrpc.com/connect"
)

const (
	// maxMessageBytes limits the text of an error to a caller.
	maxMessageBytes = 4 << 10
	// maxDetailBytes limits the details of an error to a caller.
	maxDetailBytes = 4 << 10
	// maxLogBytes limits the logged text of one error.
	maxLogBytes = 4 << 10
	// maxQuoteBytes limits the part of a request that an error quotes.
	maxQuoteBytes = 200
)

// truncate returns text truncated to at most most bytes, with a mark if it was longer. A control
// character counts as six bytes, its size in JSON.
func truncate(text string, most int) string {
	size := 0
	for i, r := range text {
		n := utf8.RuneLen(r)
		if r < ' ' || r == utf8.RuneError {
			n = 6
		}
		if size += n; size > most {
			return text[:i] + "… (truncated)"
		}
	}
	return text
}

// truncateError returns an error within the limits for callers: its text is truncated, and
// details that do not fit are dropped.
func truncateError(e *connect.Error) *connect.Error {
	size := 0
	for _, d := range e.Details() {
		size += len(d.Bytes())
	}
	message := truncate(e.Message(), maxMessageBytes)
	if size <= maxDetailBytes && message == e.Message() {
		return e
	}
	short := connect.NewError(e.Code(), truncatedText(message))
	for key, values := range e.Meta() {
		short.Meta()[key] = values
	}
	left := maxDetailBytes
	for _, d := range e.Details() {
		if left -= len(d.Bytes()); left < 0 {
			break
		}
		short.AddDetail(d)
	}
	return short
}

// A truncatedText is the truncated text of an error.
type truncatedText string

func (t truncatedText) Error() string { return string(t) }

// quotedHeaders are the headers that Connect quotes in its errors.
var quotedHeaders = []string{
	"Connect-Content-Encoding", "Connect-Protocol-Version", "Connect-Timeout-Ms", "Content-Encoding", "Grpc-Encoding", "Grpc-Timeout",
}

// quotedParameters are the query parameters that Connect quotes in its errors.
var quotedParameters = []string{"base64", "compression", "connect", "encoding"}

// withShortHeaders truncates values that Connect would quote whole in an error. Such a long
// value is invalid, and stays so.
func withShortHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range quotedHeaders {
			if value := r.Header.Get(name); len(value) > maxQuoteBytes {
				r.Header.Set(name, value[:maxQuoteBytes])
			}
		}
		if len(r.URL.RawQuery) > maxQuoteBytes && r.Method == http.MethodGet {
			r.URL.RawQuery = shortQuery(r.URL.RawQuery)
		}
		next.ServeHTTP(w, r)
	})
}

// shortQuery truncates the values of quotedParameters.
func shortQuery(raw string) string {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return raw
	}
	long := false
	for _, name := range quotedParameters {
		if value := query.Get(name); len(value) > maxQuoteBytes {
			query.Set(name, strings.ToValidUTF8(value[:maxQuoteBytes], ""))
			long = true
		}
	}
	if !long {
		return raw
	}
	return query.Encode()
}
