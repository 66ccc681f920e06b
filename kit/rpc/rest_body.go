package rpc

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A restRefusal is an error with its HTTP status in REST.
type restRefusal struct {
	status int
	error
}

func newRefusal(status int, format string, args ...any) *restRefusal {
	return &restRefusal{status, fmt.Errorf(format, args...)}
}

// readBody reads the whole body of a request, decompressed, before it is processed. Memory
// grows with the received bytes, not with the declared length.
func (r *route) readBody(req *http.Request) ([]byte, *restRefusal) {
	if err := r.checkMediaType(req); err != nil {
		return nil, err
	}
	compressed, refused := isCompressed(req.Header.Values("Content-Encoding"))
	if refused != nil {
		return nil, refused
	}
	limit := r.limit()
	if req.ContentLength > limit {
		return nil, refuseTooLarge(limit)
	}
	read := &io.LimitedReader{R: req.Body, N: limit + 1}
	body, err := readAll(read, req.ContentLength)
	if err == nil && compressed && read.N > 0 {
		body, err = decompress(body, limit, req.Body)
	}
	switch {
	case read.N <= 0 || int64(len(body)) > limit:
		return nil, refuseTooLarge(limit)
	case err != nil:
		return nil, refuseBody(err)
	case !r.raw && !utf8.Valid(body):
		return nil, &restRefusal{http.StatusBadRequest, bodyError("not valid UTF-8 at byte %d", firstInvalid(body))}
	}
	return body, nil
}

func refuseTooLarge(limit int64) *restRefusal {
	return newRefusal(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", limit)
}

func refuseBody(err error) *restRefusal {
	status := http.StatusBadRequest
	if e, ok := errors.AsType[*connect.Error](err); ok {
		switch e.Code() {
		case connect.CodeDeadlineExceeded:
			status = http.StatusRequestTimeout
		case connect.CodeUnavailable:
			status = http.StatusServiceUnavailable
		}
		return &restRefusal{status, e.Unwrap()}
	}
	return &restRefusal{status, err}
}

// readAll reads to the end. It allocates the buffer of a small body at once.
func readAll(r io.Reader, declared int64) ([]byte, error) {
	var buffer bytes.Buffer
	if declared > 0 {
		buffer.Grow(int(min(declared, 4<<10)) + bytes.MinRead)
	}
	_, err := buffer.ReadFrom(r)
	return buffer.Bytes(), err
}

// decompress returns the content of gzip data, at most limit+1 bytes of it. Bytes beyond a
// small body count against the budget of large ones.
func decompress(data []byte, limit int64, body io.Reader) ([]byte, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, errBadGzip
	}
	var plain bytes.Buffer
	for held := int64(smallBodyBytes); ; held *= 2 {
		if _, err := plain.ReadFrom(io.LimitReader(zipped, min(held, limit+1)-int64(plain.Len()))); err != nil {
			return nil, errBadGzip
		}
		if int64(plain.Len()) < held || int64(plain.Len()) > limit {
			return plain.Bytes(), nil
		}
		if b, ok := body.(*requestBody); ok && !b.charge(held) {
			return nil, errTooManyLargeBodies()
		}
	}
}

// bodyError returns the error of a body that cannot be decoded.
func bodyError(format string, args ...any) error {
	return fault.WithReason(fault.InvalidField("body", format, args...), reasonMalformed)
}

var errBadGzip = bodyError("invalid or truncated gzip data, see Content-Encoding")

// isCompressed reports whether a body is gzip. It refuses any other coding, and more than
// one.
func isCompressed(encodings []string) (bool, *restRefusal) {
	switch strings.ToLower(strings.TrimSpace(strings.Join(encodings, ","))) {
	case "", "identity":
		return false, nil
	case "gzip", "x-gzip":
		return true, nil
	}
	return false, refuseType("Content-Encoding", "send the body as gzip, or uncompressed")
}

// checkMediaType refuses a Content-Type other than JSON in UTF-8, if the path requires JSON.
// An empty body needs no type: the validation reports missing fields.
func (r *route) checkMediaType(req *http.Request) *restRefusal {
	types := req.Header.Values("Content-Type")
	switch {
	case len(types) > 1:
		return refuseType("Content-Type", "send it once")
	case len(types) == 1 && !utf8.ValidString(types[0]):
		return &restRefusal{http.StatusBadRequest, fault.InvalidField("Content-Type", "not valid UTF-8")}
	case r.raw:
		return r.checkRawType(req)
	case len(types) == 0 && req.ContentLength == 0:
		return nil
	case len(types) == 1 && types[0] == "application/json":
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || !IsJSON(mediaType) {
		return refuseType("Content-Type", "send the body as application/json")
	}
	if charset := strings.ToLower(params["charset"]); charset != "" && charset != "utf-8" && charset != "utf8" && charset != "us-ascii" {
		return refuseType("Content-Type", "send the body in UTF-8")
	}
	return nil
}

// refuseType refuses a body by the header of its type or coding.
func refuseType(header, problem string) *restRefusal {
	return &restRefusal{http.StatusUnsupportedMediaType, fault.WithReason(fault.InvalidField(header, "%s", problem), reasonMediaType)}
}

// IsJSON reports whether a media type, in lower case, is JSON.
func IsJSON(mediaType string) bool {
	return mediaType == "application/json" || mediaType == "text/json" ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

// firstInvalid returns the offset of the first byte that is not UTF-8.
func firstInvalid(text []byte) int {
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}
