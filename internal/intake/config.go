package intake

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/texttemplate"
)

// Config is the configuration of sources, by name: alertmanager, grafana, cloudevents, and
// any other name, which is a source of JSON at /v1/intake/<name>.
type Config map[string]SourceConfig

// A SourceConfig is the configuration of one source. The zero value of a field is its
// default.
type SourceConfig struct {
	Target        []string `yaml:"target"`         // default targets, for alerts without targets; none by default
	TargetLabel   string   `yaml:"target-label"`   // the label or attribute with an alert's targets; default bongsu_target, bongsutarget for CloudEvents
	SeverityLabel string   `yaml:"severity-label"` // the label or attribute with an alert's severity; default severity
	Severity      string   `yaml:"severity"`       // of alerts without that; default normal
	Template      Template `yaml:"template"`
	// GroupBy holds the labels by which the alerts of a request are grouped: those with the same
	// values are one alert. Of alertmanager and grafana only; empty: alerts are not grouped.
	GroupBy []string `yaml:"group-by"`

	Signature SignatureConfig `yaml:"signature"` // of its requests; not signed by default
}

// A Template makes the fields of an alert from the JSON of its source. Each is a Go
// template; an empty one keeps the source's own value.
type Template struct {
	Target   string `yaml:"target"` // comma-separated targets
	Severity string `yaml:"severity"`
	Message  string `yaml:"message"` // required for a source of JSON
	Title    string `yaml:"title"`
	Link     string `yaml:"link"`
	// Key is the alert key. Each field in it must be present and not empty, unless it is
	// guarded by if, with or default. Otherwise the alert has no key: a key of missing
	// fields would be the same for different alerts.
	Key    string `yaml:"key"`
	Status string `yaml:"status"` // resolved, ok and the like make a resolution of the key
}

// templateFields are the fields that templates make.
var templateFields = []string{"target", "severity", "message", "title", "link", "key", "status"}

// sourceName matches the name of a source of JSON.
var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,49}$`)

// ReadConfig parses the file of --intake-config and validates it.
func ReadConfig(path string) (Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--intake-config: %w", err)
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var c Config
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--intake-config: %s: %w", path, err)
	}
	for name, of := range c {
		if !sourceName.MatchString(name) {
			return nil, fmt.Errorf("--intake-config: invalid source name %q: use lower-case letters, digits, - and _", name)
		}
		if name == job.EventSource {
			return nil, fmt.Errorf("--intake-config: source name %q is reserved for events", name)
		}
		if len(of.GroupBy) > 0 && name != "alertmanager" && name != "grafana" {
			return nil, fmt.Errorf("--intake-config: group-by of %s: only alertmanager and grafana send labels", name)
		}
		if slices.Contains(of.GroupBy, "") {
			return nil, fmt.Errorf("--intake-config: group-by of %s: a label is empty", name)
		}
		if _, err := target.ParseAll(of.Target); err != nil {
			return nil, fmt.Errorf("--intake-config: target of %s: %w", name, err)
		}
	}
	_, err = c.Sources()
	return c, err
}

// sourceConfig returns the configuration of a source, with defaults.
func (c Config) sourceConfig(name string) SourceConfig {
	s := c[name]
	if s.TargetLabel == "" {
		s.TargetLabel = "bongsu_target"
		if name == "cloudevents" {
			s.TargetLabel = "bongsutarget" // attribute names of CloudEvents have no underscore
		}
	}
	if s.SeverityLabel == "" {
		s.SeverityLabel = "severity"
	}
	return s
}

// A parsedTemplates is a parsed Template, by field.
type parsedTemplates map[string]*texttemplate.Template

// parse parses the templates of a source.
func (t Template) parse(source string) (parsedTemplates, error) {
	made := parsedTemplates{}
	for field, text := range map[string]string{
		"target": t.Target, "severity": t.Severity, "message": t.Message, "title": t.Title, "link": t.Link, "key": t.Key, "status": t.Status,
	} {
		if text == "" {
			continue
		}
		parse := texttemplate.Parse
		if field == "key" {
			parse = texttemplate.ParseStrict
		}
		p, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("--intake-config: template %s of source %s: %w", field, source, err)
		}
		made[field] = p
	}
	return made, nil
}
