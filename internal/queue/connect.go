package queue

import (
	"log/slog"

	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/natsconn"
)

// connName is the name of the connections of Bongsu at NATS servers.
const connName = "bongsu"

// Credentials are the files by which a process and NATS servers authenticate one another.
type Credentials natsconn.Credentials

// Dial connects to an external NATS server, as natsconn.Dial does.
func Dial(servers string, log *slog.Logger) (*nats.Conn, error) {
	return Credentials{}.Dial(servers, log)
}

// Dial is the function Dial, with credentials.
func (c Credentials) Dial(servers string, log *slog.Logger) (*nats.Conn, error) {
	return natsconn.Dial(servers, natsconn.Options{Name: connName, Credentials: natsconn.Credentials(c), Log: log})
}
