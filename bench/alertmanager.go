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

// alertmanagerConfig makes each alert its own group, which does not wait for others.
const alertmanagerConfig = `
route: {receiver: fake, group_by: ['...'], group_wait: 0s, group_interval: 1h, repeat_interval: 24h}
receivers: [{name: fake, webhook_configs: [{url: %q, send_resolved: false}]}]
`

var alertmanagerListens = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// alertmanager measures how many alerts Alertmanager tells a webhook in a second, from
// the first alert to when the last is told, while alerts are sent as fast as they are
// taken.
func alertmanager(s *scene) {
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		s.leaveOut("Alertmanager", "there is no prometheus-alertmanager in PATH (Debian: apt-get install prometheus-alertmanager)")
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

// besidePost measures how many messages of another system come to the fake in a second,
// as a share of the bare POST. It is not asked what it has recorded.
func (s *scene) besidePost(name, unit string, send load.Call) {
	var perSecond float64
	whole := beside(s.ceilingPost, func() {
		tally, start := s.fake.Expect(int(fastest*s.Time.Seconds()), 1), time.Now()
		got := s.run(load.Closed{Callers: workers, Time: s.Time}, send)
		s.told(tally, got.Count)
		perSecond = float64(got.Count) / tally.Last().Sub(start).Seconds()
		s.must(tally.Check())
	})
	s.add(figure.Figure{Name: name, Unit: unit, Value: perSecond, Of: "ceiling/post", Whole: whole})
}
