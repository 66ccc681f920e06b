package deploy

import (
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestImageHasTheSources checks that .dockerignore lets the build of the image have each
// folder of this module that the programs consist of which it may contain.
func TestImageHasTheSources(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}", "./cmd/bongsu", "./examples/library", "./examples/school")
	list.Dir = root
	packages, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	ignore := strings.Split(read(t, ".dockerignore"), "\n")
	if !slices.Contains(ignore, "*") {
		t.Fatal(".dockerignore does not begin with nothing")
	}
	const module = "github.com/bongsu-project/bongsu/"
	folders := 0
	for name := range strings.Lines(string(packages)) {
		folder := strings.TrimPrefix(strings.TrimSpace(name), module)
		folders++
		included := false
		for up := folder; up != "."; up = path.Dir(up) {
			included = included || slices.Contains(ignore, "!"+up)
		}
		if !included {
			t.Errorf(".dockerignore keeps %s from the build of the image", folder)
		}
	}
	if folders < 50 {
		t.Errorf("the program has %d folders", folders)
	}
}

// TestDockerfile checks what the image is from, who runs it, and that its script and its
// ports are there.
func TestDockerfile(t *testing.T) {
	text := read(t, "Dockerfile")
	stages := regexp.MustCompile(`(?m)^FROM (.*)$`).FindAllStringSubmatch(text, -1)
	if len(stages) != 2 || stages[1][1] != "scratch" {
		t.Fatalf("the stages are from %q", stages)
	}
	_, last, _ := strings.Cut(text, "\nFROM scratch\n")
	for _, line := range []string{"COPY --from=build /rootfs/ /", "USER 65532:65532", `ENTRYPOINT ["/bongsu"]`, `CMD ["serve"]`} {
		if !strings.Contains(last, line+"\n") {
			t.Errorf("the last stage lacks %s", line)
		}
	}
	if strings.Contains(last, "\nRUN ") {
		t.Error("the last stage runs a command, for which it has no shell")
	}
	if exposed := regexp.MustCompile(`(?m)^EXPOSE (.*)$`).FindStringSubmatch(last); exposed == nil {
		t.Error("the image exposes no port")
	} else {
		for _, found := range regexp.MustCompile(`containerPort: (\d+)|"(?:edge|directory|alert|sender|inbox|incident|monitor|event|access)" (\d+)`).FindAllStringSubmatch(read(t, chart+"/templates/_helpers.tpl")+read(t, chart+"/templates/_pod.tpl"), -1) {
			if port := found[1] + found[2]; !slices.Contains(strings.Fields(exposed[1]), port) {
				t.Errorf("the image does not expose port %s of the chart", port)
			}
		}
	}
	if !strings.Contains(text, "\nRUN deploy/image/rootfs ") {
		t.Error("the image does not get the files of deploy/image/rootfs")
	}
	for _, label := range []string{"title", "description", "url", "documentation", "source", "licenses", "version"} {
		if !strings.Contains(last, "org.opencontainers.image."+label+"=") {
			t.Errorf("the image lacks the label %s", label)
		}
	}
}
