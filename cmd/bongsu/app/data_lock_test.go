package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// start opens an app and runs it until stop is called.
func start(t *testing.T, config Config) (stop func(), err error) {
	t.Helper()
	config.Log = slog.New(slog.DiscardHandler)
	config.Edge.Addr, config.Directory.Addr = "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	a, err := New(ctx, config)
	if err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}, nil
}

// TestTwoProcessesOnOneFolder checks that a second process on a data folder is refused
// with an error that names the holder and the remedy, and that it starts after the
// first has stopped.
func TestTwoProcessesOnOneFolder(t *testing.T) {
	data := t.TempDir()
	stop, err := start(t, Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	for _, services := range [][]string{{"all"}, {Directory}} {
		_, err = start(t, Config{Services: services, Data: data})
		if err == nil {
			t.Fatalf("a second process started on the folder, with %v", services)
		}
		for _, want := range []string{fmt.Sprintf("process %d ", os.Getpid()), data, "--data", "--seal-key-file", "stop it"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q lacks %q", err, want)
			}
		}
	}
	stop()
	stop, err = start(t, Config{Data: data})
	if err != nil {
		t.Fatalf("after the first has stopped: %v", err)
	}
	stop()
}

// TestLockHolder checks the text for valid and invalid contents of the lock file.
func TestLockHolder(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"7 " + host + "\n":               "process 7",
		"7 other\n":                      `process 7 on "other"`,
		"7 \x1b[2J\n":                    `process 7 on "\x1b[2J"`,
		"":                               "another process",
		"seven " + host:                  "another process",
		strings.Repeat("9", 2000) + " x": "another process",
	} {
		path := filepath.Join(t.TempDir(), dataLock)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := lockHolder(path); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if got := lockHolder(filepath.Join(t.TempDir(), "none")); got != "another process" {
		t.Errorf("no file: %s", got)
	}
}
