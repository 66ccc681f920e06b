package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
)

// maxReceived is the maximum number of bytes that a TCP check receives.
const maxReceived = 64 << 10

func (c *TCP) run(ctx context.Context, p *Prober) Finding {
	conn, stop, err := p.connect(ctx, c.Address)
	if err != nil {
		return failed("%s", reason(err))
	}
	defer stop()
	if c.TLS {
		secured := tls.Client(conn, p.tlsConfig(hostOf(c.Address), false))
		if err := secured.HandshakeContext(ctx); err != nil {
			return failed("TLS: %s", reason(err))
		}
		conn = secured
	}
	if c.Send != "" {
		if _, err := io.WriteString(conn, c.Send); err != nil {
			return failed("send: %s", reason(err))
		}
	}
	if c.Expect == "" {
		return passed("connected")
	}
	return c.receive(ctx, conn)
}

// receive reads until the received text matches Expect.
func (c *TCP) receive(ctx context.Context, conn net.Conn) Finding {
	expect, err := compile(c.Expect)
	if err != nil {
		return unknown("invalid pattern")
	}
	received := make([]byte, 0, 4096)
	for {
		n, err := conn.Read(received[len(received):cap(received)])
		received = received[:len(received)+n]
		if n > 0 {
			ok, failure := expect.matches(ctx, received)
			if failure != nil {
				return failed(timeoutText)
			}
			if ok {
				return passed("received what was expected")
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return failed("closed after %d bytes that do not match expect", len(received))
		case err != nil:
			return failed("receive: %s", reason(err))
		case len(received) >= maxReceived:
			return failed("the first 64 KiB do not match expect")
		case len(received) == cap(received):
			received = append(make([]byte, 0, 2*cap(received)), received...)
		}
	}
}

// hostOf returns the host of host:port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
