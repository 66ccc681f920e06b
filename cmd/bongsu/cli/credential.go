package cli

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"connectrpc.com/connect"
)

// credential returns the API key or token that the client sends, or "" for none: that of
// --key-file, then that of BONGSU_API_KEY. Without them a user in the URL is sent, by net/http, and
// a server on loopback gets the admin key of the data folder if that can be read: no other server
// may see it. Errors quote no credential.
func (c client) credential() (string, error) {
	u, err := url.Parse(c.base())
	switch {
	case c.KeyFile != "":
		text, err := os.ReadFile(c.KeyFile)
		if err != nil {
			return "", usagef("--key-file: %s", err)
		}
		return checkCredential("--key-file", string(text))
	case c.APIKey != "":
		return checkCredential("BONGSU_API_KEY", c.APIKey)
	case err != nil || u.User != nil || c.Data == "" || !isLoopbackHost(u.Hostname()):
		return "", nil //nolint:nilerr // Validate refuses a malformed URL
	}
	text, err := os.ReadFile(filepath.Join(c.Data, "admin.key"))
	if err != nil {
		return "", nil //nolint:nilerr // most servers need no credential
	}
	return checkCredential("admin.key in the data folder", string(text))
}

// checkCredential returns a credential without the white space around it.
func checkCredential(source, text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || r <= ' ' || r == 0x7f }) {
		return "", usagef("%s holds no API key: it must be one word such as bgs_…", source)
	}
	return text, nil
}

// isLoopbackHost reports whether a host of a URL is this machine.
func isLoopbackHost(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// A credentialInterceptor sends the credential of a client with each call.
type credentialInterceptor struct{ client client }

// WrapUnary sends the credential with a unary call.
func (i credentialInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := i.authorize(req.Header()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// WrapStreamingClient sends the credential with a stream. client.Validate has found no error.
func (i credentialInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		_ = i.authorize(conn.RequestHeader())
		return conn
	}
}

// WrapStreamingHandler returns next: the interceptor is for clients.
func (i credentialInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (i credentialInterceptor) authorize(header http.Header) error {
	credential, err := i.client.credential()
	if err == nil && credential != "" {
		header.Set("Authorization", "Bearer "+credential)
	}
	return err
}
