package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// A bongsuProcess is Bongsu in a child process, with all of its services and fake providers.
type bongsuProcess struct {
	command *exec.Cmd
	data    string
	edge    chan string // gets the address of the edge
	ended   chan struct{}
	err     error // of the exit; valid after ended
}

// startBongsu starts Bongsu with the NATS server at a URL, and builds it before if --bongsu is unset.
func (c *serveCmd) startBongsu(ctx context.Context, natsURL string) (*bongsuProcess, error) {
	program := cmp.Or(c.Bongsu, filepath.Join(c.Data, "bongsu"))
	if c.Bongsu == "" {
		c.Log.Info("building bongsu")
		build := exec.CommandContext(ctx, "go", "build", "-o", program, bongsuPackage) //nolint:gosec // the path is that of the operator
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			return nil, fmt.Errorf("build bongsu: %w; --bongsu names a program that is built", err)
		}
	}
	b := &bongsuProcess{data: filepath.Join(c.Data, "bongsu-data"), edge: make(chan string, 1), ended: make(chan struct{})}
	args := []string{
		"serve", "--services=all,mockup", "--data=" + b.data, "--nats-url=" + natsURL, "--internal-key-file=" + c.KeyFile,
		"--edge-addr=" + c.EdgeAddr, "--auth=required", "--drain=0s", "--log-level=" + c.LogLevel.String(), "--log-format=json",
	}
	if strings.HasSuffix(c.EdgeAddr, ":0") { // a free port, as in tests
		args = append(args, "--mockup-addr=127.0.0.1:0", "--mockup-smtp-addr=127.0.0.1:0")
	}
	b.command = exec.CommandContext(context.WithoutCancel(ctx), program, args...) //nolint:gosec // as above
	stderr, err := b.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := b.command.Start(); err != nil {
		return nil, fmt.Errorf("start bongsu: %w", err)
	}
	go b.watch(stderr)
	return b, nil
}

// watch copies the log of Bongsu, reads the address of the edge in it, and waits for the exit.
func (b *bongsuProcess) watch(stderr io.Reader) {
	defer close(b.ended)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fmt.Fprintln(os.Stderr, lines.Text())
		var line struct{ Msg, Service, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" && line.Service == "edge" {
			b.edge <- line.Addr
		}
	}
	b.err = errors.Join(lines.Err(), b.command.Wait())
}

// Edge waits until the edge listens, and returns its URL.
func (b *bongsuProcess) Edge(ctx context.Context) (string, error) {
	select {
	case addr := <-b.edge:
		return "http://" + addr, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// AdminKey returns the API key that the first start has written.
func (b *bongsuProcess) AdminKey() (string, error) {
	key, err := os.ReadFile(filepath.Join(b.data, "admin.key"))
	return strings.TrimSpace(string(key)), err
}

// Wait waits until ctx ends, and returns an error if Bongsu ends before.
func (b *bongsuProcess) Wait(ctx context.Context) error {
	select {
	case <-b.ended:
		return fmt.Errorf("bongsu has ended: %w", cmp.Or(b.err, io.EOF))
	case <-ctx.Done():
		return nil
	}
}

// Stop stops Bongsu, and kills it after a while.
func (b *bongsuProcess) Stop() error {
	_ = b.command.Process.Signal(os.Interrupt) // it may have ended already
	kill := time.AfterFunc(stopTimeout, func() { _ = b.command.Process.Kill() })
	defer kill.Stop()
	<-b.ended
	if b.err != nil {
		return fmt.Errorf("bongsu: %w", b.err)
	}
	return nil
}
