// Package proc runs the programs under test as processes, and stops them like
// operators, crashes and power failures.
package proc

import (
	"bufio"
	"io"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// Patience is the timeout of every wait for another process.
const Patience = 30 * time.Second

// A T is the part of testing.TB that this package needs, so that a benchmark that is a
// program can implement it.
type T interface {
	Helper()
	Failed() bool
	Fatal(args ...any)                 // does not return
	Fatalf(format string, args ...any) // does not return
	Logf(format string, args ...any)
	Cleanup(f func()) // calls f at the end, in reverse order
}

// A Process is a running program.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed after the exit
	err   error         // of the exit; valid after ended

	mu   sync.Mutex
	log  []byte        // stderr so far
	news chan struct{} // closed on further output
}

// Start runs a command and kills it at the end of the test at the latest. It records
// stderr, and logs it if the test failed.
func Start(t T, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{cmd: cmd, ended: make(chan struct{}), news: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.watch(stderr)
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("stderr of %q:\n%s", cmd.Args, tail(p.Log()))
		}
	})
	return p
}

// watch reads stderr to the end, and then the exit status.
func (p *Process) watch(stderr io.Reader) {
	scanner := bufio.NewScanner(stderr)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.mu.Lock()
		p.log = append(append(p.log, scanner.Bytes()...), '\n')
		close(p.news)
		p.news = make(chan struct{})
		p.mu.Unlock()
	}
	p.err = p.cmd.Wait()
	close(p.ended)
}

// ID returns the process id.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Log returns stderr so far.
func (p *Process) Log() string {
	logged, _ := p.logAndNews()
	return logged
}

func (p *Process) logAndNews() (logged string, news <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.log), p.news
}

// Await waits until stderr holds count matches, and returns them with their groups.
func (p *Process) Await(t T, what *regexp.Regexp, count int) [][]string {
	t.Helper()
	timeout := time.After(Patience)
	for {
		logged, news := p.logAndNews()
		if found := what.FindAllStringSubmatch(logged, -1); len(found) >= count {
			return found
		}
		select {
		case <-news:
		case <-p.ended:
			t.Fatalf("process exited before it logged %s: %v\n%s", what, p.err, tail(p.Log()))
		case <-timeout:
			t.Fatalf("process did not log %s %d times within %s\n%s", what, count, Patience, tail(logged))
		}
	}
}

// Kill kills the process, as in a power failure, and waits for its exit.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have exited already
	<-p.ended
}

// Signal sends a signal.
func (p *Process) Signal(t T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// Ended returns a channel that is closed after the exit.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Stop sends SIGTERM, waits for the exit, and returns its error.
func (p *Process) Stop(t T) error {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	return p.Wait(t)
}

// Wait waits for the exit and returns its error.
func (p *Process) Wait(t T) error {
	t.Helper()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(Patience):
		t.Fatalf("process did not exit within %s\n%s", Patience, tail(p.Log()))
		return nil
	}
}

// tail returns the last 64 KiB of a text.
func tail(text string) string { return text[max(0, len(text)-64<<10):] }
