// Command bongsu runs the failure notification service and is its command line client.
package main

import (
	"os"

	"github.com/bongsu-project/bongsu/cmd/bongsu/cli"
)

// version is set when a release is built: -ldflags "-X main.version=v1.2.3".
var version string

func main() { os.Exit(cli.Main(version, now)) }
