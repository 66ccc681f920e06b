package rpc

import (
	"strings"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// The reasons of google.rpc.ErrorInfo that this package sets. An error has another one by
// fault.WithReason. One without any gets the reason of its resource, such as GROUP_NOT_FOUND,
// or the name of its code, such as UNAVAILABLE.
const (
	reasonInvalidField     = "INVALID_FIELD"
	reasonMalformed        = "MALFORMED_REQUEST"
	reasonTooLarge         = "REQUEST_TOO_LARGE"
	reasonBodyTimeout      = "REQUEST_TIMEOUT"
	reasonMediaType        = "UNSUPPORTED_MEDIA_TYPE"
	reasonUnknownPath      = "UNKNOWN_PATH"
	reasonUnknownMethod    = "UNKNOWN_METHOD"
	reasonMethodNotAllowed = "METHOD_NOT_ALLOWED"
	reasonForeignHost      = "FOREIGN_HOST"
	reasonForeignOrigin    = "FOREIGN_ORIGIN"
	reasonTooManyBodies    = "TOO_MANY_LARGE_REQUESTS"
	reasonUpstream         = "SERVICE_UNAVAILABLE"
	reasonNoPeer           = "NOT_A_PEER"
)

// reasonStopping is the reason with which a service ends its streams when its process stops: their
// clients call again. This package does not set it.
const reasonStopping = "STOPPING"

// isStopping reports whether e ends a stream because its service stops, in this process or
// another one.
func isStopping(e *connect.Error) bool {
	info, ok := errorInfoOf(e)
	return ok && e.Code() == connect.CodeUnavailable && info.GetReason() == reasonStopping
}

// serverDomain is the domain of the errors of requests that reach no method.
const serverDomain = "server"

// domainOf returns the domain of the errors of a procedure: the name of its service.
func domainOf(procedure string) string {
	service, _, ok := strings.Cut(strings.TrimPrefix(procedure, "/"), "/")
	if !ok || service == "" {
		return serverDomain
	}
	return truncate(service, maxQuoteBytes)
}

// reasonOf returns the reason of an error with a code; named reports whether it names fields.
func reasonOf(code connect.Code, err error, named bool) string {
	if reason := fault.ReasonOf(err); reason != "" {
		return reason
	}
	if named {
		return reasonInvalidField
	}
	if resource, ok := fault.ResourceOf(err); ok {
		switch code {
		case connect.CodeNotFound:
			return upperSnake(resource.Type) + "_NOT_FOUND"
		case connect.CodeAlreadyExists:
			return upperSnake(resource.Type) + "_ALREADY_EXISTS"
		}
	}
	return upperSnake(code.String())
}

// upperSnake returns a text such as "string.min_len" as STRING_MIN_LEN.
func upperSnake(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, text)
}
