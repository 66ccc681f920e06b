package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// monitorColumns are the columns that scanMonitor reads.
const monitorColumns = `monitors.id, name, title, group_name, kind, check_settings, settings, built_in, create_time, update_time, monitors.revision`

// storedSettings are the settings of a monitor, as they are stored in JSON, without those that
// have a column.
type storedSettings struct {
	Interval   time.Duration `json:"interval,omitempty"` // nanoseconds
	Timeout    time.Duration `json:"timeout,omitempty"`
	Failures   int           `json:"failures,omitempty"`
	Window     int           `json:"window,omitempty"`
	Recoveries int           `json:"recoveries,omitempty"`
	Severity   string        `json:"severity,omitempty"`
	Targets    []string      `json:"targets,omitempty"`
	By         []string      `json:"by,omitempty"`
	Escalation string        `json:"escalation,omitempty"`
	Link       string        `json:"link,omitempty"`
	DependsOn  []string      `json:"dependsOn,omitempty"`
	Paused     bool          `json:"paused,omitempty"`
	Public     bool          `json:"public,omitempty"`
}

// encodeSettings returns the columns of settings: the kind of the check, the check and the others.
func encodeSettings(s monitor.Settings) (kind, check, others string, err error) {
	encoded, err := probe.Encode(s.Check)
	if err != nil {
		return "", "", "", fmt.Errorf("encode the check of monitor %s: %w", s.Name, err)
	}
	text, err := json.Marshal(storedSettings{
		s.Interval, s.Timeout, s.Failures, s.Window, s.Recoveries, s.Severity, s.Targets, s.By, s.Escalation, s.Link, s.DependsOn, s.Paused, s.Public,
	})
	return string(s.Check.Kind()), string(encoded), string(text), err
}

func scanMonitor(rows *sql.Rows, m *monitor.Monitor) error {
	return scanMonitorAnd(rows, m)
}

// scanMonitorAnd scans a monitor, and more columns after it.
func scanMonitorAnd(rows *sql.Rows, m *monitor.Monitor, more ...any) error {
	var kind, check, others string
	var created, updated int64
	err := rows.Scan(append([]any{
		&m.ID, &m.Settings.Name, &m.Settings.Title, &m.Settings.Group, &kind, &check, &others, &m.BuiltIn, &created, &updated, &m.Revision,
	}, more...)...)
	if err != nil {
		return err
	}
	m.CreateTime, m.UpdateTime = moment(created), moment(updated)
	var o storedSettings
	if err := json.Unmarshal([]byte(others), &o); err != nil {
		return fmt.Errorf("decode the settings of monitor %s: %w", m.Settings.Name, err)
	}
	s := &m.Settings
	s.Interval, s.Timeout, s.Failures, s.Window, s.Recoveries = o.Interval, o.Timeout, o.Failures, o.Window, o.Recoveries
	s.Severity, s.Targets, s.By, s.Escalation, s.Link, s.DependsOn = o.Severity, o.Targets, o.By, o.Escalation, o.Link, o.DependsOn
	s.Paused, s.Public = o.Paused, o.Public
	if s.Check, err = probe.Decode(probe.Kind(kind), []byte(check)); err != nil {
		return fmt.Errorf("decode the check of monitor %s: %w", m.Settings.Name, err)
	}
	return nil
}
