package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/examples/internal/platform"
	"github.com/bongsu-project/bongsu/examples/school/announcement"
	"github.com/bongsu-project/bongsu/examples/school/auth"
	"github.com/bongsu-project/bongsu/examples/school/club"
	"github.com/bongsu-project/bongsu/examples/school/event"
	"github.com/bongsu-project/bongsu/examples/school/outing"
	"github.com/bongsu-project/bongsu/examples/school/schedule"
	"github.com/bongsu-project/bongsu/kit/process"
)

// serveCmd runs the services.
type serveCmd struct {
	Services    []string `default:"auth,outing,schedule,club,announcement,web" enum:"auth,outing,schedule,club,announcement,web" help:"The services that this process runs: ${enum}."`
	Data        string   `default:"./school-data" type:"path" placeholder:"DIR" help:"The folder of the databases and keys, and of the embedded NATS server and Bongsu."`
	DatabaseURL string   `placeholder:"URL" help:"The databases of the services, with {service} in place of the name: postgres://… or a path. By default files in --data."`
	Replicas    int      `default:"1" help:"The number of NATS servers that store each stream."`
	WebAddr     string   `name:"web-addr" default:"127.0.0.1:8090" help:"The address of the pages, which web serves."`
	WebURL      string   `name:"web-url" default:"http://127.0.0.1:8090" placeholder:"URL" help:"Where people reach the pages, for the links of notifications."`

	EscalateAfter time.Duration `default:"10m" help:"How long an outing waits for a decision before the head teacher is notified, at most 168h."`
	Seed          bool          `help:"Create the first accounts, all with the same password, and their data: for trials. Always without --nats-url."`
	ServiceLimit  string        `default:"200/s" group:"Without --nats-url:" help:"The rate limit of each service of the school at the edge, or off."`

	SigningKeys string `type:"path" placeholder:"FILE" group:"Auth:" help:"The file with the keys that sign tokens (ECDSA P-256, PKCS #8 in PEM): the first signs, all are published. By default signing.key in --data, which is created."`
	IssuerURL   string `placeholder:"URL" group:"Auth:" help:"The issuer of tokens, by which the edge finds their keys (--oidc-issuer of Bongsu). By default the address of the service."`
	EdgeURL     string `placeholder:"URL" group:"Auth:" help:"The edge of Bongsu, by which the pages call the services, and which gets the accounts and the rules of notifications; the latter with --edge-key-file. By default the one beside this process."`
	EdgeKeyFile string `type:"path" placeholder:"FILE" group:"Auth:" help:"A file with an API key of Bongsu with the role operator."`

	NEIS struct {
		URL     string `name:"url" default:"https://open.neis.go.kr" placeholder:"URL" help:"The open API of the education offices (NEIS)."`
		KeyFile string `type:"path" placeholder:"FILE" help:"A file with the key of that API; without one it answers a few lines."`
		Office  string `default:"G10" help:"The code of the education office."`
		School  string `default:"7430310" help:"The code of the school."`
	} `embed:"" prefix:"neis-" group:"Schedule:"`

	platform.Flags
	process.Config
}

// maxEscalateAfter is the longest wait of a step of an escalation policy.
const maxEscalateAfter = 7 * 24 * time.Hour

// Validate returns an error for flags out of their bounds. The command line calls it.
func (c *serveCmd) Validate() error {
	if c.EscalateAfter < 0 || c.EscalateAfter > maxEscalateAfter {
		return fmt.Errorf("invalid --escalate-after %s: must be from 0s to %s", c.EscalateAfter, maxEscalateAfter)
	}
	if c.EdgeURL == "" && c.EdgeKeyFile != "" {
		return errors.New("--edge-key-file requires --edge-url")
	}
	return nil
}

// Run runs the services until ctx ends.
func (c *serveCmd) Run(ctx context.Context) (err error) {
	c.Name, c.NextSignal = "school", process.Notify
	if c.Log, err = c.NewLog(os.Stderr); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	if c.NATSURL != "" {
		return c.serve(ctx, nil)
	}
	beside, err := platform.Open(c.Data, c.Flags, &c.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, beside.Close()) }()
	c.Seed = true
	return c.serve(ctx, beside)
}

// serve runs the services in a deployment, or beside a platform that is not nil.
func (c *serveCmd) serve(ctx context.Context, beside *platform.Platform) error {
	p, err := process.New(ctx, c.Config)
	if err != nil {
		return err
	}
	accounts, err := c.addServices(ctx, p)
	if err == nil && slices.Contains(c.Services, "web") {
		err = c.addPages(ctx, p, beside)
	}
	if err == nil && beside != nil {
		err = c.startBongsu(ctx, p, beside, accounts)
	}
	if err == nil && beside == nil && accounts != nil && c.EdgeKeyFile != "" {
		err = c.joinBongsu(p, accounts)
	}
	if err != nil {
		return errors.Join(err, p.Close())
	}
	return p.Run(ctx)
}

// addServices adds the services to a process. accounts is nil without auth.
func (c *serveCmd) addServices(ctx context.Context, p *process.Process) (accounts *auth.Service, err error) {
	js, err := jetstream.New(p.NATS())
	if err != nil {
		return nil, err
	}
	if err := openStream(ctx, p, js, c.Replicas); err != nil {
		return nil, err
	}
	neis, err := c.neis()
	if err != nil {
		return nil, err
	}
	for _, service := range []struct {
		name string
		add  func(url string) error
	}{
		{"auth", func(url string) (err error) {
			keys := cmp.Or(c.SigningKeys, filepath.Join(c.Data, "signing.key"))
			accounts, err = auth.AddTo(ctx, p, auth.Config{DatabaseURL: url, SigningKeys: keys, IssuerURL: c.IssuerURL, Publisher: event.NewPublisher(js)})
			return err
		}},
		{"outing", func(url string) error {
			return outing.AddTo(ctx, p, js, outing.Config{DatabaseURL: url, LinkTo: c.WebURL + "/outing-links/"})
		}},
		{"schedule", func(url string) error {
			return schedule.AddTo(ctx, p, js, schedule.Config{DatabaseURL: url, Source: neis})
		}},
		{"club", func(url string) error { return club.AddTo(ctx, p, js, club.Config{DatabaseURL: url}) }},
		{"announcement", func(url string) error { return announcement.AddTo(ctx, p, js, announcement.Config{DatabaseURL: url}) }},
	} {
		if !slices.Contains(c.Services, service.name) {
			continue
		}
		url := strings.ReplaceAll(cmp.Or(c.DatabaseURL, filepath.Join(c.Data, "{service}.db")), "{service}", service.name)
		if err := service.add(url); err != nil {
			return nil, fmt.Errorf("start %s: %w", service.name, err)
		}
	}
	return accounts, nil
}

// openStream creates the stream of the events if it is missing, and adds the relay of its events to
// Bongsu.
func openStream(ctx context.Context, p *process.Process, js jetstream.JetStream, replicas int) error {
	if err := event.EnsureStream(ctx, js, replicas); err != nil {
		return err
	}
	relay, err := event.NewRelay(js, p.Log())
	if err != nil {
		return err
	}
	return p.AddStreams("school", relay)
}

// neisTimeout bounds a call to the education office, which also has a deadline of its own.
const neisTimeout = 10 * time.Second

// neis returns the timetable of the education office.
func (c *serveCmd) neis() (schedule.NEIS, error) {
	n := schedule.NEIS{URL: c.NEIS.URL, Office: c.NEIS.Office, School: c.NEIS.School, Client: &http.Client{Timeout: neisTimeout}}
	if c.NEIS.KeyFile == "" {
		return n, nil
	}
	key, err := os.ReadFile(c.NEIS.KeyFile)
	n.Key = strings.TrimSpace(string(key))
	return n, err
}
