package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// healthCmd is the command bongsu health.
type healthCmd struct{ client }

// Help returns the long help.
func (healthCmd) Help() string {
	return `Exits with 0 if the server is ready, and with 1 if it is not or does not respond: for container health checks and scripts. --server may be the port of any service.

Examples:

	bongsu health
	bongsu health --server=http://127.0.0.1:18083 --timeout=2s`
}

// Run executes bongsu health.
func (c healthCmd) Run(ctx context.Context, con *console) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.base(), "/")+"/readyz", nil)
	if err != nil {
		return usagef("--server must be a URL such as %s", defaultServer)
	}
	res, err := (&http.Client{Timeout: c.Timeout}).Do(req)
	if err != nil {
		return fmt.Errorf("cannot reach %s: is bongsu serve running?", c.shown())
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 1024))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("connection to %s closed before the response was complete", c.shown())
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: %s", c.shown(), strings.TrimSpace(string(text)))
	}
	_, err = fmt.Fprintln(con.Out, "ready")
	return err
}
