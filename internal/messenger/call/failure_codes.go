package call

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"syscall"
)

// codeBeforeWrite returns the code of a call that failed before its request was written.
func codeBeforeWrite(err error) string {
	var (
		dns         *net.DNSError
		op          *net.OpError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection_refused"
	case errors.As(err, &dns):
		return "dns_error"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case timedOut(err):
		return "timeout"
	case errors.As(err, &certificate), errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "tls_error"
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"): // crypto/tls uses these for TLS alerts
		return "tls_error"
	case op != nil && op.Op == "dial":
		return "dial_error"
	default:
		return "connection_error"
	}
}

// codeAfterWrite returns the code of a call that failed after its request was, or may
// have been, written.
func codeAfterWrite(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case timedOut(err):
		return "timeout"
	default:
		return "connection_lost"
	}
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
