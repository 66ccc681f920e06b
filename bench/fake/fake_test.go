package fake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/bench/fake"
)

// post makes a call in Slack's form, and returns the response.
func post(t *testing.T, f *fake.Fake, number, person int) (status int, answer string) {
	t.Helper()
	body := `{"channel":"` + fake.Channel(person) + `","text":"[normal] ` + fake.Text(number) + `"}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL+"/api/chat.postMessage", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func listen(t *testing.T) *fake.Fake {
	t.Helper()
	f, err := fake.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestTallyByUserAndMessage(t *testing.T) {
	f := listen(t)
	tally := f.Expect(2, 5)
	before := time.Now()
	if status, answer := post(t, f, 1, 7); status != http.StatusOK || !strings.HasPrefix(answer, `{"ok":true,"ts":"`) {
		t.Errorf("response %d %s", status, answer)
	}
	if err := tally.Wait(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if at, ok := tally.At(1, 2); !ok || at.Before(before) || !at.Equal(tally.Last()) {
		t.Errorf("received %v at %s, last at %s", ok, at, tally.Last())
	}
	if _, ok := tally.At(0, 2); ok {
		t.Error("a message was recorded that was not sent")
	}
	if err := tally.Check(); err != nil {
		t.Error(err)
	}
	post(t, f, 1, 7)
	if tally.Check() == nil || tally.Duplicates() != 1 || tally.Received() != 1 {
		t.Errorf("duplicates: %v, %d again, %d distinct", tally.Check(), tally.Duplicates(), tally.Received())
	}
	post(t, f, 2, 0)
	if err := tally.Check(); !strings.Contains(err.Error(), "1 were not expected") {
		t.Error(err)
	}
}

func TestWaitEnds(t *testing.T) {
	f := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Expect(1, 1).Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestPause(t *testing.T) {
	f := listen(t)
	tally := f.Expect(1, 1)
	f.Pause(time.Hour)
	if status, _ := post(t, f, 0, 0); status != http.StatusTooManyRequests || tally.Received() != 0 {
		t.Errorf("response %d, %d received", status, tally.Received())
	}
	f.Pause(0)
	if status, _ := post(t, f, 0, 0); status != http.StatusOK || tally.Received() != 1 {
		t.Errorf("response %d, %d received", status, tally.Received())
	}
}

func TestLag(t *testing.T) {
	const lag = 20 * time.Millisecond
	f := listen(t)
	f.Expect(1, 1)
	f.Lag(lag)
	start := time.Now()
	if status, _ := post(t, f, 0, 0); status != http.StatusOK || time.Since(start) < lag {
		t.Errorf("response %d after %s", status, time.Since(start))
	}
}
