package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxMonitoring is the maximum size of a response of a monitoring port in bytes.
const maxMonitoring = 8 << 20

// runMonitoring reads the monitoring port of a server.
func (c *NATS) runMonitoring(ctx context.Context, p *Prober) Finding {
	var server monitoredServer
	if err := c.get(ctx, p, "/varz", &server); err != nil {
		return failed("%s", reason(err))
	}
	var m measures
	if c.Servers > 0 {
		count, err := c.countRoutes(ctx, p, server.ID)
		if err != nil {
			return failed("%s", reason(err))
		}
		m.add("servers:", float64(count), "", float64(c.Servers), count < c.Servers)
	}
	if c.Stream != "" {
		if f := c.judgeMonitoredStream(ctx, p, server.Name, &m); f.Outcome != Passed {
			return f
		}
	}
	if !m.has {
		return passed("the server answers")
	}
	return m.finding()
}

// A monitoredServer is a response of /varz.
type monitoredServer struct {
	ID   string `json:"server_id"`
	Name string `json:"server_name"`
}

// countRoutes returns the number of servers: this one and those with a route to it.
func (c *NATS) countRoutes(ctx context.Context, p *Prober, id string) (int, error) {
	var routes struct {
		Routes []struct {
			ID string `json:"remote_id"`
		} `json:"routes"`
	}
	if err := c.get(ctx, p, "/routez", &routes); err != nil {
		return 0, err
	}
	ids := map[string]bool{id: true}
	for _, route := range routes.Routes {
		ids[route.ID] = true
	}
	return len(ids), nil
}

// A monitoredStream is a stream of a response of /jsz.
type monitoredStream struct {
	Name    string         `json:"name"`
	Cluster *streamCluster `json:"cluster"`
	Config  struct {
		Replicas int `json:"num_replicas"`
	} `json:"config"`
	Consumers []struct {
		Name    string `json:"name"`
		Pending uint64 `json:"num_pending"`
	} `json:"consumer_detail"`
}

// judgeMonitoredStream adds the values of the stream and the consumer, in every account,
// as the server with a name knows them.
func (c *NATS) judgeMonitoredStream(ctx context.Context, p *Prober, server string, m *measures) Finding {
	var jetStream struct {
		Accounts []struct {
			Streams []monitoredStream `json:"stream_detail"`
		} `json:"account_details"`
	}
	if err := c.get(ctx, p, "/jsz?streams=true&consumers=true&config=true", &jetStream); err != nil {
		return failed("%s", reason(err))
	}
	stream, consumer := false, false
	for _, account := range jetStream.Accounts {
		for _, s := range account.Streams {
			if s.Name != c.Stream {
				continue
			}
			stream = true
			if f := c.judgeReplicas(s.Config.Replicas, s.Cluster.knownBy(server)); f.Outcome != Passed {
				return f
			}
			for _, of := range s.Consumers {
				if of.Name == c.Consumer {
					consumer = true
					c.addLag(of.Pending, m)
				}
			}
		}
	}
	switch {
	case !stream:
		return failed("the server has no replica of stream %s", c.Stream)
	case !consumer && c.Consumer != "":
		return failed("the server has no replica of consumer %s", c.Consumer)
	}
	return passed("")
}

// get decodes a response of the monitoring port.
func (c *NATS) get(ctx context.Context, p *Prober, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(c.URL, "/")+path, http.NoBody)
	if err != nil {
		return errHTTPURL
	}
	res, err := p.verified.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d of %s", res.StatusCode, req.URL.Path)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxMonitoring)).Decode(into); err != nil {
		return fmt.Errorf("invalid response of %s", req.URL.Path)
	}
	return nil
}
