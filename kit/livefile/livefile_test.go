package livefile_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/kit/livefile"
)

// write replaces a file, as an editor, a deployment or a certificate client does.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// A clock is set by tests.
type clock struct {
	sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.Lock(); defer c.Unlock(); return c.now }

func (c *clock) advance(d time.Duration) { c.Lock(); defer c.Unlock(); c.now = c.now.Add(d) }

// join is the value of two files; "bad" is no value.
func join(texts [][]byte) (string, error) {
	value := string(texts[0]) + "+" + string(texts[1])
	if strings.Contains(value, "bad") {
		return "", errors.New("bad value")
	}
	return value, nil
}

func TestValue(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	write(t, a, "1")
	write(t, b, "1")
	now := &clock{now: time.Unix(1_000, 0)}
	var logged logtest.Buffer
	v, err := livefile.Open([]string{a, b}, join, now.Now, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	check := func(want string, logs int) {
		t.Helper()
		if got := v.Get(); got != want {
			t.Errorf("value %q, want %q", got, want)
		}
		if got := strings.Count(logged.String(), "failed"); got != logs {
			t.Errorf("%d failures logged, want %d: %s", got, logs, logged.String())
		}
	}
	check("1+1", 0)
	write(t, a, "2")
	check("1+1", 0) // not checked yet
	now.advance(livefile.CheckInterval)
	check("2+1", 0)
	write(t, b, "bad")
	for range 3 { // logged once
		now.advance(livefile.CheckInterval)
		check("2+1", 1)
	}
	write(t, b, "3")
	now.advance(livefile.CheckInterval)
	check("2+3", 1)
	if err := os.Remove(a); err != nil {
		t.Fatal(err)
	}
	now.advance(livefile.CheckInterval)
	check("2+3", 2)
	write(t, a, "4")
	now.advance(-time.Hour) // a clock that was set back
	check("4+3", 2)
}

// TestUnreadable checks that a value that cannot be read at the start is an error.
func TestUnreadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	log := slog.New(slog.DiscardHandler)
	if _, err := livefile.Open([]string{path, path}, join, time.Now, log); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	write(t, path, "bad")
	if _, err := livefile.Open([]string{path, path}, join, time.Now, log); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a bad file: %v", err)
	}
}

// TestConcurrentGets checks that concurrent calls see old or new values only.
func TestConcurrentGets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, "1")
	now := &clock{now: time.Unix(1_000, 0)}
	v, err := livefile.Open([]string{path, path}, join, now.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "2")
	now.advance(livefile.CheckInterval)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if got := v.Get(); got != "1+1" && got != "2+2" {
					t.Errorf("value %q", got)
				}
			}
		})
	}
	all.Wait()
	if got := v.Get(); got != "2+2" {
		t.Errorf("value %q at the end", got)
	}
}
