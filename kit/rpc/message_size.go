package rpc

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// envelopeBytes is an upper bound of a protocol's framing of a message.
const envelopeBytes = 1 << 10

// readMax limits a message to limit bytes on the wire and decompressed. To report the size of
// a larger message Connect reads it to its end; for a few compressed bytes that could be a
// minute of work, so the decompressor stops at the limit.
func readMax(limit int) connect.HandlerOption {
	return connect.WithHandlerOptions(
		connect.WithReadMaxBytes(limit),
		connect.WithCompression("gzip",
			func() connect.Decompressor { return &limitedGzip{limit: int64(limit) + 1} },
			func() connect.Compressor { return gzip.NewWriter(io.Discard) },
		),
	)
}

// A limitedGzip decompresses up to a limit, and returns an error beyond it.
type limitedGzip struct {
	gzip.Reader
	limit, left int64
}

// Reset starts to decompress the data of r.
func (g *limitedGzip) Reset(r io.Reader) error {
	g.left = g.limit
	if err := g.Reader.Reset(r); err != nil {
		return errBadGzip
	}
	return nil
}

// Read reads decompressed data.
func (g *limitedGzip) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errors.New("decompression limit exceeded")
	}
	n, err := g.Reader.Read(p[:min(int64(len(p)), g.left)])
	g.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = errBadGzip
	}
	return n, err
}

// readWhole returns r with its whole body read into memory, at most limit bytes. Its error is
// a *connect.Error.
func readWhole(r *http.Request, limit int64) (*http.Request, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, nil
	}
	body, err := readAll(io.LimitReader(r.Body, limit+1), r.ContentLength)
	switch {
	case err != nil:
		return r, err
	case int64(len(body)) > limit:
		return r, describe(connect.NewError(connect.CodeResourceExhausted, fault.WithReason(fmt.Errorf("request is larger than %d bytes", limit), reasonTooLarge)), r.URL.Path)
	}
	whole := *r
	whole.Body = io.NopCloser(bytes.NewReader(body))
	return &whole, nil
}

// withQueryCheck refuses Connect GET requests with a malformed query. Connect itself would
// respond with a server error.
func withQueryCheck(next http.Handler) http.Handler {
	return queryChecker{next, connect.NewErrorWriter()}
}

type queryChecker struct {
	next   http.Handler
	errors *connect.ErrorWriter
}

// ServeHTTP serves a request.
func (h queryChecker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		if err := checkConnectQuery(r.URL.RawQuery); err != nil {
			e := describe(connect.NewError(connect.CodeInvalidArgument, err), r.URL.Path)
			_ = h.errors.Write(w, r, e) // fails only if the caller is gone
			return
		}
	}
	h.next.ServeHTTP(w, r)
}

func checkConnectQuery(raw string) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return errMalformedQuery(err)
	}
	if values.Get("base64") != "1" {
		return nil
	}
	message := strings.TrimRight(values.Get("message"), "=")
	if _, err := base64.RawURLEncoding.DecodeString(message); err != nil {
		return fault.WithReason(parameterError("message", "invalid URL-safe base64"), reasonMalformed)
	}
	return nil
}
