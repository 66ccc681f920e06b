package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// reads measures reads per second of GET /v1/groups, a list of 210 groups, with the response
// cache, without it, and for callers that have the response.
func reads(s *scene) {
	cached, direct := s.bongsu(s.files()), s.bongsu(s.files(), "--response-cache=off")
	var got load.Result
	whole := beside(func() float64 { return s.readGroups(direct, "").PerSecond() }, func() { got = s.readGroups(cached, "") })
	s.add(figure.Figure{Name: "reads/uncached", Unit: "reads/s", Value: whole})
	s.add(figure.Figure{Name: "reads/cached", Unit: "reads/s", Value: got.PerSecond(), Of: "reads/uncached", Whole: whole})
	for _, p := range []float64{50, 99} {
		s.add(figure.Figure{Name: name("reads/cached", percentile(p)), Unit: "ms", Value: milliseconds(figure.Percentile(got.Latencies, p))})
	}
	not := s.readGroups(cached, "*")
	s.add(figure.Figure{Name: "reads/not-modified", Unit: "reads/s", Value: not.PerSecond()})
	cached.Kill()
	direct.Kill()
}

// readGroups gets the groups of a Bongsu by as many callers as there are workers. With match,
// each call must get status 304.
func (s *scene) readGroups(b *bongsu, match string) load.Result {
	client, at, want := newHTTPClient(workers), b.asAdmin(), http.StatusOK
	if match != "" {
		want = http.StatusNotModified
	}
	at.url += "/v1/groups"
	get := func(ctx context.Context, _ int) error { return getBody(ctx, client, at, match, want) }
	s.run(load.Closed{Callers: workers, Time: s.Time / 10}, get)
	return s.run(load.Closed{Callers: workers, Time: s.Time}, get)
}

// getBody gets an endpoint and reads the response to its end. match is If-None-Match; empty for none.
func getBody(ctx context.Context, client *http.Client, at endpoint, match string, status int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.url, nil)
	if err != nil {
		return err
	}
	at.authorizeRequest(req)
	if match != "" {
		req.Header.Set("If-None-Match", match)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err == nil && (res.StatusCode != status || (n == 0) != (match != "")) {
		err = fmt.Errorf("%s returned %s with %d bytes", at.url, res.Status, n)
	}
	return err
}
