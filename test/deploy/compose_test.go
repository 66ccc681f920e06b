package deploy

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A composeFile is a compose file, with the keys of the specification that are used here: a
// decoder that knows no others finds misspelt ones.
type composeFile struct {
	Name     string
	Bongsu   yaml.Node `yaml:"x-bongsu"`
	Health   yaml.Node `yaml:"x-health"`
	NATS     yaml.Node `yaml:"x-nats"`
	Ready    yaml.Node `yaml:"x-nats-ready"`
	Services map[string]composeService
	Configs  map[string]struct{ Content string }
	Volumes  map[string]*struct{}
}

// A composeService is a service of a compose file.
type composeService struct {
	Image       string
	Build       string
	Restart     string
	User        string
	NetworkMode string   `yaml:"network_mode"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	TmpFS       []string `yaml:"tmpfs"`
	StopGrace   string   `yaml:"stop_grace_period"`
	Deploy      struct{ Replicas int }
	Entrypoint  []string
	Command     []string
	Environment map[string]string
	Configs     []struct{ Source, Target string }
	Volumes     []string
	Ports       []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct {
		Test        []string
		Interval    string
		Timeout     string
		Retries     int
		StartPeriod string `yaml:"start_period"`
		Disable     bool
	}
}

// readCompose returns a compose file.
func readCompose(t *testing.T, name string) (file composeFile) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(read(t, name)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		t.Fatalf("%s has a second document: %v", name, err)
	}
	return file
}

// TestCompose checks that the parts of each compose file fit together, and who can reach
// what.
func TestCompose(t *testing.T) {
	known := settings(t)
	for _, name := range []string{"compose.yaml", "compose.cluster.yaml"} {
		t.Run(name, func(t *testing.T) {
			file := readCompose(t, name)
			for service, s := range file.Services {
				t.Run(service, func(t *testing.T) {
					checkReferences(t, file, s)
					if s.Image == "bongsu" {
						checkRights(t, s)
						checkSettings(t, service, s, known)
					}
				})
			}
			used := map[string]bool{}
			for _, s := range file.Services {
				for _, v := range s.Volumes {
					from, _, _ := strings.Cut(v, ":")
					used[from] = true
				}
			}
			for volume := range file.Volumes {
				if !used[volume] {
					t.Errorf("no service uses the volume %s", volume)
				}
			}
		})
	}
}

// checkReferences checks that all that a service names exists.
func checkReferences(t *testing.T, file composeFile, s composeService) {
	t.Helper()
	for other, need := range s.DependsOn {
		on, ok := file.Services[other]
		switch {
		case !ok:
			t.Errorf("it depends on %s, which is not there", other)
		case need.Condition == "service_healthy" && (len(on.Healthcheck.Test) == 0 || on.Healthcheck.Disable):
			t.Errorf("it waits for the health of %s, which has no check", other)
		case need.Condition == "service_completed_successfully" && on.Restart != "no":
			t.Errorf("it waits for the end of %s, which is started again", other)
		}
	}
	for _, config := range s.Configs {
		if _, ok := file.Configs[config.Source]; !ok {
			t.Errorf("the config %s is not there", config.Source)
		}
	}
	for _, volume := range s.Volumes {
		from, to, named := strings.Cut(volume, ":")
		if _, ok := file.Volumes[from]; named && !ok {
			t.Errorf("the volume %s for %s is not there", from, to)
		}
	}
	for _, port := range s.Ports {
		if !strings.HasPrefix(port, "127.0.0.1:") {
			t.Errorf("port %s is published beyond this machine", port)
		}
	}
}

// checkRights checks that a container of bongsu has no more rights than it needs, and a
// folder to write to.
func checkRights(t *testing.T, s composeService) {
	t.Helper()
	if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.User != "" {
		t.Errorf("it runs with more rights than it needs: %+v", s)
	}
	if s.Command[0] == "serve" && !slices.ContainsFunc(s.Volumes, func(v string) bool { return v == "/data" || strings.HasSuffix(v, ":/data") }) {
		t.Error("it has no volume for /data")
	}
	if s.Deploy.Replicas > 1 && slices.ContainsFunc(s.Volumes, func(v string) bool { return strings.HasSuffix(v, ":/data") }) {
		t.Error("its replicas share a data folder")
	}
}

// checkSettings checks the flags and variables of a service, that the files they name are in
// a volume, and that the edge lets nobody in without a key.
func checkSettings(t *testing.T, service string, s composeService, known map[string]bool) {
	t.Helper()
	if s.Command[0] != "serve" {
		return
	}
	flags := map[string]string{}
	for _, arg := range s.Command[1:] {
		flag, value, _ := strings.Cut(arg, "=")
		flags[flag] = value
		if !known[flag] {
			t.Errorf("bongsu serve has no flag %s", flag)
		}
		if strings.HasPrefix(value, "/keys/") && !slices.Contains(s.Volumes, "keys:/keys:ro") {
			t.Errorf("%s is in no volume", arg)
		}
	}
	for _, variable := range slices.Sorted(maps.Keys(s.Environment)) {
		if !known[variable] {
			t.Errorf("%s sets no flag of bongsu serve", variable)
		}
	}
	switch flags["--services"] {
	case "mockup":
		return
	case "edge":
		if flags["--auth"] != "required" {
			t.Error("callers of the edge need no key")
		}
	case "":
		t.Errorf("%s runs all services", service)
	}
	if flags["--internal-key-file"] != "/keys/internal.key" || s.Environment["BONGSU_NATS_URL"] == "" {
		t.Error("it has no internal key, or cannot find others in NATS")
	}
}

// TestComposeCluster checks that the cluster has three NATS servers that know each other,
// and two of each service.
func TestComposeCluster(t *testing.T) {
	file := readCompose(t, "compose.cluster.yaml")
	instances := map[string]int{}
	for _, s := range file.Services {
		for _, arg := range s.Command {
			if service, ok := strings.CutPrefix(arg, "--services="); ok {
				instances[service] += max(1, s.Deploy.Replicas)
			}
			if name, ok := strings.CutPrefix(arg, "--server_name="); ok {
				instances["nats"]++
				if !slices.ContainsFunc(s.Command, func(arg string) bool {
					return strings.HasPrefix(arg, "--routes=") && strings.Contains(arg, "//"+name+":") && strings.Count(arg, ":6222") == 3
				}) {
					t.Errorf("%s does not know the other servers", name)
				}
			}
		}
	}
	want := map[string]int{"nats": 3, "access": 2, "directory": 2, "alert": 2, "event": 2, "inbox": 2, "incident": 2, "monitor": 2, "sender": 2, "edge": 2, "mockup": 1}
	if !maps.Equal(instances, want) {
		t.Errorf("the cluster has %v, want %v", instances, want)
	}
	if edge := file.Services["edge"]; !slices.Equal(edge.Ports, []string{"127.0.0.1:28080-28081:18080"}) {
		t.Errorf("the edges have the ports %q", edge.Ports)
	}
	if !slices.Contains(file.Services["alert"].Command, "--replicas=3") {
		t.Error("one server alone keeps the queue")
	}
}
