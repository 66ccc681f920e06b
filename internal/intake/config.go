package intake

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/bongsu-project/bongsu/internal/phrase"
	"github.com/bongsu-project/bongsu/internal/target"
)

// Config is what an operator says of sources, by name: alertmanager, grafana,
// cloudevents, and any other name, which is a source of JSON at
// /v1/intake/<name>.
type Config map[string]SourceConfig

// A SourceConfig is what an operator says of one source. The zero value of a field is
// its default.
type SourceConfig struct {
	Target        []string `yaml:"target"`         // who is told where the alert does not say; none by default
	TargetLabel   string   `yaml:"target-label"`   // the label or attribute that says who is told; default bongsu_target, bongsutarget for CloudEvents
	SeverityLabel string   `yaml:"severity-label"` // the label or attribute that says how bad it is; default severity
	Severity      string   `yaml:"severity"`       // where that is missing; default normal
	Template      Template `yaml:"template"`
}

// A Template makes the fields of an alert from what a source says. Each is a Go
// template over its JSON; an empty one leaves the field as the source has it.
type Template struct {
	Target   string `yaml:"target"` // targets between commas
	Severity string `yaml:"severity"`
	Message  string `yaml:"message"` // must be set for a source of JSON
	Title    string `yaml:"title"`
	Link     string `yaml:"link"`
	// Key names what the alert is about. Each field in it must be there and not empty,
	// unless it stands behind if, with or default: a key of missing fields would be the
	// same for different alerts, so there is none then.
	Key    string `yaml:"key"`
	Status string `yaml:"status"` // resolved, ok and the like end what the key names
}

// templateFields holds the fields that templates make.
var templateFields = []string{"target", "severity", "message", "title", "link", "key", "status"}

// sourceName is what a source of JSON may be called.
var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,49}$`)

// Read reads the file of --intake-config, and checks it.
func Read(path string) (Config, error) {
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
			return nil, fmt.Errorf("--intake-config: %q is no name for a source: it has small letters, digits, - and _", name)
		}
		if _, err := target.ParseAll(of.Target); err != nil {
			return nil, fmt.Errorf("--intake-config: target of %s: %w", name, err)
		}
	}
	_, err = c.Sources()
	return c, err
}

// of is what is said of a source, with its defaults.
func (c Config) of(name string) SourceConfig {
	s := c[name]
	if s.TargetLabel == "" {
		s.TargetLabel = "bongsu_target"
		if name == "cloudevents" {
			s.TargetLabel = "bongsutarget" // its attributes have no underscore
		}
	}
	if s.SeverityLabel == "" {
		s.SeverityLabel = "severity"
	}
	return s
}

// A script is a Template that was checked.
type script map[string]*phrase.Phrase

// read checks the templates of a source.
func (t Template) read(source string) (script, error) {
	made := script{}
	for field, text := range map[string]string{
		"target": t.Target, "severity": t.Severity, "message": t.Message, "title": t.Title, "link": t.Link, "key": t.Key, "status": t.Status,
	} {
		if text == "" {
			continue
		}
		parse := phrase.Parse
		if field == "key" {
			parse = phrase.ParseStrict
		}
		p, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("--intake-config: %s of the template of %s: %w", field, source, err)
		}
		made[field] = p
	}
	return made, nil
}
