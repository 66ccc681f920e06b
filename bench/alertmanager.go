package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/bongsu-project/bongsu/bench/fake"
	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
	"github.com/bongsu-project/bongsu/test/proc"
)

// alertmanagerConfig puts each alert into a group of its own, which does not wait for
// others.
const alertmanagerConfig = `
route: {receiver: fake, group_by: ['...'], group_wait: 0s, group_interval: 1h, repeat_interval: 24h}
receivers: [{name: fake, webhook_configs: [{url: %q, send_resolved: false}]}]
`

var alertmanagerListens = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// alertmanager measures the alerts per second that Alertmanager sends to a webhook,
// from the first alert to the last call, while alerts are sent as fast as they are
// accepted.
func alertmanager(s *scene) {
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		s.leaveOut("Alertmanager", "no prometheus-alertmanager in PATH (Debian: apt-get install prometheus-alertmanager)")
		return
	}
	dir := s.folder()
	config := filepath.Join(dir, "alertmanager.yml")
	s.must(os.WriteFile(config, fmt.Appendf(nil, alertmanagerConfig, s.fake.URL), 0o600))
	p := proc.Start(s, exec.Command(program, "--config.file="+config, "--storage.path="+dir, "--web.listen-address=127.0.0.1:0", "--cluster.listen-address="))
	url := "http://" + p.Await(s, alertmanagerListens, 1)[0][1] + "/api/v2/alerts"
	client := newHTTPClient(workers)
	send := func(ctx context.Context, n int) error {
		return postJSON(ctx, client, url, "", `[{"labels":{"alertname":"NodeDown","n":"`+fake.Text(n)+`"}}]`)
	}
	s.besidePost("beside/alertmanager", "alerts/s", send)
}

// besidePost measures the messages per second of another system that reach the fake, as
// a share of the bare POST. Its own records are not checked.
func (s *scene) besidePost(name, unit string, send load.Call) {
	var perSecond float64
	whole := beside(s.ceilingPost, func() {
		tally, start := s.fake.Expect(int(fastest*s.Time.Seconds()), 1), time.Now()
		got := s.run(load.Closed{Callers: workers, Time: s.Time}, send)
		s.received(tally, got.Count)
		perSecond = float64(got.Count) / tally.Last().Sub(start).Seconds()
		s.must(tally.Check())
	})
	s.add(figure.Figure{Name: name, Unit: unit, Value: perSecond, Of: "ceiling/post", Whole: whole})
}
