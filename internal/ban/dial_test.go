package ban_test

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/kittest"
)

// A dialer connects to a server in this process, unless it is cut off.
type dialer struct {
	server *server.Server
	cut    atomic.Bool
}

// InProcessConn implements nats.InProcessConnProvider.
func (d *dialer) InProcessConn() (net.Conn, error) {
	if d.cut.Load() {
		return nil, errors.New("cut off")
	}
	return d.server.InProcessConn()
}

func connect(t *testing.T, s *server.Server) *nats.Conn {
	t.Helper()
	return (&dialer{server: s}).connect(t)
}

func (d *dialer) connect(t *testing.T) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect("", nats.InProcessServer(d), nats.MaxReconnects(-1), nats.Timeout(patience))
	kittest.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}
