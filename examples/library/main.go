// Command library is a system of four services on Bongsu's platform: customers reserve books, which
// are held, delivered and canceled. See its README.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/bongsu-project/bongsu/kit/process"
)

const description = `A book rental of four services, reservation, product, delivery and mypage, with a web page.

Examples:

    go run ./examples/library
    go run ./examples/library --services=delivery --nats-url=nats://10.0.0.5 --database-url='postgres://10.0.0.6/{service}'
    go run ./examples/library rebuild --nats-url=nats://10.0.0.5`

// commands are the commands of the program.
type commands struct {
	Serve   serveCmd   `cmd:"" default:"withargs" help:"Run the services. Without --nats-url everything runs here: an embedded NATS server, databases in files, and Bongsu beside it."`
	Rebuild rebuildCmd `cmd:"" help:"Make the view of mypage anew of all events. The services may run meanwhile."`
}

func main() {
	ctx, stop := process.Notify(context.Background())
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "library:", err)
		os.Exit(1)
	}
}

// run runs a command line until ctx ends.
func run(ctx context.Context, args []string) error {
	parser, err := kong.New(&commands{}, kong.Name("library"), kong.Description(description), kong.DefaultEnvars("LIBRARY"))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run()
}
