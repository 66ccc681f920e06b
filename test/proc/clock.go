package proc

import (
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed testdata/clock.go.txt
var steppedNow []byte

// BuildStepped builds a bongsu whose clock a Clock sets into a folder. It differs from
// the real one only in the file that reads the clock.
func BuildStepped(dir string) (path string, err error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/bongsu-project/bongsu/cmd/bongsu").Output()
	if err != nil {
		return "", fmt.Errorf("find cmd/bongsu: %w", err)
	}
	source, overlay := filepath.Join(dir, "clock.go"), filepath.Join(dir, "overlay.json")
	replace := map[string]map[string]string{"Replace": {filepath.Join(strings.TrimSpace(string(out)), "clock.go"): source}}
	text, err := json.Marshal(replace)
	if err != nil {
		return "", err
	}
	for file, content := range map[string][]byte{source: steppedNow, overlay: text} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return "", err
		}
	}
	path = filepath.Join(dir, "bongsu-stepped")
	build := exec.Command("go", "build", "-overlay="+overlay, "-o", path, "github.com/bongsu-project/bongsu/cmd/bongsu")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build bongsu with a settable clock: %w", err)
	}
	return path, nil
}

// A Clock is the clock of processes built by BuildStepped; a change is visible to them
// at once.
type Clock struct{ path string }

// NewClock returns a clock without an offset.
func NewClock(t T, dir string) Clock {
	t.Helper()
	c := Clock{filepath.Join(dir, "clock")}
	if err := os.WriteFile(c.path, make([]byte, 8), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// Env returns the environment variable that sets this clock for a process.
func (c Clock) Env() string { return "BONGSU_TEST_CLOCK=" + c.path }

// Set sets the offset from the system clock, which may be negative.
func (c Clock) Set(t T, ahead time.Duration) {
	t.Helper()
	f, err := os.OpenFile(c.path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(ahead)), 0)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		t.Fatal(err)
	}
}
