package rpc

import "connectrpc.com/connect"

// CodeOf returns the code that callers get for an error of a handler, which the interceptors of
// Options.With see before it is translated.
func CodeOf(err error) connect.Code { return callerError(err).Code() }
