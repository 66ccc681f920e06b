package cli

import (
	"maps"
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
	text, err := os.ReadFile("../../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// composeFiles are the compose files, with the number of their services of bongsu.
var composeFiles = map[string]int{"compose.yaml": 11, "compose.cluster.yaml": 12}

// TestCompose: the commands, flags and variables in the compose files and the Dockerfile exist.
func TestCompose(t *testing.T) {
	for name, want := range composeFiles {
		t.Run(name, func(t *testing.T) { checkCompose(t, readRoot(t, name), want) })
	}
	parser := kong.Must(&commands{}, kong.Name("bongsu"), kong.DefaultEnvars("BONGSU"))
	if unknown := unknownVariables(parser.Model, regexp.MustCompile(`BONGSU_[A-Z_]+=`).FindAllString(readRoot(t, "Dockerfile"), -1)); len(unknown) > 0 {
		t.Errorf("the Dockerfile sets %q, which set no flags", unknown)
	}
}

// checkCompose parses the commands of the services of bongsu in a compose file.
func checkCompose(t *testing.T, text string, want int) {
	t.Helper()
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
	if seen != want {
		t.Errorf("%d services of bongsu were found, want %d", seen, want)
	}
}

// interpolation matches a variable in a value of compose.yaml: ${NAME}, ${NAME-default},
// ${NAME:-default}, ${NAME?error} or ${NAME:?error}.
var interpolation = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?])([^}]*))?\}`)

// interpolate returns a value of compose.yaml as compose renders it in an environment.
func interpolate(value string, environment map[string]string) string {
	return interpolation.ReplaceAllStringFunc(value, func(variable string) string {
		parts := interpolation.FindStringSubmatch(variable)
		current, set := environment[parts[1]]
		if parts[2] == "-" && !set || parts[2] == ":-" && current == "" {
			return parts[3]
		}
		return current
	})
}

// scalars calls visit with each key and value of a YAML document, without its comments.
func scalars(node *yaml.Node, visit func(string)) {
	if node.Kind == yaml.ScalarNode {
		visit(node.Value)
	}
	for _, child := range node.Content {
		scalars(child, visit)
	}
}

// passedOn returns the variables without a value, which services get from the environment of compose.
func passedOn(t *testing.T, compose string) map[string]bool {
	t.Helper()
	var file struct {
		Services map[string]struct{ Environment map[string]*string }
	}
	if err := yaml.Unmarshal([]byte(readRoot(t, compose)), &file); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, service := range file.Services {
		for name, value := range service.Environment {
			if value == nil {
				names[name] = true
			}
		}
	}
	return names
}

// TestEnvExample: .env.example names the variables that each compose file reads, all of them
// and no other; those that begin with BONGSU_ are twins of flags.
func TestEnvExample(t *testing.T) {
	for name := range composeFiles {
		t.Run(name, func(t *testing.T) { checkEnvExample(t, name) })
	}
}

func checkEnvExample(t *testing.T, compose string) {
	t.Helper()
	var file yaml.Node
	if err := yaml.Unmarshal([]byte(readRoot(t, compose)), &file); err != nil {
		t.Fatal(err)
	}
	read := passedOn(t, compose)
	scalars(&file, func(value string) {
		value = strings.ReplaceAll(value, "$$", "") // a dollar sign of a shell
		for _, parts := range interpolation.FindAllStringSubmatch(value, -1) {
			read[parts[1]] = true
		}
		if rest := interpolation.ReplaceAllString(value, ""); strings.Contains(rest, "$") {
			t.Errorf("this test cannot read the variable in %q: write ${NAME}", value)
		}
	})
	named := map[string]bool{}
	for _, parts := range regexp.MustCompile(`(?m)^#?([A-Za-z_][A-Za-z0-9_]*)=`).FindAllStringSubmatch(readRoot(t, ".env.example"), -1) {
		if named[parts[1]] {
			t.Errorf(".env.example names %s twice", parts[1])
		}
		named[parts[1]] = true
	}
	if want, got := slices.Sorted(maps.Keys(read)), slices.Sorted(maps.Keys(named)); !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("%s reads %q, .env.example names %q", compose, want, got)
	}
	parser := kong.Must(&commands{}, kong.Name("bongsu"), kong.DefaultEnvars("BONGSU"))
	for name := range named {
		if unknown := unknownVariables(parser.Model, []string{name + "="}); len(unknown) > 0 {
			t.Errorf(".env.example names %s, which is no flag's", name)
		}
	}
}

// TestComposeProviders: the processes that call providers call the mockup, unless
// BONGSU_PROVIDER_URL is set; where it is set and empty, the real providers.
func TestComposeProviders(t *testing.T) {
	for name := range composeFiles {
		t.Run(name, func(t *testing.T) { checkComposeProviders(t, name) })
	}
}

func checkComposeProviders(t *testing.T, compose string) {
	t.Helper()
	const variable, mockup = "BONGSU_PROVIDER_URL", "http://mockup:18084"
	if example := readRoot(t, ".env.example"); !strings.Contains(example, "\n#"+variable+"=\n") {
		t.Errorf(".env.example has no line #%s= to uncomment", variable)
	}
	var file struct {
		Services map[string]struct {
			Command     []string
			Environment map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(readRoot(t, compose)), &file); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"directory", "sender"} {
		t.Run(name, func(t *testing.T) {
			service := file.Services[name]
			for _, row := range []struct {
				of          string
				environment map[string]string
				want        string
			}{
				{"unset", map[string]string{}, mockup},
				{"empty", map[string]string{variable: ""}, ""},
				{"another", map[string]string{variable: "http://gateway:3128"}, "http://gateway:3128"},
			} {
				t.Run(row.of, func(t *testing.T) {
					t.Setenv(variable, interpolate(service.Environment[variable], row.environment))
					var c commands
					parser := kong.Must(&c, kong.Name("bongsu"), kong.DefaultEnvars("BONGSU"))
					if _, err := parser.Parse(service.Command); err != nil {
						t.Fatal(err)
					}
					if c.Serve.Providers.URL != row.want {
						t.Errorf("calls go to %q, want %q", c.Serve.Providers.URL, row.want)
					}
				})
			}
		})
	}
}
