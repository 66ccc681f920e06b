package proc

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Serve runs bongsu serve.
func (b Binaries) Serve(t T, args ...string) *Process {
	t.Helper()
	return Start(t, b.ServeCommand(args...))
}

// Unpaced turns rate limits off, for tests that send to the same users again and again.
var Unpaced = []string{"--credential-limit=off", "--destination-limit=off"}

// always are the flags of every bongsu serve: tests call the edge from one address, which may
// send any number of requests, send many alerts to one user and expect a message for each, and a
// stopped process has nobody to wait for.
var always = []string{"--log-format=json", "--address-limit=off", "--drain=0s", "--digest-after=off"}

// ServeCommand returns the command of Serve, for a test that modifies it. Of a repeated
// flag, the last value counts.
func (b Binaries) ServeCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(b.Bongsu, append([]string{"serve"}, lastOfEach(slices.Concat(always, b.Args, args))...)...)
	cmd.Env = append(append(os.Environ(), "GOMAXPROCS=2"), b.Env...)
	return cmd
}

// lastOfEach returns flags without those that are repeated later: bongsu refuses a
// repeated flag with one value.
func lastOfEach(flags []string) []string {
	last := map[string]int{}
	for i, flag := range flags {
		name, _, _ := strings.Cut(flag, "=")
		last[name] = i
	}
	var left []string
	for i, flag := range flags {
		if name, _, _ := strings.Cut(flag, "="); last[name] == i {
			left = append(left, flag)
		}
	}
	return left
}

var listens = regexp.MustCompile(`"msg":"listening","service":"(\w+)","addr":"([^"]+)"`)

// URLs waits until bongsu listens for count services, and returns their URLs.
func (p *Process) URLs(t T, count int) map[string]string {
	t.Helper()
	urls := map[string]string{}
	for _, found := range p.Await(t, listens, count) {
		urls[found[1]] = "http://" + found[2]
	}
	return urls
}

var takesMail = regexp.MustCompile(`"msg":"mockup accepts mail","addr":"([^"]+)"`)

// MailAddr waits until the mockup accepts mail, and returns its address.
func (p *Process) MailAddr(t T) string {
	t.Helper()
	return p.Await(t, takesMail, 1)[0][1]
}

var natsListens = regexp.MustCompile(`Listening for client connections on (127\.0\.0\.1:\d+)`)

// NATS runs a NATS server with JetStream in dir on a port of the machine, or on any
// free port for -1, and returns its URL.
func (b Binaries) NATS(t T, dir string, port int) (*Process, string) {
	t.Helper()
	p := Start(t, exec.Command(b.NATSServer, "--addr", "127.0.0.1", "--port", strconv.Itoa(port), "--jetstream", "--store_dir", dir))
	return p, "nats://" + p.Await(t, natsListens, 1)[0][1]
}

// Port returns a port for a service that must keep it after a restart: a free one
// outside of the range that the system assigns, which Port returns to no other caller,
// in other processes neither, until t ends. For that it holds the UDP port of the same
// number.
func Port(t T) int {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		held, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			_ = held.Close()
			continue
		}
		t.Cleanup(func() { _ = held.Close() })
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		return listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // the listener is TCP
	}
	t.Fatal("no port is free")
	return 0
}
