package proc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binaries are the programs under test.
type Binaries struct {
	Bongsu, NATSServer string   // paths
	Args               []string // flags of every bongsu serve, before its own
	Env                []string // variables of every bongsu serve, NAME=VALUE, besides those of this process
}

// Build builds bongsu, and the NATS server version of go.mod, into a folder.
func Build(dir string) (Binaries, error) {
	b := Binaries{Bongsu: filepath.Join(dir, "bongsu"), NATSServer: filepath.Join(dir, "nats-server")}
	for path, pkg := range map[string]string{
		b.Bongsu:     "github.com/bongsu-project/bongsu/cmd/bongsu",
		b.NATSServer: "github.com/nats-io/nats-server/v2",
	} {
		build := exec.Command("go", "build", "-o", path, pkg)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return b, fmt.Errorf("build %s: %w", pkg, err)
		}
	}
	return b, nil
}

// BuildVersion builds a bongsu that says that it is of a version, to a path.
func BuildVersion(path, version string) error {
	build := exec.Command("go", "build", "-ldflags=-X main.version="+version, "-o", path, "github.com/bongsu-project/bongsu/cmd/bongsu")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build bongsu %s: %w", version, err)
	}
	return nil
}
