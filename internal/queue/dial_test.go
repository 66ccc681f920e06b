package queue_test

import (
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/queue"
)

// TestNoPasswordInDialErrors: the error of a server that cannot be reached, or of a URL
// that cannot be parsed, holds neither the password nor a part of it.
func TestNoPasswordInDialErrors(t *testing.T) {
	for _, url := range []string{
		"nats://kim:s3cret@127.0.0.1:1",
		"nats://s3cret@127.0.0.1:1",
		"nats://kim:s3cret@127.0.0.1:port",
		"nats://kim:s3c/ret@127.0.0.1:4222",
		"nats://kim:s3cret%zz@127.0.0.1:4222",
		"nats://kim:s3 cret@127.0.0.1:1",
		"nats://127.0.0.1:1,nats://kim:s3c/ret@127.0.0.1:4222",
		"s3cret\x7f",
	} {
		_, err := queue.Dial(url)
		if err == nil {
			t.Fatalf("%q was opened", url)
		}
		if strings.Contains(err.Error(), "s3") || strings.Contains(err.Error(), "ret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
