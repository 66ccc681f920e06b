package queue_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
)

// TestNoPasswordInDialErrors checks that the log of an unreachable server, and the error of
// a malformed URL, hold neither the password nor a part of it.
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
		var logged logtest.Buffer
		conn, err := queue.Dial(url, slog.New(slog.NewTextHandler(&logged, nil)))
		if err == nil {
			conn.Close() // no server is reachable, and the client keeps retrying
		}
		text := fmt.Sprint(err, logged.String())
		if strings.Contains(text, "s3") || strings.Contains(text, "ret") {
			t.Errorf("%q: %s", url, text)
		}
		if err == nil && logged.String() == "" {
			t.Errorf("%q: no error, and nothing is logged", url)
		}
	}
}
