// Command school is a system of five services on Bongsu's platform: accounts, outings, timetable and
// calendar, clubs, announcements; and of pages for people. See its README.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/bongsu-project/bongsu/kit/process"
)

const description = `A school of five services: auth, outing, schedule, club and announcement. web serves its pages, which
call the services by the edge.

Examples:

    go run ./examples/school
    go run ./examples/school --services=outing --nats-url=nats://10.0.0.5 --database-url='postgres://10.0.0.6/{service}'
    go run ./examples/school --services=web --nats-url=nats://10.0.0.5 --edge-url=http://10.0.0.7:8080 --web-addr=:8090 --web-url=https://school.example.com`

func main() {
	ctx, stop := process.Notify(context.Background())
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "school:", err)
		os.Exit(1)
	}
}

// run runs a command line until ctx ends.
func run(ctx context.Context, args []string) error {
	var serve serveCmd
	parser, err := kong.New(&serve, kong.Name("school"), kong.Description(description), kong.DefaultEnvars("SCHOOL"))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	return serve.Run(ctx)
}
