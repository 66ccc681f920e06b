// Package natsconn connects to NATS servers: the connection reconnects by itself, also to a server
// that is not reachable yet, and its loss and return are logged.
package natsconn

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/redact"
)

// dialTimeout is the timeout of an attempt to connect to a NATS server.
const dialTimeout = 5 * time.Second

// Options are the settings of a connection.
type Options struct {
	Name        string       // of the program, for the operators of the servers
	Credentials Credentials  // the zero value is none
	Log         *slog.Logger // required
}

// Dial connects to a NATS server, or to the first reachable one of several, by comma-separated
// URLs. The connection reconnects by itself. If no server is reachable, Dial returns it
// nevertheless, and it connects later. Loss and return of the connection are logged. Dial returns
// an error for a malformed URL, for credentials that cannot be read, and for those that the server
// rejects; the error does not quote them. Errors and logs name the flags --nats-url, --nats-creds,
// --nats-nkey-file and --nats-cert.
func Dial(servers string, o Options) (*nats.Conn, error) {
	for server := range strings.SplitSeq(servers, ",") {
		if !strings.Contains(server, "://") {
			server = "nats://" + strings.TrimSpace(server)
		}
		if _, err := url.Parse(strings.TrimSpace(server)); err != nil {
			return nil, errors.New("invalid --nats-url: want nats://user:password@host:4222, or several of them separated by commas")
		}
	}
	credentials, err := o.Credentials.options()
	if err != nil {
		return nil, err
	}
	options := append(append(Defaults(o.Name, o.Log), nats.Timeout(dialTimeout)), credentials...)
	conn, err := nats.Connect(servers, options...)
	switch {
	case err == nil:
		return conn, nil
	case isAuthError(err):
		return nil, errors.New("NATS server at --nats-url rejected the credentials or requires some: set them by --nats-creds, --nats-nkey-file or --nats-cert, or in the URL, as in nats://user:password@host:4222")
	}
	o.Log.Error("no NATS server is reachable at --nats-url, connecting in the background; check that it is running and that the address is right", "error", redactedReason(redact.Error(err, servers)))
	conn, err = nats.Connect(servers, append(options, nats.RetryOnFailedConnect(true))...)
	if err != nil {
		return nil, errors.New("invalid --nats-url: " + redactedReason(redact.Error(err, servers)))
	}
	return conn, nil
}

// A server that is cut off is noticed after three intervals. That is before the record of an
// instance in the registry ends, which must be renewed by then at another server.
const (
	pingInterval     = 1500 * time.Millisecond
	pingsOutstanding = 2
)

// Defaults returns the options of every connection of a program, for one that is not opened by
// Dial.
func Defaults(name string, log *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(pingsOutstanding),
		nats.IgnoreAuthErrorAbort(), // the credentials may be changed meanwhile
		nats.NoCallbacksAfterClientClose(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // each call returns the error, too
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			log.Warn("NATS disconnected, reconnecting", "error", redactedReason(err))
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("NATS connected again") }),
		nats.ConnectHandler(func(conn *nats.Conn) {
			if conn.Opts.RetryOnFailedConnect {
				log.Info("NATS connected")
			}
		}),
	}
}

// isAuthError reports whether an error is an authentication failure.
func isAuthError(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked) || errors.Is(err, nats.ErrAccountAuthExpired)
}

// redactedReason returns the text of an error, without the URL that it may quote.
func redactedReason(err error) string {
	if err == nil {
		return "closed"
	}
	if quoting, ok := errors.AsType[*url.Error](err); ok {
		return quoting.Err.Error()
	}
	return err.Error()
}
