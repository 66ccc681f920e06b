package probe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"time"

	probing "github.com/prometheus-community/pro-bing"
)

const (
	// defaultEchoRequests is the default of ICMP.Count.
	defaultEchoRequests = 3
	echoInterval        = 200 * time.Millisecond
	// echoWait is how long a check waits for the last responses.
	echoWait = 2 * time.Second
)

const icmpForbidden = "this machine does not permit ICMP: set the sysctl net.ipv4.ping_group_range to include the group of the process, " +
	"or give it the capability NET_RAW"

func (c *ICMP) run(ctx context.Context, p *Prober) Finding {
	addr, err := p.guard.Addr(ctx, c.Host)
	if err != nil {
		return failed("%s", reason(err))
	}
	at := &net.IPAddr{IP: addr.AsSlice()}
	// Ping sockets need no privilege where the machine permits them; raw sockets need one.
	statistics, err := c.ping(ctx, at, runtime.GOOS == "windows")
	if errors.Is(err, os.ErrPermission) {
		statistics, err = c.ping(ctx, at, true)
	}
	switch {
	case errors.Is(err, os.ErrPermission):
		return unknown("%s", icmpForbidden)
	case err != nil && (statistics == nil || statistics.PacketsRecv == 0):
		return failed("%s", reason(err))
	case statistics.PacketsRecv == 0:
		return failed("none of %d echo requests was answered", statistics.PacketsSent)
	}
	ms := float64(statistics.AvgRtt) / float64(time.Millisecond)
	return passed("%d of %d echo requests were answered after %s ms on average", statistics.PacketsRecv, statistics.PacketsSent, trimmed(ms)).with(ms)
}

// ping sends echo requests.
func (c *ICMP) ping(ctx context.Context, to *net.IPAddr, privileged bool) (*probing.Statistics, error) {
	pinger := probing.New("")
	pinger.SetIPAddr(to)
	pinger.SetPrivileged(privileged)
	pinger.SetLogger(probing.NoopLogger{})
	pinger.Count, pinger.Interval = cmp.Or(c.Count, defaultEchoRequests), echoInterval
	pinger.Timeout = time.Duration(pinger.Count)*echoInterval + echoWait
	if deadline, ok := ctx.Deadline(); ok {
		const margin = 20 * time.Millisecond // so that the responses before the timeout count
		pinger.Timeout = max(min(pinger.Timeout, time.Until(deadline)-margin), time.Millisecond)
	}
	err := pinger.RunWithContext(ctx)
	return pinger.Statistics(), err
}
