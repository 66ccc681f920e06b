package faults

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/test/proc"
)

// TestDiskFull fills the disk while alerts are sent.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	data := mount(t, "size=24m")
	s := oneIn(t, data, proc.Unpaced...)
	before, _ := posts(draw(t.Name()), 20)
	s.send(t, before)
	s.ended(t)

	var between []*alertRequest
	s.recordFault(func() { between = s.fill(t, data) })
	after, _ := posts(draw(t.Name()), 20)
	for _, p := range after {
		p.message, p.key = p.message+" after it", ""
	}
	s.send(t, after)
	s.judge(t, append(append(before, between...), after...))
	s.living(t)
}

// fill fills the disk until alerts are refused, frees it, waits until alerts are
// accepted again, and returns those that were sent in between.
func (s *system) fill(t *testing.T, data string) (between []*alertRequest) {
	t.Helper()
	balloon, err := os.Create(filepath.Join(data, "balloon"))
	must(t, err)
	defer balloon.Close()
	fill := func() {
		if _, err := io.Copy(balloon, endless{}); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	// Allocated space within the files takes some more alerts.
	for ctx, status := limited(t), 0; status != http.StatusServiceUnavailable; status, _ = s.get(ctx, "/readyz") {
		if ctx.Err() != nil {
			t.Fatalf("ready after %d alerts on a full disk", len(between))
		}
		fill() // the queue frees space
		var burst []*alertRequest
		for range 30 {
			burst = append(burst, &alertRequest{target: everyTeam, severity: "low", message: fmt.Sprintf("while the disk is full: %d", len(between)+len(burst))})
		}
		s.drive(ctx, burst, new(counter))
		between = append(between, burst...)
	}
	s.refuses(t)

	must(t, os.Remove(balloon.Name()))
	must(t, balloon.Close())
	s.ready(t)
	return between
}

// endless is a reader without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// mount returns the folder of a new small file system.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("mounting a file system failed (needs root on Linux): %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// TestFolderReadOnly starts on a read-only folder.
func TestFolderReadOnly(t *testing.T) {
	t.Parallel()
	data := mount(t, "size=24m")
	s := oneIn(t, data)
	all, _ := posts(draw(t.Name()), 10)
	s.send(t, all)
	must(t, s.parts["all"].Stop(t))
	remount := func(as string) {
		t.Helper()
		if out, err := exec.Command("mount", "-o", "remount,"+as, data).CombinedOutput(); err != nil {
			t.Fatalf("mount: %v %s", err, out)
		}
	}
	s.recordFault(func() {
		remount("ro")
		s.doesNotStart(t, data, "cannot start", "read-only")
		remount("rw")
		s.start(t, "all")
	})
	s.judge(t, all)
}

// TestFolderTurnsReadOnly lets the file system of a running process refuse all writes,
// as after a disk failure: nothing is accepted, and accepted alerts are kept.
func TestFolderTurnsReadOnly(t *testing.T) {
	t.Parallel()
	image, data := filepath.Join(t.TempDir(), "image"), t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Skipf("creating a disk failed (needs root on Linux, a loop device and mkfs.ext4): %s: %v %s", name, err, out)
		}
	}
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, 64<<20))
	run("mkfs.ext4", "-q", "-F", image)
	run("mount", "-o", "loop", image, data)
	t.Cleanup(func() {
		if out, err := exec.Command("umount", data).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})

	s := oneIn(t, data)
	before, _ := posts(draw(t.Name()), 40)
	s.send(t, before) // some of which wait for their slots
	s.recordFault(func() {
		// When ext4 shuts down, Linux may report a pending fsync as successful although
		// the data is lost. Here no fsync is pending.
		all := s.parts["all"]
		halt(t, all.Process)
		run("mount", "-o", "remount,abort", data)
		all.Signal(t, syscall.SIGCONT)
		s.notReady(t)
		s.refuses(t)
		s.living(t)
		s.kill("all")
		run("umount", data)
		run("mount", "-o", "loop", image, data)
		s.start(t, "all")
	})
	s.ready(t)
	after := &alertRequest{target: `"@user1"`, severity: "low", message: "after it"}
	s.send(t, []*alertRequest{after})
	s.judge(t, append(before, after))
}

// halt stops a process with SIGSTOP, and returns when none of its threads is in a
// system call.
func halt(t *testing.T, p *proc.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGSTOP)
	for ctx := limited(t); !still(t, p.ID()); wait(ctx, time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("the process does not stop")
		}
	}
}

// still reports whether all threads of a process are stopped.
func still(t *testing.T, process int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", process))
	must(t, err)
	for _, path := range threads {
		if stat, err := os.ReadFile(path); err != nil || !strings.Contains(string(stat), ") T ") {
			return false
		}
	}
	return len(threads) > 0
}
