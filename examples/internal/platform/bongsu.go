package platform

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// bongsuPackage is the program that runs beside the services.
const bongsuPackage = "github.com/bongsu-project/bongsu/cmd/bongsu"

// stopTimeout is how long Bongsu may take to stop before it is killed.
const stopTimeout = 30 * time.Second

// bongsu is Bongsu in a child process, with all of its services and fake providers.
type bongsu struct {
	command *exec.Cmd
	data    string
	listens chan struct{} // closed when the edge listens
	edge    string        // the URL of the edge; valid after listens
	ended   chan struct{}
	err     error // of the exit; valid after ended
}

// BuildBongsu builds Bongsu to a path, from the sources of this module.
func BuildBongsu(ctx context.Context, path string) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", path, bongsuPackage) //nolint:gosec // the path is that of the operator
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build bongsu: %w", err)
	}
	return nil
}

// StartBongsu starts Bongsu with further arguments, and builds it before if no program is named.
func (p *Platform) StartBongsu(ctx context.Context, args ...string) error {
	program := cmp.Or(p.flags.Bongsu, filepath.Join(p.dir, "bongsu"))
	if p.flags.Bongsu == "" {
		p.log.Info("building bongsu")
		if err := BuildBongsu(ctx, program); err != nil {
			return fmt.Errorf("%w; --bongsu names a program that is built", err)
		}
	}
	b := &bongsu{data: filepath.Join(p.dir, "bongsu-data"), listens: make(chan struct{}), ended: make(chan struct{})}
	all := []string{
		"serve", "--services=all,mockup", "--data=" + b.data, "--nats-url=" + p.server.URL(), "--internal-key-file=" + p.keyFile,
		"--edge-addr=" + p.flags.EdgeAddr, "--auth=required", "--drain=0s", "--log-level=" + p.logLevel.String(), "--log-format=json",
	}
	if strings.HasSuffix(p.flags.EdgeAddr, ":0") { // free ports, as in tests
		all = append(all, "--mockup-addr=127.0.0.1:0", "--mockup-smtp-addr=127.0.0.1:0")
	}
	b.command = exec.Command(program, append(all, args...)...) //nolint:gosec,noctx // stop ends it in order
	stderr, err := b.command.StderrPipe()
	if err != nil {
		return err
	}
	if err := startBound(b.command, func() { b.watch(stderr) }); err != nil {
		return fmt.Errorf("start bongsu: %w", err)
	}
	p.bongsu = b
	return nil
}

// watch copies the log of Bongsu, reads the address of the edge in it, and waits for the exit.
func (b *bongsu) watch(stderr io.Reader) {
	defer close(b.ended)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fmt.Fprintln(os.Stderr, lines.Text())
		var line struct{ Msg, Service, Addr string }
		if b.edge == "" && json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" && line.Service == "edge" {
			b.edge = "http://" + line.Addr
			close(b.listens)
		}
	}
	b.err = errors.Join(lines.Err(), b.command.Wait())
}

// wait waits until ctx ends, and returns an error if Bongsu ends before.
func (b *bongsu) wait(ctx context.Context) error {
	select {
	case <-b.ended:
		if ctx.Err() == nil { // an interrupt of the terminal reaches both
			return fmt.Errorf("bongsu has ended: %w", cmp.Or(b.err, io.EOF))
		}
		return nil
	case <-ctx.Done():
		return nil
	}
}

// stop stops Bongsu, and kills it after a while.
func (b *bongsu) stop() error {
	_ = b.command.Process.Signal(os.Interrupt) // it may have ended already
	kill := time.AfterFunc(stopTimeout, func() { _ = b.command.Process.Kill() })
	defer kill.Stop()
	<-b.ended
	if b.err != nil {
		return fmt.Errorf("bongsu: %w", b.err)
	}
	return nil
}

// An Edge is the edge of Bongsu for an administrator.
type Edge struct {
	URL      string
	AdminKey string
	Client   *http.Client // sends the key
}

// Edge waits until the edge listens.
func (p *Platform) Edge(ctx context.Context) (Edge, error) {
	select {
	case <-p.bongsu.listens:
	case <-p.bongsu.ended:
		return Edge{}, fmt.Errorf("bongsu has ended: %w", cmp.Or(p.bongsu.err, io.EOF))
	case <-ctx.Done():
		return Edge{}, ctx.Err()
	}
	key, err := os.ReadFile(filepath.Join(p.bongsu.data, "admin.key"))
	if err != nil {
		return Edge{}, err
	}
	admin := strings.TrimSpace(string(key))
	return Edge{p.bongsu.edge, admin, &http.Client{Transport: Bearer(admin)}}, nil
}

// Bearer sends a credential with each request.
type Bearer string

// RoundTrip implements http.RoundTripper.
func (b Bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(req)
}
