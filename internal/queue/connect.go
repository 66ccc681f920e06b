package queue

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// dialTimeout bounds a try to connect to a NATS server elsewhere.
const dialTimeout = 5 * time.Second

// Dial opens a connection to a NATS server elsewhere, or to the first of several that
// answers, by URLs with commas between them. It comes back by itself when the server does.
// Where no server answers it is returned nevertheless, and connects when one does. It is
// logged when the server is away, and when it is back. A URL that cannot be one, and
// credentials that the server refuses, are errors, which do not quote them.
func Dial(servers string, log *slog.Logger) (*nats.Conn, error) {
	for server := range strings.SplitSeq(servers, ",") {
		if !strings.Contains(server, "://") {
			server = "nats://" + strings.TrimSpace(server)
		}
		if _, err := url.Parse(strings.TrimSpace(server)); err != nil {
			return nil, errors.New("--nats-url is no URL that can be read: it looks like nats://user:password@host:4222, several with commas between them")
		}
	}
	all := append(options(log), nats.Timeout(dialTimeout))
	conn, err := nats.Connect(servers, all...)
	switch {
	case err == nil:
		return conn, nil
	case refused(err):
		return nil, errors.New("the NATS server at --nats-url refuses the credentials, or wants some: put them into the URL, as in nats://user:password@host:4222")
	}
	log.Error("no NATS server answers at --nats-url: is it running, and is the address right? trying again until one does", "error", reason(err))
	conn, err = nats.Connect(servers, append(all, nats.RetryOnFailedConnect(true))...)
	if err != nil {
		return nil, errors.New("--nats-url cannot be used: " + reason(err))
	}
	return conn, nil
}

// options are those of every connection.
func options(log *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.Name("bongsu"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.PingInterval(5 * time.Second),
		nats.IgnoreAuthErrorAbort(), // credentials may be being changed
		nats.NoCallbacksAfterClientClose(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // each call says it, too
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			log.Warn("queue disconnected, connecting again until it is back", "error", reason(err))
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("queue connected again") }),
		nats.ConnectHandler(func(conn *nats.Conn) {
			if conn.Opts.RetryOnFailedConnect {
				log.Info("queue connected")
			}
		}),
	}
}

// refused reports whether a server answered, and does not let us in.
func refused(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked) || errors.Is(err, nats.ErrAccountAuthExpired)
}

// reason is the text of an error, without the URL that it may quote.
func reason(err error) string {
	if err == nil {
		return "closed"
	}
	if quoting, ok := errors.AsType[*url.Error](err); ok {
		return quoting.Err.Error()
	}
	return err.Error()
}
