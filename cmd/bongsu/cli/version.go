package cli

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
)

// versionCmd is the command bongsu version.
type versionCmd struct {
	JSON bool `name:"json" help:"Print the version as JSON."`
}

// Help returns the long help.
func (versionCmd) Help() string {
	return "Examples:\n\n\tbongsu version\n\tbongsu version --json"
}

// A build is the version of the binary.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"` // with "+changes" if the working tree was modified
	Go      string `json:"go"`
}

// Run executes bongsu version.
func (v versionCmd) Run(con *console) error {
	b := builtFrom(con.Version, debug.ReadBuildInfo)
	if v.JSON {
		doc, err := json.MarshalIndent(b, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(con.Out, string(doc))
		return err
	}
	_, err := fmt.Fprintf(con.Out, "bongsu %s, commit %s, %s\n", b.Version, b.Commit, b.Go)
	return err
}

// builtFrom returns the version from the build information of the binary.
func builtFrom(version string, read func() (info *debug.BuildInfo, ok bool)) build {
	info, ok := read()
	b := build{Version: version, Commit: "unknown", Go: "unknown"}
	if !ok {
		return b.named()
	}
	b.Go = info.GoVersion
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	changes := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				changes = "+changes"
			}
		}
	}
	b.Commit += changes
	return b.named()
}

// named sets the default version.
func (b build) named() build {
	if b.Version == "" {
		b.Version = "(devel)"
	}
	return b
}
