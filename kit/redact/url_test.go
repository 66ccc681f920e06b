package redact_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"testing"

	"github.com/bongsu-project/bongsu/kit/redact"
)

func TestError(t *testing.T) {
	for _, c := range []struct{ value, text, want string }{
		{"nats://kim:s3cret-1@h:4222", "dial kim:s3cret-1@h: no", "dial [redacted]@h: no"},
		{"nats://t0ken-abc@h:4222", "refused t0ken-abc", "refused [redacted]"},
		{"nats://a:4222,nats://kim:s3cret-1@b:4222", "b refused s3cret-1", "b refused [redacted]"},
		{"postgres://kim@h/x?password=s3cret-1", "failed: s3cret-1", "failed: [redacted]"},
		{"host=h user=kim password=s3cret-1 dbname=x", "failed: s3cret-1 of kim", "failed: [redacted] of kim"},
		{"host=h password='s3 cret-1'", "failed: s3 cret-1", "failed: [redacted]"},
		{"postgres://kim@h/x", "http://other:pass@elsewhere/ failed", "http://[redacted]@elsewhere/ failed"},
		{"", "nothing was given", "nothing was given"},
	} {
		err := redact.Error(fmt.Errorf("%s: %w", c.text, fs.ErrNotExist), c.value)
		if want := c.want + ": file does not exist"; err.Error() != want || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, want %q", c.value, err, want)
		}
	}
	if err := redact.Error(nil, "x"); err != nil {
		t.Error(err)
	}
}

// TestUnparsed verifies that the text of a parse error is dropped: url.Parse quotes the
// value, whole and in parts.
func TestUnparsed(t *testing.T) {
	for _, value := range []string{
		"nats://kim:s3c/ret@h:4222", "nats://kim:s3cret@h:port", "http://kim:s3cret%zz@h", "nats://kim:s3 cret@h", "http://[s3cret", "s3cret\x7f://x",
	} {
		_, err := url.Parse(value)
		if err == nil {
			t.Fatalf("%q was parsed", value)
		}
		got := redact.Error(fmt.Errorf("connect: %w", err), value)
		if got.Error() != "invalid URL" {
			t.Errorf("%q: %q", value, got)
		}
	}
}
