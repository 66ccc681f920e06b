package app

import (
	"crypto/tls"
	"net/http"
	"strings"

	"connectrpc.com/connect"
)

var _ connect.HTTPClient = instanceClient{}

// An instanceClient calls the health services of instances. Those of other services are peers. An edge
// is called without the internal key and without the verification of its certificate, which is for the
// names that callers use, and by a name that it accepts whatever --allowed-hosts names.
type instanceClient struct {
	peers, edges *http.Client
	isEdge       func(host string) bool
}

// newInstanceClient returns the client of the checks of instances.
func (b *builder) newInstanceClient() instanceClient {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return instanceClient{
		peers: b.peerClient,
		edges: &http.Client{
			Transport: &http.Transport{
				Protocols:       protocols,
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // it only asks for the health
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		isEdge: func(host string) bool {
			for _, instance := range b.balancer.Instances() {
				if _, at, _ := strings.Cut(instance.URL, "://"); at == host && instance.Name == Edge {
					return true
				}
			}
			return false
		},
	}
}

// Do sends a request on a connection of its own: an idle one would delay the end of the process
// that is checked.
func (c instanceClient) Do(req *http.Request) (*http.Response, error) {
	req.Close = true
	if c.isEdge(req.URL.Host) {
		req.Host = "localhost"
		return c.edges.Do(req) //nolint:gosec // the URL is that of a registered instance
	}
	return c.peers.Do(req) //nolint:gosec // as above
}
