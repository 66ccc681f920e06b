package deploy

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestRulesAreTested checks that a test of promtool raises each alert, and that one finds it
// quiet.
func TestRulesAreTested(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	var tests struct {
		Tests []struct {
			Alerts []struct {
				Name     string `yaml:"alertname"`
				Expected []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	for file, to := range map[string]any{"rules.yml": &rules, "rules_test.yml": &tests} {
		if err := yaml.Unmarshal([]byte(read(t, "deploy/prometheus/"+file)), to); err != nil {
			t.Fatal(err)
		}
	}
	raised, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, a := range test.Alerts {
			raised[a.Name] = raised[a.Name] || len(a.Expected) > 0
			quiet[a.Name] = quiet[a.Name] || len(a.Expected) == 0
		}
	}
	alerts := 0
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			alerts++
			if !raised[rule.Alert] || !quiet[rule.Alert] {
				t.Errorf("%s: raised by a test: %t, quiet in a test: %t", rule.Alert, raised[rule.Alert], quiet[rule.Alert])
			}
			if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("%s lacks a severity, a summary or a description", rule.Alert)
			}
		}
	}
	if alerts < 15 {
		t.Errorf("only %d alerts were found", alerts)
	}
}
