package seal_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/seal"
)

// TestSweep removes the leftovers of killed processes, and nothing else.
func TestSweep(t *testing.T) {
	path := newKeyFile(t)
	dir := filepath.Dir(path)
	now := time.Now()
	for name, age := range map[string]time.Duration{
		".seal-123": seal.LeftoverAge + time.Minute, ".seal-4": 48 * time.Hour, // leftovers
		".seal-5": seal.LeftoverAge - time.Minute, ".seal-6": 0, ".seal-7": -48 * time.Hour, // in use, or from a clock that was ahead
		".seal-": 48 * time.Hour, ".seal-1x": 48 * time.Hour, "seal-1": 48 * time.Hour, ".seal-1.bak": 48 * time.Hour, "x.seal-1": 48 * time.Hour, // other files
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".seal-8"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(dir, ".seal-9")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, ".seal-8"), now.Add(-48*time.Hour), now.Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all []string
	var sweeps sync.WaitGroup
	for range 4 { // concurrent processes
		sweeps.Go(func() {
			removed, err := seal.RemoveLeftovers(path, now)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, removed...)
		})
	}
	sweeps.Wait()
	slices.Sort(all)
	if want := []string{filepath.Join(dir, ".seal-123"), filepath.Join(dir, ".seal-4")}; !slices.Equal(all, want) {
		t.Errorf("removed %q, want %q", all, want)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 11 {
		t.Errorf("%d are left: %v, %v", len(left), left, err)
	}
	if removed, err := seal.RemoveLeftovers(filepath.Join(dir, "nowhere", "seal.key"), now); err != nil || removed != nil {
		t.Errorf("no folder: %q, %v", removed, err)
	}
}
