// Command bongsu is the failure notification service, all of it, and the
// command line that people and scripts use it by.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// What a process ends with.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // the command line says nothing that can be done
)

const description = `Bongsu tells people what broke, and can prove what became of every message.

Every flag has a twin in the environment: --server is BONGSU_SERVER. A flag on the command line wins.`

// commands is everything bongsu can be told, in the order help shows it.
type commands struct {
	Demo  demoCmd  `cmd:"" help:"See it work: everything in one process, with demonstration data."`
	Serve serveCmd `cmd:"" help:"Run the service, whole or in parts."`

	Alert struct {
		Send    alertSend    `cmd:"" help:"Tell people what broke."`
		Get     alertGet     `cmd:"" help:"Show an alert and what became of each delivery."`
		List    alertList    `cmd:"" help:"List alerts, the newest first."`
		Watch   alertWatch   `cmd:"" help:"Show each delivery of an alert as it changes, until all have ended."`
		Cancel  alertCancel  `cmd:"" help:"Stop what of an alert has not been sent."`
		Resolve alertResolve `cmd:"" help:"Say who would be told, and tell nobody."`
	} `cmd:"" help:"What happened, and who was told."`

	Delivery struct {
		Replay deliveryReplay `cmd:"" help:"Queue again what failed or expired."`
	} `cmd:"" help:"One alert to one address."`

	Group struct {
		List       groupList       `cmd:"" help:"List groups."`
		Get        groupGet        `cmd:"" help:"Show a group and its members."`
		Create     groupCreate     `cmd:"" help:"Make a group."`
		Rename     groupRename     `cmd:"" help:"Give a group another name."`
		Delete     groupDelete     `cmd:"" help:"Delete a group, never its users."`
		AddUser    groupAddUser    `cmd:"" help:"Make a user a member."`
		RemoveUser groupRemoveUser `cmd:"" help:"End a membership."`
	} `cmd:"" help:"Groups of users, the targets @@name."`

	User struct {
		List           userList           `cmd:"" help:"List users and their addresses."`
		Get            userGet            `cmd:"" help:"Show a user and their addresses."`
		Create         userCreate         `cmd:"" help:"Make a user, with an address or without."`
		Rename         userRename         `cmd:"" help:"Give a user another nickname."`
		Set            userSet            `cmd:"" help:"Set whether a user's addresses are used one after the other."`
		Delete         userDelete         `cmd:"" help:"Delete a user, their addresses and memberships."`
		AddAddress     userAddAddress     `cmd:"" help:"Give a user one more way to be reached."`
		ReplaceAddress userReplaceAddress `cmd:"" help:"Set an address anew, such as with another credential."`
		TestAddress    userTestAddress    `cmd:"" help:"Ask the provider whether an address works, or send a test to it."`
		RemoveAddress  userRemoveAddress  `cmd:"" help:"Remove an address."`
	} `cmd:"" help:"People and how they are reached, the targets @name."`

	Messenger struct {
		List  messengerList  `cmd:"" help:"List the ways to reach people, and what an address of each needs."`
		Paces messengerPaces `cmd:"" help:"Show what waits for each credential, and why."`
	} `cmd:"" help:"Ways to reach people."`

	Template struct {
		List   templateList   `cmd:"" help:"List templates."`
		Set    templateSet    `cmd:"" help:"Make a messenger's texts by a template, and show what it makes."`
		Delete templateDelete `cmd:"" help:"Delete a template."`
	} `cmd:"" help:"How texts are made."`

	Key struct {
		Make   keyMake   `cmd:"" help:"Make the key that seals credentials."`
		Rotate keyRotate `cmd:"" help:"Add a key that seals from now on."`
		List   keyList   `cmd:"" help:"List the keys of a file, without the keys."`
		Prune  keyPrune  `cmd:"" help:"Drop keys that seal nothing any more."`
	} `cmd:"" aliases:"keys" help:"The key that seals credentials."`

	Export exportCmd `cmd:"" help:"Write users, addresses and groups as YAML or CSV."`
	Import importCmd `cmd:"" help:"Make the directory hold what a YAML or CSV file says."`

	Health  healthCmd  `cmd:"" help:"Say whether a running bongsu serve can do its work."`
	Version versionCmd `cmd:"" help:"Say which bongsu this is."`
}

// A console is what a command reads and writes, and how it tells the time.
type console struct {
	In       io.Reader
	Out, Err io.Writer
	Now      func() time.Time
	Zone     *time.Location // in which people read times
	Unknown  []string       // environment variables that are called like twins of flags, and are none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), ending(signal.Ignored)...)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// ending returns the signals that end the process in good order. One that is ignored when
// it starts stays ignored, as nohup wants a terminal's end to be.
func ending(ignored func(os.Signal) bool) []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// run does what args say and answers with the exit code. The Run method of a
// command is given what it asks for of ctx and *console.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	con := &console{In: stdin, Out: stdout, Err: stderr, Now: now, Zone: time.Local}
	helped := false
	parser := kong.Must(&commands{},
		kong.Name("bongsu"),
		kong.Description(description),
		kong.DefaultEnvars("BONGSU"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }), // kong calls it after --help only, and goes on
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(con),
	)
	if err := checkLine(args, os.Environ()); err != nil {
		return con.exit(parser, err)
	}
	parsed, err := parser.Parse(flagsFirst(parser.Model.Node, args))
	if helped {
		return exitOK
	}
	if name := repeated(parser.Model.Node, args); err == nil && name != "" {
		err = usagef("%s is given twice: give it once", name)
	}
	con.Unknown = unknownVariables(parser.Model, os.Environ())
	if err == nil {
		err = parsed.Run()
	}
	return con.exit(parser, err)
}

// exit says what went wrong, if anything, and answers with the exit code.
func (con *console) exit(parser *kong.Kong, err error) int {
	if err == nil {
		return exitOK
	}
	con.warn("%s", strings.ReplaceAll(err.Error(), "\n", "; ")) // of several errors, all
	if unparsed, ok := errors.AsType[*kong.ParseError](err); ok {
		path := parser.Model.Name
		if selected := unparsed.Context.Selected(); selected != nil {
			path = selected.FullPath()
		}
		_, _ = fmt.Fprintf(con.Err, "%s --help says how\n", path)
		return exitUsage
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// warn says a line on stderr.
func (con *console) warn(format string, args ...any) {
	_, _ = fmt.Fprintln(con.Err, "bongsu: "+clean(fmt.Sprintf(format, args...)))
}

// A usageError says that the command line cannot be done as it stands.
type usageError string

// Error is for the person at the command line.
func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error {
	return usageError(fmt.Sprintf(format, args...))
}
