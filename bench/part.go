package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/bench/load"
	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/test/proc"
)

// The systems that Bongsu is compared with run as separate processes, like Bongsu, so
// that both have the same process boundaries: this program, selected by the environment
// to be a part.
const (
	partVariable   = "BONGSU_BENCH_PART"
	targetVariable = "BONGSU_BENCH_TARGET"
	timeVariable   = "BONGSU_BENCH_TIME"
)

// beAPart runs the part that the environment selects; otherwise it returns false.
func beAPart(ctx context.Context) (yes bool, err error) {
	switch part := os.Getenv(partVariable); part {
	case "":
		return false, nil
	case "handler":
		return true, serve(ctx, constant{})
	case "relay":
		return true, serve(ctx, newRelay(os.Getenv(targetVariable)))
	case "proxy":
		return true, proxyTo(ctx, os.Getenv(targetVariable))
	case "events":
		return true, serveEvents(ctx)
	case "poster":
		d, err := time.ParseDuration(os.Getenv(timeVariable))
		if err != nil {
			return true, err
		}
		return true, postConstants(ctx, os.Getenv(targetVariable), d)
	case "worker":
		return true, postMessages(ctx, os.Getenv(brokerVariable), os.Getenv(targetVariable))
	default:
		return true, fmt.Errorf("%s: unknown part %q", partVariable, part)
	}
}

// part starts a part.
func (s *scene) part(name string, environment ...string) *proc.Process {
	self, err := os.Executable()
	s.must(err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2", partVariable+"="+name)
	cmd.Env = append(cmd.Env, environment...)
	return proc.Start(s, cmd)
}

// A constant accepts alerts without an effect.
type constant struct {
	alertv1connect.UnimplementedAlertServiceHandler
}

// SendAlert returns a constant response in the form of Bongsu's.
func (constant) SendAlert(context.Context, *alertv1.SendAlertRequest) (*alertv1.SendAlertResponse, error) {
	return &alertv1.SendAlertResponse{UserCount: 1, Id: "227894805024210944"}, nil
}

// A relay posts each alert to a fake before it responds. It keeps no record, so that it
// bounds the rate of any service that makes one call per alert.
type relay struct {
	constant
	client *http.Client
	url    string
	count  atomic.Int64
}

func newRelay(url string) *relay { return &relay{client: newHTTPClient(workers), url: url} }

// SendAlert posts the call that Bongsu would make.
func (r *relay) SendAlert(ctx context.Context, req *alertv1.SendAlertRequest) (*alertv1.SendAlertResponse, error) {
	if err := postConstant(ctx, r.client, r.url, int(r.count.Add(1))); err != nil {
		return nil, err
	}
	return r.constant.SendAlert(ctx, req)
}

// serve serves alerts by the same server as Bongsu, and logs its address.
func serve(ctx context.Context, alerts alertv1connect.AlertServiceHandler) error {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	mux := http.NewServeMux()
	mux.Handle(alertv1connect.NewAlertServiceHandler(alerts, connect.WithCompressMinBytes(1<<10)))
	server, err := rpc.Listen(ctx, "127.0.0.1:0", mux, log)
	if err != nil {
		return err
	}
	log.Info("listening", "service", "handler", "addr", server.Addr())
	return server.Serve(ctx, time.Second)
}

// postConstant posts Bongsu's call for the message with a number to a fake.
func postConstant(ctx context.Context, client *http.Client, url string, n int) error {
	return postJSON(ctx, client, url+"/api/chat.postMessage", bearer, slackBody(n))
}

// postConstants does so for a time, and prints the number of calls.
func postConstants(ctx context.Context, url string, d time.Duration) error {
	client := newHTTPClient(workers)
	post := func(ctx context.Context, n int) error { return postConstant(ctx, client, url, n) }
	got, err := load.Closed{Callers: workers, Time: d}.Run(ctx, post)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "posted %d in %d ns\n", got.Count, got.Elapsed.Nanoseconds())
	return nil
}

var posted = regexp.MustCompile(`posted (\d+) in (\d+) ns`)

// postedPerSecond waits for the output of a poster and returns its rate.
func (s *scene) postedPerSecond(p *proc.Process) float64 {
	match := p.Await(s, posted, 1)[0]
	count, err := strconv.ParseFloat(match[1], 64)
	s.must(err)
	nanoseconds, err := strconv.ParseFloat(match[2], 64)
	s.must(err)
	s.must(p.Wait(s))
	return count / nanoseconds * 1e9
}
