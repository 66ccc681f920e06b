package edge

import (
	"errors"

	"connectrpc.com/connect"
)

// relayStream forwards a stream of another service message by message, and closes it.
func relayStream[M any](from *connect.ServerStreamForClient[M], to *connect.ServerStream[M]) (err error) {
	defer func() { err = errors.Join(err, from.Close()) }()
	for from.Receive() {
		if err := to.Send(from.Msg()); err != nil {
			return err
		}
	}
	return from.Err()
}
