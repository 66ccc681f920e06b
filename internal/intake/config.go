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
	Key      string `yaml:"key"` // what is the same whenever the same is said again
}

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
		"target": t.Target, "severity": t.Severity, "message": t.Message, "title": t.Title, "link": t.Link, "key": t.Key,
	} {
		if text == "" {
			continue
		}
		p, err := phrase.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("--intake-config: %s of the template of %s: %w", field, source, err)
		}
		made[field] = p
	}
	return made, nil
}

// apply makes the fields that have a template.
func (s script) apply(a Alert, data any) (Alert, error) {
	var words string
	for field, to := range map[string]*string{
		"target": &words, "severity": &a.Severity, "message": &a.Message, "title": &a.Title, "link": &a.Link, "key": &a.Key,
	} {
		p, is := s[field]
		if !is {
			continue
		}
		text, err := p.Say(data)
		if err != nil {
			return Alert{}, fmt.Errorf("%s: %w", field, err)
		}
		*to = text
	}
	if words != "" {
		a.Targets = targets(words)
	}
	return a, nil
}
