package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/theory/jsonpath"
)

// maxBody is the maximum number of bytes of a response that are read.
const maxBody = 1 << 20

// transport returns the transport of HTTP checks. Each check opens a connection of its own: it
// sees a change of the name, of the certificate and of what listens.
func (p *Prober) transport(skipVerify bool) *http.Transport {
	return &http.Transport{
		DialContext:            p.guard.DialContext,
		TLSClientConfig:        p.tlsConfig("", skipVerify),
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

var errRedirects = errors.New("too many redirects")

func (c *HTTP) run(ctx context.Context, p *Prober) Finding {
	req, err := http.NewRequestWithContext(ctx, cmp.Or(c.Method, http.MethodGet), c.URL, strings.NewReader(c.Body))
	if err != nil {
		return unknown("url: %s", errHTTPURL) // the error quotes it
	}
	c.setHeaders(req)
	transport := p.verified
	if c.SkipVerify {
		transport = p.unverified
	}
	client := http.Client{Transport: transport, CheckRedirect: c.redirect}
	start := time.Now()
	res, err := client.Do(req)
	if err != nil {
		if res != nil {
			_ = res.Body.Close()
		}
		return failed("%s", c.reason(err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return failed("HTTP %d, and the response is cut off: %s", res.StatusCode, reason(err))
	}
	if f := c.judge(ctx, res.StatusCode, body); f.Outcome != Passed {
		return f
	}
	if took := time.Since(start); c.MaxLatency > 0 && took > c.MaxLatency {
		return failed("HTTP %d after %s, above %s", res.StatusCode, took.Round(time.Millisecond), c.MaxLatency)
	}
	return passed("HTTP %d", res.StatusCode)
}

func (c *HTTP) setHeaders(req *http.Request) {
	req.Header.Set("User-Agent", "bongsu-monitor")
	for i, h := range c.Headers {
		name := http.CanonicalHeaderKey(h.Name)
		if name == "Host" {
			req.Host = h.Value
			continue
		}
		if !slices.ContainsFunc(c.Headers[:i], func(o Header) bool { return http.CanonicalHeaderKey(o.Name) == name }) {
			req.Header.Del(name)
		}
		req.Header.Add(name, h.Value)
	}
}

// redirect decides about a redirect. The headers of the check are sent to the scheme, host and port of
// its URL only.
func (c *HTTP) redirect(req *http.Request, via []*http.Request) error {
	if c.Redirects == 0 {
		return http.ErrUseLastResponse
	}
	if len(via) > c.Redirects {
		return errRedirects
	}
	other := func(r *http.Request) bool { return !sameOrigin(via[0].URL, r.URL) }
	if other(req) || slices.ContainsFunc(via, other) {
		for _, h := range c.Headers {
			req.Header.Del(h.Name)
		}
		req.Host = ""
	}
	req.Header.Del("Referer") // it has the query
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// reason returns why a request failed.
func (c *HTTP) reason(err error) string {
	switch {
	case errors.Is(err, errRedirects):
		return fmt.Sprintf("more than the maximum of %d redirects", c.Redirects)
	case strings.Contains(err.Error(), "Location header"): // it quotes the URL
		return "invalid redirect"
	}
	return reason(err)
}

// judge returns Passed for a response that meets every condition.
func (c *HTTP) judge(ctx context.Context, status int, body []byte) Finding {
	if !c.accepts(status) {
		return failed("HTTP %d, expected %s", status, c.expected())
	}
	if f := c.judgePattern(ctx, status, body, c.BodyPattern, true); f.Outcome != Passed {
		return f
	}
	if f := c.judgePattern(ctx, status, body, c.BodyNotPattern, false); f.Outcome != Passed {
		return f
	}
	return c.judgeJSON(status, body)
}

func (c *HTTP) accepts(status int) bool {
	if len(c.Status) == 0 {
		return status >= 200 && status < 300
	}
	return slices.Contains(c.Status, int32(status))
}

func (c *HTTP) expected() string {
	if len(c.Status) == 0 {
		return "200 to 299"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(c.Status), " ", ", "), "[]")
}

func (c *HTTP) judgePattern(ctx context.Context, status int, body []byte, text string, want bool) Finding {
	if text == "" {
		return passed("")
	}
	compiled, err := compile(text)
	if err != nil {
		return unknown("invalid pattern")
	}
	ok, err := compiled.matches(ctx, body)
	switch {
	case err != nil:
		return failed(timeoutText)
	case ok && !want:
		return failed("HTTP %d, and the body matches body_not_pattern", status)
	case !ok && want:
		return failed("HTTP %d, but the body does not match body_pattern", status)
	}
	return passed("")
}

func (c *HTTP) judgeJSON(status int, body []byte) Finding {
	if c.JSONPath == "" {
		return passed("")
	}
	path, err := jsonpath.Parse(c.JSONPath)
	if err != nil {
		return unknown("invalid json_path")
	}
	value, err := decodeJSON(body)
	if err != nil {
		if len(body) == maxBody {
			return failed("HTTP %d, but the body is above 1 MiB", status)
		}
		return failed("HTTP %d, but the body is %s", status, err)
	}
	if depthOf(value, maxDepth) == maxDepth {
		return failed("HTTP %d, but the body is nested too deep for json_path", status)
	}
	nodes := path.Select(value)
	switch {
	case len(nodes) == 0:
		return failed("HTTP %d, but json_path selects nothing", status)
	case c.JSONValue != "" && !equalsAny(nodes, c.JSONValue):
		return failed("HTTP %d, but json_path does not select json_value", status)
	}
	return passed("")
}
