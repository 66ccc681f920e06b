package rpc

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"connectrpc.com/connect"
)

const (
	// maxMessageBytes bounds the text of an error that leaves the process.
	maxMessageBytes = 4 << 10
	// maxDetailBytes bounds the details of an error that leaves the process.
	maxDetailBytes = 4 << 10
	// maxLogBytes bounds what is logged of one error.
	maxLogBytes = 4 << 10
	// maxQuoteBytes bounds what an error quotes of a request.
	maxQuoteBytes = 200
)

// cut returns text with at most most bytes, and says where it was longer. A control
// character counts as six bytes, as that is what JSON makes of it.
func cut(text string, most int) string {
	size := 0
	for i, r := range text {
		n := utf8.RuneLen(r)
		if r < ' ' || r == utf8.RuneError {
			n = 6
		}
		if size += n; size > most {
			return text[:i] + "… (cut)"
		}
	}
	return text
}

// cutError returns an error that says no more than callers may be sent: its text is cut,
// and details are left out that do not fit.
func cutError(e *connect.Error) *connect.Error {
	size := 0
	for _, d := range e.Details() {
		size += len(d.Bytes())
	}
	message := cut(e.Message(), maxMessageBytes)
	if size <= maxDetailBytes && message == e.Message() {
		return e
	}
	short := connect.NewError(e.Code(), cutText(message))
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

// A cutText is the text of an error that was cut.
type cutText string

func (t cutText) Error() string { return string(t) }

// quotedHeaders are those that Connect quotes in its errors.
var quotedHeaders = []string{
	"Connect-Content-Encoding", "Connect-Protocol-Version", "Connect-Timeout-Ms", "Content-Encoding", "Grpc-Encoding", "Grpc-Timeout",
}

// quotedParameters are those of a query that Connect quotes in its errors.
var quotedParameters = []string{"base64", "compression", "connect", "encoding"}

// withShortHeaders cuts what Connect would quote whole in an error. What is so long is
// not valid, and stays so.
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

// shortQuery cuts the values of quotedParameters.
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
