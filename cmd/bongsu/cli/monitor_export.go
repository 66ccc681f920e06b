package cli

import (
	"bytes"
	"context"
	"strings"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// monitorExport is the command bongsu monitor export.
type monitorExport struct {
	client
	Prefix    string `placeholder:"TEXT" help:"Only monitors of which the name begins with this text."`
	BuiltIn   bool   `help:"Also the built-in monitors of Bongsu itself, bongsu.*, whose limits and targets can be changed."`
	Directory bool   `help:"Also people and groups, as bongsu export writes them."`
}

// Help returns the long help.
func (monitorExport) Help() string {
	return `Writes the settings of monitors as YAML. Importing it again changes nothing. Secrets are not in it: an import keeps the stored ones.

Examples:

	bongsu monitor export > monitors.yaml
	bongsu monitor export --directory > all.yaml`
}

// Run executes bongsu monitor export.
func (c monitorExport) Run(ctx context.Context, con *console) error {
	all, err := c.monitorPages(ctx, &monitorv1.ListMonitorsRequest{Prefix: c.Prefix}, 0)
	if err != nil {
		return err
	}
	monitors := all.GetMonitors()[:0]
	for _, m := range all.GetMonitors() {
		if !m.GetBuiltIn() || c.BuiltIn && strings.HasPrefix(m.GetSettings().GetName(), systemPrefix) {
			monitors = append(monitors, m)
		}
	}
	if all.Monitors = monitors; c.JSON {
		return con.showJSON(all)
	}
	var out bytes.Buffer
	if c.Directory {
		people, err := c.transfers().ExportDirectory(ctx, &userv1.ExportDirectoryRequest{})
		if err != nil {
			return err
		}
		if err := writeYAML(&out, importFile{people.GetUsers(), people.GetGroups()}); err != nil {
			return err
		}
	}
	settings := make([]*monitorv1.MonitorSettings, len(monitors))
	for i, m := range monitors {
		settings[i] = m.GetSettings()
	}
	if err := writeEntries(&out, "monitors", settings, monitorNode); err != nil {
		return err
	}
	_, err = con.Out.Write(out.Bytes())
	return err
}

// systemPrefix begins the names of the monitors of Bongsu itself.
const systemPrefix = "bongsu."
