// Package proc runs the programs under test as processes, and ends them as
// operators, crashes and power cuts would.
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

// Patience bounds every wait for another process.
const Patience = 30 * time.Second

// A T is what the functions here need of a test: testing.TB is one, and a benchmark
// that is a program of its own can be one.
type T interface {
	Helper()
	Failed() bool
	Fatal(args ...any)                 // does not return
	Fatalf(format string, args ...any) // does not return
	Logf(format string, args ...any)
	Cleanup(f func()) // f is called at the end, the last first
}

// A Process is a program that runs.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has exited
	err   error         // of the exit; after ended

	mu   sync.Mutex
	said []byte        // on stderr
	news chan struct{} // closed when it says more
}

// Start runs a command, and ends it with the test at the latest. Its stderr is
// kept, and shown where the test fails.
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
			t.Logf("%q said:\n%s", cmd.Args, tail(p.Said()))
		}
	})
	return p
}

// watch reads what it says to the end, and then its exit.
func (p *Process) watch(stderr io.Reader) {
	scanner := bufio.NewScanner(stderr)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.mu.Lock()
		p.said = append(append(p.said, scanner.Bytes()...), '\n')
		close(p.news)
		p.news = make(chan struct{})
		p.mu.Unlock()
	}
	p.err = p.cmd.Wait()
	close(p.ended)
}

// ID is the number by which the system knows it.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Said is what it has said on stderr so far.
func (p *Process) Said() string {
	said, _ := p.hear()
	return said
}

func (p *Process) hear() (said string, news <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.said), p.news
}

// Await waits until it has said what matches so many times, and gives the matches
// with their groups.
func (p *Process) Await(t T, what *regexp.Regexp, count int) [][]string {
	t.Helper()
	timeout := time.After(Patience)
	for {
		said, news := p.hear()
		if found := what.FindAllStringSubmatch(said, -1); len(found) >= count {
			return found
		}
		select {
		case <-news:
		case <-p.ended:
			t.Fatalf("it ended before it said %s: %v\n%s", what, p.err, tail(p.Said()))
		case <-timeout:
			t.Fatalf("it has not said %s %d times after %s\n%s", what, count, Patience, tail(said))
		}
	}
}

// Kill ends it as a power cut would.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.ended
}

// Signal sends it a signal.
func (p *Process) Signal(t T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// Ended is closed when it has exited.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Stop asks it to end, waits until it has, and gives its exit.
func (p *Process) Stop(t T) error {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	return p.Wait(t)
}

// Wait waits until it has ended, and gives its exit.
func (p *Process) Wait(t T) error {
	t.Helper()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(Patience):
		t.Fatalf("it has not ended after %s\n%s", Patience, tail(p.Said()))
		return nil
	}
}

// tail is the end of a text, as much as a person looks at.
func tail(text string) string { return text[max(0, len(text)-64<<10):] }
