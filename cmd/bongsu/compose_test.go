package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// readRoot reads a file at the root of the repository.
func readRoot(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCompose checks that the commands, health checks and variables of compose.yaml,
// the image and .env.example are valid for bongsu.
func TestCompose(t *testing.T) {
	text := readRoot(t, "compose.yaml")
	var file struct {
		Services map[string]struct {
			Image       string
			Command     []string
			Environment map[string]string
			Healthcheck struct{ Test []string }
		}
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, service := range file.Services {
		if service.Image != "bongsu" {
			continue
		}
		seen++
		parser := kong.Must(&commands{}, kong.Name("bongsu"), kong.DefaultEnvars("BONGSU"))
		if _, err := parser.Parse(service.Command); err != nil {
			t.Errorf("the command of %s: %v", name, err)
		}
		if test := service.Healthcheck.Test; len(test) > 0 {
			if _, err := parser.Parse(test[2:]); err != nil || test[1] != "/bongsu" {
				t.Errorf("the health check of %s, %q: %v", name, test, err)
			}
		}
		for variable := range service.Environment {
			if unknown := unknownVariables(parser.Model, []string{variable + "="}); len(unknown) > 0 {
				t.Errorf("%s has %s, which sets no flag", name, variable)
			}
		}
	}
	if seen != 6 {
		t.Errorf("%d services of bongsu were found, want 6", seen)
	}

	parser := kong.Must(&commands{}, kong.Name("bongsu"), kong.DefaultEnvars("BONGSU"))
	if unknown := unknownVariables(parser.Model, regexp.MustCompile(`BONGSU_[A-Z_]+=`).FindAllString(readRoot(t, "Dockerfile"), -1)); len(unknown) > 0 {
		t.Errorf("the Dockerfile sets %q, which set no flags", unknown)
	}

	asked := regexp.MustCompile(`\$\{([A-Z_]+)`).FindAllStringSubmatch(text, -1)
	named := regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllStringSubmatch(readRoot(t, ".env.example"), -1)
	first := func(found [][]string) []string {
		var all []string
		for _, f := range found {
			all = append(all, f[1])
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	if a, n := first(asked), first(named); !slices.Equal(a, n) {
		t.Errorf("compose.yaml uses %q, .env.example names %q", a, n)
	}
}

// TestComposeReachesProviders checks that compose.yaml does not replace an empty
// BONGSU_PROVIDER_URL by the mockup.
func TestComposeReachesProviders(t *testing.T) {
	if text := readRoot(t, "compose.yaml"); !strings.Contains(text, "BONGSU_PROVIDER_URL: ${BONGSU_PROVIDER_URL-http://mockup:18084}\n") {
		t.Error("compose.yaml has no default of BONGSU_PROVIDER_URL that an empty one replaces")
	}
}
