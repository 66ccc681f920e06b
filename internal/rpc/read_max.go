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
)

// envelopeBytes is more than what a protocol puts around a message.
const envelopeBytes = 1 << 10

// readMax bounds a message to limit bytes on the wire and decompressed. Connect counts
// the rest of a message that is too large; of a compressed one that would cost a minute
// of work for a few bytes, so that the decompressor stops there.
func readMax(limit int) connect.HandlerOption {
	return connect.WithHandlerOptions(
		connect.WithReadMaxBytes(limit),
		connect.WithCompression("gzip",
			func() connect.Decompressor { return &limitedGzip{limit: int64(limit) + 1} },
			func() connect.Compressor { return gzip.NewWriter(io.Discard) },
		),
	)
}

// A limitedGzip decompresses up to a limit and fails beyond it.
type limitedGzip struct {
	gzip.Reader
	limit, left int64
}

// Reset begins with the data of r.
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
		return 0, errors.New("decompression stopped")
	}
	n, err := g.Reader.Read(p[:min(int64(len(p)), g.left)])
	g.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = errBadGzip
	}
	return n, err
}

// arrived returns r with its whole body read, at most limit bytes of it. Its error is a
// *connect.Error.
func arrived(r *http.Request, limit int64) (*http.Request, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, nil
	}
	body, err := readAll(io.LimitReader(r.Body, limit+1), r.ContentLength)
	switch {
	case err != nil:
		return r, err
	case int64(len(body)) > limit:
		return r, connect.NewError(connect.CodeResourceExhausted, fmt.Errorf("the request is larger than %d bytes", limit))
	}
	whole := *r
	whole.Body = io.NopCloser(bytes.NewReader(body))
	return &whole, nil
}

// checkedQueries refuses Connect GET requests whose query cannot be decoded. Connect
// itself answers them as if the server had failed.
func checkedQueries(next http.Handler) http.Handler {
	writer := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if err := checkConnectQuery(r.URL.RawQuery); err != nil {
				_ = writer.Write(w, r, connect.NewError(connect.CodeInvalidArgument, err)) // a caller that left needs no answer
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func checkConnectQuery(raw string) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	if values.Get("base64") != "1" {
		return nil
	}
	message := strings.TrimRight(values.Get("message"), "=")
	if _, err := base64.RawURLEncoding.DecodeString(message); err != nil {
		return errors.New("query parameter message: not base64 for URLs")
	}
	return nil
}
