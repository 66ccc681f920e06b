package balance

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// A closeReader records its Close.
type closeReader struct {
	io.Reader
	closed bool
}

func (r *closeReader) Close() error {
	r.closed = true
	return nil
}

func TestKeptBody(t *testing.T) {
	source := &closeReader{Reader: strings.NewReader("0123456789")}
	body := newKeptBody(source, 20)
	first := body.open()
	if _, err := io.ReadFull(first, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil || source.closed || !body.isWhole() {
		t.Errorf("%v, closed %t, whole %t", err, source.closed, body.isWhole())
	}
	second := body.open()
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, errBodyReplaced) {
		t.Errorf("the first reader reads on: %v", err)
	}
	if text, err := io.ReadAll(second); err != nil || string(text) != "0123456789" {
		t.Errorf("the second reader gets %q, %v", text, err)
	}
	body.finish()
	if source.closed {
		t.Error("the source is closed before its reader")
	}
	if err := second.Close(); err != nil || !source.closed {
		t.Errorf("%v, closed %t", err, source.closed)
	}
}

// TestKeptBodyLateRead checks a read of the first reader that ends after the second one was
// opened: its bytes are those of the second one, or an error if they are too many to keep.
func TestKeptBodyLateRead(t *testing.T) {
	for limit, want := range map[int]string{4: "late", 3: ""} {
		synctest.Test(t, func(t *testing.T) {
			reader, writer := io.Pipe()
			body := newKeptBody(reader, limit)
			first := body.open()
			done := make(chan error, 1)
			go func() {
				_, err := first.Read(make([]byte, 10))
				done <- err
			}()
			synctest.Wait()
			second := body.open()
			go func() {
				_, _ = io.WriteString(writer, "late") // an error is that of the reader
				_ = writer.Close()
			}()
			text, err := io.ReadAll(second)
			if string(text) != want || (want == "") != errors.Is(err, errBodyLost) {
				t.Errorf("limit %d: the second reader gets %q, %v", limit, text, err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestKeptBodyInFlight checks that a body that is not kept is not sent again while its first
// reader waits for bytes, which would be lost.
func TestKeptBodyInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		body := newKeptBody(reader, 0)
		first := body.open()
		if !body.isWhole() {
			t.Error("an unread body cannot be sent again")
		}
		go func() { _, _ = first.Read(make([]byte, 1)) }()
		synctest.Wait()
		if body.isWhole() {
			t.Error("bytes may be lost")
		}
		_ = writer.Close()
	})
}

// TestKeptOnlyIfRepeatable checks which bodies are kept.
func TestKeptOnlyIfRepeatable(t *testing.T) {
	b := New(newMemoryRegistry(), Options{Repeatable: Methods(nil)})
	for _, c := range []struct {
		key   string
		body  io.Reader
		limit int // -1: not even wrapped
	}{
		{"", unsized{strings.NewReader("{}")}, 0},
		{"1", unsized{strings.NewReader("{}")}, maxKeptBytes},
		{"1", strings.NewReader("{}"), -1}, // it has GetBody
		{"1", nil, -1},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, BaseURL+addBook, c.body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(idempotencyHeader, c.key)
		limit := -1
		if kept := b.newBody(req).kept; kept != nil {
			limit = kept.limit
		}
		if limit != c.limit {
			t.Errorf("key %q, body %T: limit %d", c.key, c.body, limit)
		}
	}
}
