package monitor

import (
	"cmp"
	"net/url"
	"regexp"
	"strings"
	"time"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// The defaults of settings.
const (
	defaultInterval = time.Minute
	defaultTimeout  = 10 * time.Second
	defaultResults  = 2 // of failures and of recoveries
	defaultSeverity = "critical"
)

// escalationName and severityText are the forms of these settings in an alert.
var (
	escalationName = regexp.MustCompile(`^([a-z][a-z0-9-]*)?$`)
	severityText   = regexp.MustCompile(`^[^\x00-\x1f\x7f]{0,30}$`)
)

// settingsFromWire returns the settings of a valid message, with defaults. Its error names the field
// within the message.
func settingsFromWire(wire *monitorv1.MonitorSettings) (Settings, error) {
	check, err := checkFromWire(wire)
	if err != nil {
		return Settings{}, err
	}
	s := Settings{
		Name: wire.GetName(), Title: wire.GetTitle(), Group: wire.GetGroup(),
		Severity: cmp.Or(wire.GetSeverity(), defaultSeverity), Targets: wire.GetTarget(), By: wire.GetBy(), Escalation: wire.GetEscalation(),
		DependsOn: wire.GetDependsOn(), Paused: wire.GetPaused(), Public: wire.GetPublic(), Link: wire.GetLink(), Check: check,
	}
	switch {
	case s.Name == "":
		return Settings{}, fault.InvalidField("name", "must not be empty")
	case !severityText.MatchString(s.Severity):
		return Settings{}, fault.InvalidField("severity", "must be at most 30 characters, without control characters")
	case !escalationName.MatchString(s.Escalation):
		return Settings{}, fault.InvalidField("escalation", "must be the name of an escalation policy: a-z, 0-9 and -, beginning with a letter")
	case !isLink(s.Link):
		return Settings{}, fault.InvalidField("link", "must be an absolute http or https URL")
	}
	if err := s.setTimes(wire); err != nil {
		return Settings{}, err
	}
	return s, s.setCounts(wire)
}

// isLink reports whether a text is a URL for people, or empty.
func isLink(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && !strings.ContainsAny(text, " \t\r\n")
}

// setTimes sets the interval and the timeout.
func (s *Settings) setTimes(wire *monitorv1.MonitorSettings) error {
	if s.Check.Kind() == probe.KindHeartbeat {
		for field, d := range map[string]bool{"interval": wire.Interval != nil, "timeout": wire.Timeout != nil} {
			if d {
				return fault.InvalidField(field, "must be unset: a heartbeat has a period")
			}
		}
		return nil
	}
	s.Interval = cmp.Or(wire.GetInterval().AsDuration(), defaultInterval)
	s.Timeout = cmp.Or(wire.GetTimeout().AsDuration(), min(defaultTimeout, s.Interval/2))
	if s.Timeout > s.Interval {
		return fault.InvalidField("timeout", "must be at most the interval, %s", s.Interval)
	}
	return nil
}

// setCounts sets after how many results the state changes. A heartbeat fails by one ping, or none.
func (s *Settings) setCounts(wire *monitorv1.MonitorSettings) error {
	results := defaultResults
	if s.Check.Kind() == probe.KindHeartbeat {
		results = 1
	}
	s.Failures, s.Window, s.Recoveries = int(wire.GetFailures()), int(wire.GetWindow()), cmp.Or(int(wire.GetRecoveries()), results)
	switch {
	case s.Failures == 0 && s.Window == 0:
		s.Failures, s.Window = results, results
	case s.Failures == 0:
		s.Failures = min(results, s.Window)
	case s.Window == 0:
		s.Window = s.Failures
	}
	if s.Failures > s.Window {
		return fault.InvalidField("window", "must be at least failures, %d", s.Failures)
	}
	return nil
}

// settingsToWire returns settings without secrets.
func settingsToWire(s Settings) *monitorv1.MonitorSettings {
	wire := &monitorv1.MonitorSettings{
		Name: s.Name, Title: s.Title, Group: s.Group, Interval: durationToWire(s.Interval), Timeout: durationToWire(s.Timeout),
		Failures: int32(s.Failures), Window: int32(s.Window), Recoveries: int32(s.Recoveries),
		Severity: s.Severity, Target: s.Targets, By: s.By, Escalation: s.Escalation, DependsOn: s.DependsOn,
		Paused: s.Paused, Public: s.Public, Link: s.Link,
	}
	checkToWire(s.Check, wire)
	return wire
}

// The beginnings of the names of built-in monitors.
const (
	instancePrefix = "instance."
	systemPrefix   = "bongsu."
)

// isReserved reports whether a name is one of built-in monitors.
func isReserved(name string) bool {
	return strings.HasPrefix(name, instancePrefix) || strings.HasPrefix(name, systemPrefix)
}

func reservedName(name string) error {
	return fault.InvalidField("settings.name", "%s begins with %q or %q, as the names of built-in monitors only", name, instancePrefix, systemPrefix)
}
