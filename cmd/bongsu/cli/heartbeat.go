package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/types/known/timestamppb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

// A heartbeatPing is a command that sends a ping.
type heartbeatPing struct {
	client
	Name   string `arg:"" help:"The name of the heartbeat."`
	Output string `placeholder:"FILE" help:"A file that is kept with the ping, such as the output of the job; - reads standard input. Of a longer file the last 10,000 bytes are sent."`
}

// maxPingBytes is the number of bytes of a ping that the service keeps.
const maxPingBytes = 10000

// body returns the body of the ping, or nil for none.
func (c heartbeatPing) body(con *console) (*httpbody.HttpBody, error) {
	if c.Output == "" {
		return nil, nil //nolint:nilnil // nil is none
	}
	in := con.In
	if c.Output != "-" {
		file, err := os.Open(c.Output)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	data, err := readEnd(in, maxPingBytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.Output, err)
	}
	return &httpbody.HttpBody{ContentType: "text/plain", Data: data}, nil
}

// readEnd reads everything, and returns at most limit bytes of the end, which begin with a whole
// character.
func readEnd(in io.Reader, limit int) ([]byte, error) {
	var end []byte
	chunk := make([]byte, 32<<10)
	for {
		n, err := in.Read(chunk)
		end = append(end, chunk[:n]...)
		if cut := len(end) - limit; cut > 0 {
			for cut < len(end) && !utf8.RuneStart(end[cut]) && cut < len(end)-limit+utf8.UTFMax {
				cut++
			}
			end = append(end[:0], end[cut:]...)
		}
		if err == io.EOF {
			return end, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// sent prints that a ping is recorded.
func (c heartbeatPing) sent(p *page, due *timestamppb.Timestamp, what string) {
	p.say("%s of %s is recorded", what, c.Name)
	if due != nil {
		p.say("late after %s", p.time(due))
	}
}

// heartbeatSend is the command bongsu heartbeat send.
type heartbeatSend struct{ heartbeatPing }

// Help returns the long help.
func (heartbeatSend) Help() string {
	return `Says that a job succeeded. If the next ping does not come within the period and the grace of the heartbeat, its targets are notified. A ping is recorded when the command ends with 0.

Examples:

	bongsu heartbeat send backup
	pg_dumpall > /backup/all.sql && bongsu heartbeat send backup
	./backup.sh >backup.log 2>&1 && bongsu heartbeat send backup --output=backup.log || bongsu heartbeat fail backup --output=backup.log`
}

// Run executes bongsu heartbeat send.
func (c heartbeatSend) Run(ctx context.Context, con *console) error {
	body, err := c.body(con)
	if err != nil {
		return err
	}
	res, err := c.heartbeats().SendHeartbeat(ctx, &monitorv1.SendHeartbeatRequest{Name: c.Name, Body: body})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { c.sent(p, res.GetDueTime(), "the success") })
}

// heartbeatStart is the command bongsu heartbeat start.
type heartbeatStart struct{ heartbeatPing }

// Help returns the long help.
func (heartbeatStart) Help() string {
	return `Says that a job began. The time until bongsu heartbeat send is its latency; if that does not come within max_run, the targets of the heartbeat are notified.

Example:

	bongsu heartbeat start backup && ./backup.sh && bongsu heartbeat send backup || bongsu heartbeat fail backup`
}

// Run executes bongsu heartbeat start.
func (c heartbeatStart) Run(ctx context.Context, con *console) error {
	body, err := c.body(con)
	if err != nil {
		return err
	}
	res, err := c.heartbeats().StartHeartbeat(ctx, &monitorv1.StartHeartbeatRequest{Name: c.Name, Body: body})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { c.sent(p, res.GetDueTime(), "the start") })
}

// heartbeatFail is the command bongsu heartbeat fail.
type heartbeatFail struct{ heartbeatPing }

// Help returns the long help.
func (heartbeatFail) Help() string {
	return `Says that a job failed: its targets are notified at once.

Examples:

	bongsu heartbeat fail backup
	./backup.sh >backup.log 2>&1 || bongsu heartbeat fail backup --output=backup.log`
}

// Run executes bongsu heartbeat fail.
func (c heartbeatFail) Run(ctx context.Context, con *console) error {
	body, err := c.body(con)
	if err != nil {
		return err
	}
	res, err := c.heartbeats().FailHeartbeat(ctx, &monitorv1.FailHeartbeatRequest{Name: c.Name, Body: body})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { c.sent(p, res.GetDueTime(), "the failure") })
}

// heartbeatList is the command bongsu heartbeat list.
type heartbeatList struct {
	client
	Name  string `arg:"" help:"The name of the heartbeat."`
	Limit int    `default:"50" help:"The maximum number of pings; 0 shows all that are kept."`
}

// Help returns the long help.
func (heartbeatList) Help() string {
	return "Lists the pings of a heartbeat, the newest first. The last 100 are kept.\n\nExamples:\n\n\tbongsu heartbeat list backup\n\tbongsu heartbeat list backup --limit=1 --json"
}

// Run executes bongsu heartbeat list.
func (c heartbeatList) Run(ctx context.Context, con *console) error {
	if c.Limit < 0 {
		return usagef("--limit must not be negative")
	}
	all := &monitorv1.ListPingsResponse{}
	for {
		const largest = 200
		req := &monitorv1.ListPingsRequest{Name: c.Name, PageToken: all.GetNextPageToken(), PageSize: min(pageSize(c.Limit, len(all.GetPings())), largest)}
		res, err := c.heartbeats().ListPings(ctx, req)
		if err != nil {
			return err
		}
		all.Pings, all.NextPageToken = append(all.GetPings(), res.GetPings()...), res.GetNextPageToken()
		if all.GetNextPageToken() == "" || c.Limit > 0 && len(all.GetPings()) >= c.Limit {
			break
		}
	}
	return con.show(c.JSON, all, func(p *page) {
		if len(all.GetPings()) == 0 {
			p.say("no pings")
			return
		}
		p.row("TIME", "PING", "BY", "OUTPUT")
		for _, ping := range all.GetPings() {
			p.row(p.time(ping.GetTime()), enumWord(ping.GetKind(), "PING_KIND_"), ping.GetBy(), lastLine(string(ping.GetBody())))
		}
		if all.GetNextPageToken() != "" {
			con.warn("there are more pings; use --limit=0 to show all")
		}
	})
}

// lastLine returns the last line of a text that is not empty, at most 60 characters.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return firstLine(text[strings.LastIndexByte(text, '\n')+1:])
}
