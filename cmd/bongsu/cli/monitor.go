package cli

import (
	"context"
	"strings"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

// monitorCreate is the command bongsu monitor create.
type monitorCreate struct {
	client
	Name string `arg:"" help:"The name: 1 to 100 of a-z, 0-9, -, _ and ., beginning and ending with a letter or digit."`
	Kind string `arg:"" help:"The kind of the check, such as http."`
	What string `arg:"" optional:"" help:"What is checked: a URL, an address, the period of a heartbeat; see below."`
	monitorFlags
	Paused bool `help:"Run no checks until bongsu monitor resume."`
}

// Help returns the long help.
func (monitorCreate) Help() string {
	return `Creates a monitor. Its check runs at each interval; a change to down is an alert to the targets, and the return to up its resolution.

The kinds, what each checks, and the fields that --with sets:

` + kindsHelp() + `
docs/monitor.md describes them.

Examples:

	bongsu monitor create shop http https://shop.example/healthz --with=json_path=$.status --with=json_value=ok --target=@@ops --interval=30s
	bongsu monitor create shop-cert tls shop.example:443 --with=days=21 --target=@kim
	bongsu monitor create backup heartbeat 1d --with=grace=2h --target=@kim --severity=high
	bongsu monitor create orders-db postgres postgres://monitor@db1/orders --secret=password=db.password --with=connections_percent=80`
}

// Run executes bongsu monitor create.
func (c monitorCreate) Run(ctx context.Context, con *console) error {
	s := &monitorv1.MonitorSettings{Name: c.Name, Paused: c.Paused}
	if err := newCheck(s, c.Kind, c.What); err != nil {
		return err
	}
	if err := c.apply(con, s); err != nil {
		return err
	}
	res, err := c.monitors().CreateMonitor(ctx, &monitorv1.CreateMonitorRequest{Settings: s})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("monitor %s is created", c.Name)
		if c.Kind == "heartbeat" {
			p.say("next: %s", c.next("bongsu heartbeat send "+c.Name))
			return
		}
		p.say("next: %s", c.next("bongsu monitor run "+c.Name))
	})
}

// A monitorArg is the name of a monitor.
type monitorArg struct {
	client
	Name string `arg:"" help:"The name of the monitor."`
}

// monitorSet is the command bongsu monitor set.
type monitorSet struct {
	monitorArg
	monitorFlags
}

// Help returns the long help.
func (monitorSet) Help() string {
	return `Changes the settings of the flags; others stay. The kind of a check stays too. Secrets stay as long as the address that they are sent to does.

Examples:

	bongsu monitor set shop --interval=15s --failures=3 --window=5
	bongsu monitor set shop --with=url=https://shop.example/readyz --with=status=200,204
	bongsu monitor set shop --target= --no-public
	pass show shop/token | bongsu monitor set shop --secret=Authorization=-`
}

// Run executes bongsu monitor set.
func (c monitorSet) Run(ctx context.Context, con *console) error {
	res, err := changeMonitor(ctx, c.client, c.Name, func(s *monitorv1.MonitorSettings) error { return c.apply(con, s) })
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("monitor %s is set", c.Name) })
}

// changeMonitor changes the settings of a stored monitor.
func changeMonitor(ctx context.Context, c client, name string, change func(*monitorv1.MonitorSettings) error) (*monitorv1.SetMonitorResponse, error) {
	stored, err := c.monitors().GetMonitor(ctx, &monitorv1.GetMonitorRequest{Name: name})
	if err != nil {
		return nil, err
	}
	settings := stored.GetMonitor().GetSettings()
	if err := change(settings); err != nil {
		return nil, err
	}
	return c.monitors().SetMonitor(ctx, &monitorv1.SetMonitorRequest{Name: name, Settings: settings})
}

// monitorPause is the command bongsu monitor pause.
type monitorPause struct{ monitorArg }

// Help returns the long help.
func (monitorPause) Help() string {
	return "Its checks do not run, and its pings notify nobody, until bongsu monitor resume. For a planned time use bongsu maintenance create.\n\nExample:\n\n\tbongsu monitor pause shop"
}

// Run executes bongsu monitor pause.
func (c monitorPause) Run(ctx context.Context, con *console) error {
	return c.setPaused(ctx, con, true, "paused")
}

// monitorResume is the command bongsu monitor resume.
type monitorResume struct{ monitorArg }

// Help returns the long help.
func (monitorResume) Help() string {
	return "Runs the checks of a paused monitor again.\n\nExample:\n\n\tbongsu monitor resume shop"
}

// Run executes bongsu monitor resume.
func (c monitorResume) Run(ctx context.Context, con *console) error {
	return c.setPaused(ctx, con, false, "resumed")
}

// setPaused pauses or resumes the monitor.
func (c monitorArg) setPaused(ctx context.Context, con *console, paused bool, word string) error {
	res, err := changeMonitor(ctx, c.client, c.Name, func(s *monitorv1.MonitorSettings) error { s.Paused = paused; return nil })
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("monitor %s is %s", c.Name, word) })
}

// monitorDelete is the command bongsu monitor delete.
type monitorDelete struct{ monitorArg }

// Help returns the long help.
func (monitorDelete) Help() string {
	return "Deletes a monitor with its results. Its incident is resolved if one is open. A monitor on which another one depends stays.\n\nExample:\n\n\tbongsu monitor delete shop"
}

// Run executes bongsu monitor delete.
func (c monitorDelete) Run(ctx context.Context, con *console) error {
	res, err := c.monitors().DeleteMonitor(ctx, &monitorv1.DeleteMonitorRequest{Name: c.Name})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("monitor %s is deleted", c.Name) })
}

// monitorGet is the command bongsu monitor get.
type monitorGet struct{ monitorArg }

// Help returns the long help.
func (monitorGet) Help() string {
	return "Shows a monitor with its state. Secrets are not shown.\n\nExamples:\n\n\tbongsu monitor get shop\n\tbongsu monitor get shop --json"
}

// Run executes bongsu monitor get.
func (c monitorGet) Run(ctx context.Context, con *console) error {
	res, err := c.monitors().GetMonitor(ctx, &monitorv1.GetMonitorRequest{Name: c.Name})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { printMonitor(p, res.GetMonitor()) })
}

// printMonitor prints a monitor: its state, then the settings that are set.
func printMonitor(p *page, m *monitorv1.Monitor) {
	s := m.GetStatus()
	p.field("monitor", m.GetSettings().GetName())
	p.field("state", monitorState(s))
	for _, f := range []struct{ name, value string }{
		{"since", p.time(s.GetSince())}, {"reason", s.GetReason()}, {"last result", resultLine(p, s.GetLast())}, {"next", p.time(s.GetNextTime())},
		{"created", p.time(m.GetCreateTime())}, {"changed", p.time(m.GetUpdateTime())},
	} {
		if f.value != "" {
			p.field(f.name, f.value)
		}
	}
	if m.GetBuiltIn() {
		p.field("built in", "yes")
	}
	p.say("")
	for line := range strings.Lines(string(monitorText(m.GetSettings()))) {
		p.say("%s", strings.TrimRight(line, "\n"))
	}
}

// monitorState returns the state of a monitor in lower case.
func monitorState(s *monitorv1.MonitorStatus) string {
	state := enumWord(s.GetState(), "MONITOR_STATE_")
	if s.GetFlapping() {
		state += " (flapping)"
	}
	return state
}
