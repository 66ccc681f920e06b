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

// Unpaced is how processes run whose tests are not about pace: they send to the
// same people again and again.
var Unpaced = []string{"--credential-limit=off", "--destination-limit=off"}

// ServeCommand is the command of Serve, for a test that changes it. Of a flag that is
// given twice, the last holds.
func (b Binaries) ServeCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(b.Bongsu, append([]string{"serve"}, lastOfEach(slices.Concat([]string{"--log-format=json"}, b.Args, args))...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	return cmd
}

// lastOfEach returns flags without those that are given again behind them: bongsu refuses
// a flag of one value that is given twice.
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

// URLs waits until a bongsu listens for so many services, and gives their URLs.
func (p *Process) URLs(t T, count int) map[string]string {
	t.Helper()
	urls := map[string]string{}
	for _, found := range p.Await(t, listens, count) {
		urls[found[1]] = "http://" + found[2]
	}
	return urls
}

var takesMail = regexp.MustCompile(`"msg":"the mockup takes mail","addr":"([^"]+)"`)

// MailAddr waits until a mockup takes mail, and gives where.
func (p *Process) MailAddr(t T) string {
	t.Helper()
	return p.Await(t, takesMail, 1)[0][1]
}

var natsListens = regexp.MustCompile(`Listening for client connections on (127\.0\.0\.1:\d+)`)

// NATS runs a NATS server with JetStream in dir on a port of the machine, or on
// any for -1, and gives its URL.
func (b Binaries) NATS(t T, dir string, port int) (*Process, string) {
	t.Helper()
	p := Start(t, exec.Command(b.NATSServer, "--addr", "127.0.0.1", "--port", strconv.Itoa(port), "--jetstream", "--store_dir", dir))
	return p, "nats://" + p.Await(t, natsListens, 1)[0][1]
}

// Port gives a port for a service that must be found there again after a restart:
// a free one that the system gives to nobody who asks for any, and Port to nobody else
// until t ends, in other processes neither. That of UDP is held for that long.
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
		return listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listened on TCP
	}
	t.Fatal("no port is free")
	return 0
}
