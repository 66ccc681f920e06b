package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/test/proc"
)

// A reader has what a browser shows of the inbox of a user: read connects it again after the last
// item that it has, and openPages connects it with a page in Chromium.
type reader struct {
	mu    sync.Mutex
	got   []readItem
	wrong string   // a line that it cannot read, or why it reads no more
	ends  []string // of the streams of read: the error that ended them; empty for none
}

type readItem struct {
	id   int
	text string
}

// read follows the inbox of a user until the test ends.
func (s *scene) read(t *testing.T, nickname string) *reader {
	t.Helper()
	r := &reader{}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			r.connect(ctx, s.edge+"/v1/inbox/stream?nickName="+url.QueryEscape(nickname))
			select {
			case <-time.After(20 * time.Millisecond): // before the next attempt, as browsers wait
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return r
}

// connect reads one stream to its end.
func (r *reader) connect(ctx context.Context, url string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Last-Event-ID", strconv.Itoa(r.last()))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return
	}
	id, name, end := "", "", ""
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		switch field, value, _ := strings.Cut(lines.Text(), ":"); field {
		case "id":
			id = strings.TrimSpace(value)
		case "event":
			name = strings.TrimSpace(value)
		case "data":
			switch name {
			case "": // that of an item
				r.take(id, value)
			case "status":
				end = value
			}
		case "": // the end of an event, or a comment
			id, name = "", ""
		}
	}
	if err := lines.Err(); err != nil {
		end = err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, end)
}

// items returns the items so far.
func (r *reader) items() []readItem {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *reader) last() int {
	if items := r.items(); len(items) > 0 {
		return items[len(items)-1].id
	}
	return 0
}

// take takes an item.
func (r *reader) take(id, data string) {
	number, err := strconv.Atoi(id)
	var item struct{ Text string }
	if err == nil {
		err = json.Unmarshal([]byte(data), &item)
	}
	if err != nil || item.Text == "" {
		r.fail(id + ": " + data)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, readItem{number, item.Text})
}

// fail fails the test that awaits an item.
func (r *reader) fail(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = reason
}

// await waits until the reader has a number of items, and checks that their ids ascend.
func (r *reader) await(t *testing.T, who string, texts []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		r.mu.Lock()
		items, wrong := slices.Clone(r.got), r.wrong
		r.mu.Unlock()
		got, last, ascend := []string(nil), 0, true
		for _, item := range items {
			got, last, ascend = append(got, item.text), item.id, ascend && item.id > last
		}
		if wrong != "" || !ascend {
			t.Fatalf("%s read %v, wrong %q", who, items, wrong)
		}
		if len(got) >= len(texts) {
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(texts)); !slices.Equal(got, want) {
				t.Fatalf("%s read %q, want %q", who, got, want)
			}
			return
		}
		select {
		case <-time.After(20 * time.Millisecond): // between looks at another goroutine's work over the network
		case <-ctx.Done():
			t.Fatalf("%s read %q, want %q", who, got, texts)
		}
	}
}
