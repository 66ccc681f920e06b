package cli

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// monitorImport is the command bongsu monitor import.
type monitorImport struct {
	client
	Path      string `arg:"" help:"A YAML file; - reads standard input."`
	Prune     bool   `help:"Delete monitors that the file does not hold, but built-in ones."`
	Directory bool   `help:"Also people and groups of the file, before its monitors; nobody is deleted."`
	DryRun    bool   `help:"Print the changes without making them."`
}

// Help returns the long help.
func (monitorImport) Help() string {
	return `Creates the monitors of a file, or sets those whose settings differ. A setting that the file does not have gets its default; secrets that it does not have stay. Other monitors stay without --prune. A file with a problem changes nothing. Monitors are set one after the other, those that others depend on first; one that the service refuses is reported, and the others are set.

	monitors:
	  - name: shop
	    interval: 30s
	    target: ["@@ops"]
	    depends_on: [gateway]
	    http:
	      url: https://shop.example/healthz
	      json_path: $.status
	      json_value: ok
	  - name: gateway
	    icmp: {host: gateway.example}
	  - name: backup
	    target: ["@kim"]
	    heartbeat: {period: 1d, grace: 2h}

Field names are those of the API (docs/monitor.md). Durations are such as 30s, 1h30m or 1d. Anchors, aliases and merge keys (<<) are supported.

Examples:

	bongsu monitor import monitors.yaml --dry-run
	bongsu monitor import monitors.yaml --prune
	bongsu monitor import all.yaml --directory`
}

// Run executes bongsu monitor import.
func (c monitorImport) Run(ctx context.Context, con *console) error {
	file, err := c.read(con)
	if err != nil {
		return err
	}
	stored, err := c.monitorPages(ctx, &monitorv1.ListMonitorsRequest{}, 0)
	if err != nil {
		return err
	}
	plan := newMonitorPlan(stored.GetMonitors(), file.monitors, c.Prune)
	if c.Directory {
		if err := c.importDirectory(ctx, con, file.directory); err != nil {
			return err
		}
	}
	var failed error
	if !c.DryRun {
		failed = c.apply(ctx, con, plan)
	}
	if c.JSON {
		return errors.Join(con.showJSON(plan.message()), failed)
	}
	return errors.Join(con.draw(func(p *page) { plan.print(p, c.DryRun) }), failed)
}

// read reads and parses the file.
func (c monitorImport) read(con *console) (monitorFile, error) {
	text, err := readEventFile(con, c.Path)
	if err != nil {
		return monitorFile{}, err
	}
	file, problems, err := readMonitorFile(text)
	if err != nil {
		return monitorFile{}, fmt.Errorf("%s: %w", c.Path, err)
	}
	if err := problems.print(con); err != nil {
		return monitorFile{}, err
	}
	if !c.Directory && len(file.directory.users)+len(file.directory.groups) > 0 {
		return monitorFile{}, usagef("%s has users or groups: add --directory to import them too", c.Path)
	}
	return file, nil
}

// importDirectory imports people and groups.
func (c monitorImport) importDirectory(ctx context.Context, con *console, file importFile) error {
	res, err := c.transfers().ImportDirectory(ctx, &userv1.ImportDirectoryRequest{Users: file.users, Groups: file.groups, DryRun: c.DryRun})
	if err != nil {
		return printProblems(con, err)
	}
	if c.JSON {
		return nil
	}
	return con.draw(func(p *page) { importCmd{DryRun: c.DryRun}.drawImport(p, res) })
}

// apply makes the changes of a plan, which then holds those that were made. Changes that the
// service refuses are reported; any other error ends the import.
func (c monitorImport) apply(ctx context.Context, con *console, plan *monitorPlan) error {
	set, deleted := plan.set, plan.deleted
	plan.set, plan.deleted = nil, nil
	refused := 0
	for _, change := range append(set, deleted...) {
		err := c.change(ctx, change)
		switch code := connect.CodeOf(err); {
		case err == nil && change.line == 0:
			plan.deleted = append(plan.deleted, change)
		case err == nil:
			plan.set = append(plan.set, change)
		case code == connect.CodeInvalidArgument, code == connect.CodeFailedPrecondition, code == connect.CodeNotFound, code == connect.CodeResourceExhausted:
			con.warn("%s: %s", change.place(), err)
			refused++
		default:
			return fmt.Errorf("%s: %w", change.place(), err)
		}
	}
	if refused > 0 {
		return fmt.Errorf("%s refused; the others are imported", count(refused, "monitor was", "monitors were"))
	}
	return nil
}

// change makes one change.
func (c monitorImport) change(ctx context.Context, change monitorChange) error {
	name := change.settings.GetName()
	if change.line == 0 {
		_, err := c.monitors().DeleteMonitor(ctx, &monitorv1.DeleteMonitorRequest{Name: name})
		return err
	}
	_, err := c.monitors().SetMonitor(ctx, &monitorv1.SetMonitorRequest{Name: name, Settings: change.settings})
	return err
}
