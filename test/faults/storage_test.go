package faults

import (
	"context"
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

	"github.com/bongsu-project/bongsu/internal/store/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// TestPostgreSQLGoneAndBack ends the database under alerts that go through: what
// cannot be recorded is refused, and what was accepted is kept.
func TestPostgreSQLGoneAndBack(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(t.Context())
	if errors.Is(err, postgrestest.ErrNone) {
		t.Skip("PostgreSQL is skipped: " + err.Error())
	}
	must(t, err)
	t.Cleanup(func() { must(t, server.Stop()) })
	directory, err := server.Make(t.Context())
	must(t, err)
	ledger, err := server.Make(t.Context())
	must(t, err)
	s := oneIn(t, t.TempDir(), "--directory-url="+directory, "--ledger-url="+ledger)

	all, _ := posts(draw(t.Name()), 60)
	accepted, driven := new(counter), make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	go func() {
		defer close(driven)
		s.drive(ctx, all, accepted)
	}()
	if !accepted.reach(ctx, 20) {
		t.Fatal("20 alerts were not accepted")
	}
	err = server.Crash(t.Context(), func() {
		s.notReady(t)
		s.refuses(t)
	})
	if errors.Is(err, postgrestest.ErrNone) {
		t.Skip("the PostgreSQL of " + postgrestest.Variable + " is not ours to end")
	}
	must(t, err)
	<-driven
	s.ready(t)
	s.judge(t, all)
	s.living(t)
}

// TestDiskFull fills the disk under alerts that go through.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	data := mount(t, "size=24m")
	s := oneIn(t, data)
	before, _ := posts(draw(t.Name()), 20)
	s.send(t, before)
	s.ended(t)

	balloon, err := os.Create(filepath.Join(data, "balloon"))
	must(t, err)
	defer balloon.Close()
	fill := func() {
		if _, err := io.Copy(balloon, endless{}); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	// What the files have allocated takes some more.
	var between []*post
	for ctx, said := limited(t), 0; said != http.StatusServiceUnavailable; said, _ = s.get(ctx, "/readyz") {
		if ctx.Err() != nil {
			t.Fatalf("%d alerts later it is ready, on a full disk", len(between))
		}
		fill() // the queue gives back what it does not need any more
		var burst []*post
		for range 200 {
			burst = append(burst, &post{target: `"@all"`, severity: "low", message: fmt.Sprintf("while the disk is full: %d", len(between)+len(burst))})
		}
		s.drive(ctx, burst, new(counter))
		between = append(between, burst...)
	}
	s.refuses(t)

	must(t, os.Remove(balloon.Name()))
	must(t, balloon.Close())
	s.ready(t)
	after, _ := posts(draw(t.Name()), 20)
	for _, p := range after {
		p.message, p.key = p.message+" after it", ""
	}
	s.send(t, after)
	s.judge(t, append(append(before, between...), after...))
	s.living(t)
}

// endless is a file without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// mount gives a small file system of its own.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a file system of its own cannot be mounted here (it needs root on Linux), so this is not tested: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// TestFolderReadOnly starts on a folder that cannot be written.
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
	remount("ro")
	doesNotStart(t, data, "cannot start", "read-only")
	remount("rw")
	s.start(t, "all")
	s.judge(t, all)
}

// TestLedgerCorrupted starts on a ledger whose file holds something else, and on the
// file as it was.
func TestLedgerCorrupted(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := oneIn(t, data)
	all, _ := posts(draw(t.Name()), 10)
	s.send(t, all)
	must(t, s.parts["all"].Stop(t))
	path := filepath.Join(data, "ledger.db")
	good, err := os.ReadFile(path)
	must(t, err)
	for name, bad := range map[string][]byte{
		"no database at all":    []byte(strings.Repeat("this is no database\n", 1000)),
		"garbage in the middle": append(append([]byte{}, good[:4096]...), []byte(strings.Repeat("garbage ", (len(good)-4096)/8))...),
	} {
		t.Run(name, func(t *testing.T) {
			must(t, os.WriteFile(path, bad, 0o600))
			doesNotStart(t, data, "cannot start", "ledger")
		})
	}
	must(t, os.WriteFile(path, good, 0o600))
	s.start(t, "all")
	s.judge(t, all)
}

// doesNotStart sees that a process in a folder ends and says why.
func doesNotStart(t *testing.T, data string, why ...string) {
	t.Helper()
	p := binaries.Serve(t, "--data="+data, "--edge-addr=127.0.0.1:0")
	if err := p.Wait(t); err == nil {
		t.Error("it ended as if all were well")
	}
	for _, word := range why {
		if !strings.Contains(p.Said(), word) || strings.Contains(p.Said(), "goroutine") {
			t.Errorf("it said %q, and nothing of %q", p.Said(), word)
		}
	}
}

// limited gives a context that ends when patience does.
func limited(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	t.Cleanup(cancel)
	return ctx
}

// ready waits until it says that it can accept.
func (s *system) ready(t testing.TB) { s.readiness(t, http.StatusOK) }

// notReady waits until it says that it cannot accept.
func (s *system) notReady(t testing.TB) { s.readiness(t, http.StatusServiceUnavailable) }

func (s *system) readiness(t testing.TB, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		status, said := s.get(ctx, "/readyz")
		if status == want {
			return
		}
		wait(ctx, 50*time.Millisecond)
		if ctx.Err() != nil {
			t.Fatalf("/readyz says %d %q, want %d", status, said, want)
		}
	}
}

func (s *system) get(ctx context.Context, path string) (status int, said string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(body)
}

// refuses sees an alert refused in words that help and tell nothing of the inside.
func (s *system) refuses(t testing.TB) {
	t.Helper()
	res, err := http.Post(s.url+"/v1/alerts", "application/json", strings.NewReader(`{"target":["@all"],"message":"`+strings.Repeat("y", 10000)+`"}`))
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode < 500 || !strings.Contains(string(body), "unavailable") || strings.Contains(strings.ToLower(string(body)), "sql") {
		t.Errorf("it answers %d %s", res.StatusCode, body)
	}
}
