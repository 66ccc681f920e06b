package balance

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// maxKeptBytes limits the kept bytes of the body of a request, which are sent again in a retry.
const maxKeptBytes = 1 << 20

// A requestBody is the body of a request that may be sent twice.
type requestBody struct {
	req  *http.Request
	kept *keptBody // nil if the body is empty, or GetBody returns it
}

// newBody returns the body of a request.
func (b *Balancer) newBody(req *http.Request) requestBody {
	if req.Body == nil || req.Body == http.NoBody || req.GetBody != nil {
		return requestBody{req: req}
	}
	limit := 0
	if b.mayRepeat(req) {
		limit = maxKeptBytes
	}
	return requestBody{req, newKeptBody(req.Body, limit)}
}

// first returns the body for the first instance.
func (b requestBody) first() io.ReadCloser {
	if b.kept == nil {
		return b.req.Body
	}
	return b.kept.open()
}

// isReplayable reports whether again can return the whole body.
func (b requestBody) isReplayable() bool { return b.kept == nil || b.kept.isWhole() }

// again returns the body for the second instance.
func (b requestBody) again() (io.ReadCloser, error) {
	switch {
	case b.kept != nil:
		return b.kept.open(), nil
	case b.req.GetBody != nil:
		return b.req.GetBody()
	}
	return b.req.Body, nil
}

// finish says that the body is not needed again.
func (b requestBody) finish() {
	if b.kept != nil {
		b.kept.finish()
	}
}

// A keptBody keeps the bytes that are read of a body, up to a limit, so that it can be read again from
// the start. It has one reader at a time: open replaces the one before. A transport may still
// be reading when it has returned; what it gets is kept like the rest. No method but Read
// waits for the source.
type keptBody struct {
	source io.ReadCloser
	limit  int // in bytes

	mu       sync.Mutex
	read     sync.Cond // a read of the source has ended
	reading  bool
	kept     []byte
	lost     bool  // kept is not all that was read
	err      error // of the source, at its end
	reader   *bodyReader
	finished bool
	closed   bool // the source
}

// A bodyReader reads a keptBody from the start.
type bodyReader struct {
	body   *keptBody
	offset int
	closed bool
}

var errBodyLost = errors.New("request body is too long to send it to another instance")

var errBodyReplaced = errors.New("request body is sent to another instance")

func newKeptBody(source io.ReadCloser, limit int) *keptBody {
	k := &keptBody{source: source, limit: limit}
	k.read.L = &k.mu
	return k
}

// open returns a reader from the start.
func (k *keptBody) open() io.ReadCloser {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reader = &bodyReader{body: k}
	k.read.Broadcast()
	return k.reader
}

// isWhole reports whether all that was read is kept.
func (k *keptBody) isWhole() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.lost && (k.limit > 0 || !k.reading)
}

// finish lets the current reader close the source.
func (k *keptBody) finish() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.finished = true
	if k.reader.closed {
		k.close()
	}
}

// close closes the source. mu must be held.
func (k *keptBody) close() {
	if !k.closed {
		k.closed = true
		_ = k.source.Close() // it is not read any more
	}
}

// Read reads the kept bytes, and then the source.
func (r *bodyReader) Read(data []byte) (int, error) {
	k := r.body
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.reading && k.reader == r && !r.closed && r.offset == len(k.kept) {
		k.read.Wait() // for the reader before
	}
	switch {
	case k.reader != r:
		return 0, errBodyReplaced
	case r.closed:
		return 0, http.ErrBodyReadAfterClose
	case r.offset < len(k.kept):
		n := copy(data, k.kept[r.offset:])
		r.offset += n
		return n, nil
	case k.err != nil:
		return 0, k.err
	}
	return k.readSource(r, data)
}

// readSource reads the source for a reader. mu must be held.
func (k *keptBody) readSource(r *bodyReader, data []byte) (int, error) {
	k.reading = true
	k.mu.Unlock()
	n, err := k.source.Read(data)
	k.mu.Lock()
	k.reading, k.err = false, err
	if n > 0 && len(k.kept)+n > k.limit {
		k.lost = true
	}
	switch {
	case !k.lost:
		k.kept = append(k.kept, data[:n]...)
		r.offset = len(k.kept)
	case k.reader != r:
		k.err = errBodyLost // the current reader cannot have these bytes
	}
	k.read.Broadcast()
	return n, err
}

// Close closes the reader, and the source once it is not needed again.
func (r *bodyReader) Close() error {
	k := r.body
	k.mu.Lock()
	defer k.mu.Unlock()
	r.closed = true
	if k.finished && k.reader == r {
		k.close()
	}
	k.read.Broadcast()
	return nil
}
