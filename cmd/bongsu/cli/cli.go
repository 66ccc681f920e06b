// Package cli is the command line of bongsu.
package cli

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

// The exit codes of a process.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // invalid command line
)

const programName = "bongsu"

const description = `Bongsu notifies people of failures, and keeps evidence of every delivery.

Every flag can be set in the environment: --server is BONGSU_SERVER. A flag on the command line takes precedence.`

// commands are the commands and flags of bongsu, in the order of the help.
type commands struct {
	Demo  demoCmd  `cmd:"" help:"Run all services in one process with demonstration data and send a first alert."`
	Serve serveCmd `cmd:"" help:"Run the service, all of it or parts."`

	Alert struct {
		Send    alertSend    `cmd:"" help:"Send an alert."`
		Get     alertGet     `cmd:"" help:"Show an alert and its deliveries."`
		List    alertList    `cmd:"" help:"List alerts, newest first."`
		Watch   alertWatch   `cmd:"" help:"Follow the deliveries of an alert until all are completed."`
		Cancel  alertCancel  `cmd:"" help:"Cancel the deliveries of an alert that are not sent."`
		Resolve alertResolve `cmd:"" help:"Show the recipients of targets without sending (dry run)."`
	} `cmd:"" help:"Alerts and their deliveries."`

	Delivery struct {
		Cancel deliveryCancel `cmd:"" help:"Cancel deliveries that are not sent."`
		Replay deliveryReplay `cmd:"" help:"Queue failed or expired deliveries again."`
	} `cmd:"" help:"Deliveries: one alert to one address."`

	Group struct {
		List       groupList       `cmd:"" help:"List groups."`
		Get        groupGet        `cmd:"" help:"Show a group and its members."`
		Create     groupCreate     `cmd:"" help:"Create a group."`
		Rename     groupRename     `cmd:"" help:"Rename a group."`
		Delete     groupDelete     `cmd:"" help:"Delete a group; its users stay."`
		AddUser    groupAddUser    `cmd:"" help:"Add a user to a group."`
		RemoveUser groupRemoveUser `cmd:"" help:"Remove a user from a group."`
	} `cmd:"" help:"Groups of users, the targets @@name."`

	User struct {
		List           userList           `cmd:"" help:"List users and their addresses."`
		Get            userGet            `cmd:"" help:"Show a user and their addresses."`
		Create         userCreate         `cmd:"" help:"Create a user, optionally with an address."`
		Rename         userRename         `cmd:"" help:"Rename a user."`
		Set            userSet            `cmd:"" help:"Turn failover on or off for a user."`
		Delete         userDelete         `cmd:"" help:"Delete a user with their addresses and memberships."`
		AddAddress     userAddAddress     `cmd:"" help:"Add an address to a user."`
		ReplaceAddress userReplaceAddress `cmd:"" help:"Replace an address, for example with a new credential."`
		TestAddress    userTestAddress    `cmd:"" help:"Verify an address with its provider, or send a test message."`
		RemoveAddress  userRemoveAddress  `cmd:"" help:"Remove an address."`
		QuietHours     struct {
			Set   userQuietHoursSet   `cmd:"" help:"Set the quiet hours of a user."`
			Show  userQuietHoursShow  `cmd:"" help:"Show the quiet hours of a user."`
			Clear userQuietHoursClear `cmd:"" help:"Remove the quiet hours of a user."`
		} `cmd:"" help:"The times at which only urgent alerts are sent to a user."`
	} `cmd:"" help:"Users and their addresses, the targets @name."`

	Messenger struct {
		List  messengerList   `cmd:"" help:"List messengers and the settings that their addresses need."`
		Paces messengerLimits `cmd:"" help:"Show the backlog and the limiter state of each credential and destination."`
	} `cmd:"" help:"Messengers, such as slack or email."`

	Inbox struct {
		List    inboxList    `cmd:"" help:"List the items of an inbox, the newest first."`
		Read    inboxRead    `cmd:"" help:"Mark an item as read, or all."`
		Archive inboxArchive `cmd:"" help:"Hide an item from the list."`
	} `cmd:"" help:"Alerts that users read in a browser or an app."`

	Incident struct {
		List    incidentList    `cmd:"" help:"List incidents, the newest first."`
		Show    incidentShow    `cmd:"" help:"Show an incident with its timeline."`
		Watch   incidentWatch   `cmd:"" help:"Follow open incidents and their changes."`
		Ack     incidentAck     `cmd:"" help:"Acknowledge an incident."`
		Unack   incidentUnack   `cmd:"" help:"Take an acknowledgment back."`
		Resolve incidentResolve `cmd:"" help:"Resolve an incident."`
		Comment incidentComment `cmd:"" help:"Add a comment to the timeline of an incident."`
	} `cmd:"" help:"Incidents: the things that alerts with a key are about."`

	Template struct {
		List   templateList   `cmd:"" help:"List templates."`
		Set    templateSet    `cmd:"" help:"Set the text template of a messenger, and show an example."`
		Delete templateDelete `cmd:"" help:"Delete a template."`
	} `cmd:"" help:"Text templates of messages."`

	Event struct {
		Publish eventPublish `cmd:"" help:"Publish an event, or those of a file."`
		Rules   struct {
			List   eventRuleList   `cmd:"" help:"List event rules."`
			Get    eventRuleGet    `cmd:"" help:"Show an event rule, in the form of a file."`
			Set    eventRuleSet    `cmd:"" help:"Create the event rules of a file, or replace them."`
			Delete eventRuleDelete `cmd:"" help:"Delete an event rule; its batches are sent first."`
			Test   eventRuleTest   `cmd:"" help:"Show whom a rule would notify of a sample event, without sending."`
		} `cmd:"" help:"Event rules: whom events notify, and of what."`
	} `cmd:"" help:"Events of other systems, and their rules."`

	DeadLetter struct {
		List   deadLetterList   `cmd:"" help:"List dead letters, newest first."`
		Replay deadLetterReplay `cmd:"" help:"Handle dead letters again, by their rules as they are now."`
	} `cmd:"" help:"Events that could not be handled."`

	CallbackEndpoint struct {
		Create callbackEndpointCreate `cmd:"" help:"Create an endpoint and show its signing secret, once."`
		List   callbackEndpointList   `cmd:"" help:"List endpoints, without their secrets."`
		Delete callbackEndpointDelete `cmd:"" help:"Delete an endpoint with its waiting reports."`
	} `cmd:"" help:"Callback endpoints, to which ends of deliveries are reported."`

	Escalation struct {
		Set    escalationSet    `cmd:"" help:"Create or replace an escalation policy."`
		List   escalationList   `cmd:"" help:"List escalation policies."`
		Delete escalationDelete `cmd:"" help:"Delete an escalation policy."`
	} `cmd:"" help:"Escalation policies: whom to notify of an incident until somebody acknowledges it."`

	Silence struct {
		Add     silenceAdd     `cmd:"" help:"Hold back firing alerts that match, for a time."`
		List    silenceList    `cmd:"" help:"List silences, those that end last first."`
		Show    silenceShow    `cmd:"" help:"Show a silence."`
		Expire  silenceExpire  `cmd:"" help:"End a silence now."`
		Preview silencePreview `cmd:"" help:"Show which alerts of the last day a silence would have held back."`
	} `cmd:"" help:"Silences: alerts that are recorded, and of which nobody is notified."`

	Monitor struct {
		Create  monitorCreate  `cmd:"" help:"Create a monitor."`
		Set     monitorSet     `cmd:"" help:"Change settings of a monitor."`
		Get     monitorGet     `cmd:"" help:"Show a monitor with its state."`
		List    monitorList    `cmd:"" help:"List monitors with their states."`
		Delete  monitorDelete  `cmd:"" help:"Delete a monitor with its results."`
		Run     monitorRun     `cmd:"" help:"Run the check of a monitor now."`
		Pause   monitorPause   `cmd:"" help:"Stop the checks of a monitor."`
		Resume  monitorResume  `cmd:"" help:"Run the checks of a paused monitor again."`
		Results monitorResults `cmd:"" help:"List the results of a monitor, the newest first."`
		Uptime  monitorUptime  `cmd:"" help:"Show the uptime and the latency of a monitor, by day or hour."`
		Import  monitorImport  `cmd:"" help:"Create or set the monitors of a YAML file."`
		Export  monitorExport  `cmd:"" help:"Write monitors as YAML."`
	} `cmd:"" help:"Monitors: checks of services and endpoints that run at intervals."`

	Heartbeat struct {
		Send  heartbeatSend  `cmd:"" help:"Say that a job succeeded."`
		Start heartbeatStart `cmd:"" help:"Say that a job began."`
		Fail  heartbeatFail  `cmd:"" help:"Say that a job failed."`
		List  heartbeatList  `cmd:"" help:"List the pings of a heartbeat, the newest first."`
	} `cmd:"" help:"Heartbeats: pings of jobs, whose absence is notified of."`

	Maintenance struct {
		Create maintenanceCreate `cmd:"" help:"Create a maintenance window."`
		List   maintenanceList   `cmd:"" help:"List maintenance windows."`
		End    maintenanceEnd    `cmd:"" help:"End a maintenance window now."`
	} `cmd:"" help:"Maintenance windows: times in which failures of monitors notify nobody."`

	Key struct {
		Create keyCreate `cmd:"" help:"Create an API key and show it, once."`
		List   keyList   `cmd:"" help:"List API keys, without their secrets."`
		Revoke keyRevoke `cmd:"" help:"Revoke an API key."`

		Make   sealKeyMake   `cmd:"" hidden:""` // older names of the commands of seal-key
		Rotate sealKeyRotate `cmd:"" hidden:""`
		Prune  sealKeyPrune  `cmd:"" hidden:""`
	} `cmd:"" aliases:"keys" help:"API keys, by which callers authenticate."`

	Access struct {
		Audit accessAudit `cmd:"" help:"List the audit log, latest first."`
	} `cmd:"" help:"Who did what."`

	Ban struct {
		List banList `cmd:"" help:"List banned addresses, latest first."`
		Lift banLift `cmd:"" help:"End the ban of an address."`
	} `cmd:"" help:"Addresses whose requests are refused."`

	Instance struct {
		List instanceList `cmd:"" help:"List the instances of all services, and their states."`
	} `cmd:"" help:"Processes of the deployment, as the registry knows them."`

	SealKey struct {
		Make   sealKeyMake   `cmd:"" help:"Create a seal key file."`
		Rotate sealKeyRotate `cmd:"" help:"Add a seal key and make it the primary."`
		List   sealKeyList   `cmd:"" help:"List the keys of a seal key file, without their secrets."`
		Prune  sealKeyPrune  `cmd:"" help:"Drop seal keys that nothing needs."`
	} `cmd:"" help:"The seal keys, which encrypt credentials."`

	Export exportCmd `cmd:"" help:"Write users, addresses and groups as YAML or CSV."`
	Import importCmd `cmd:"" help:"Apply a YAML or CSV file to the directory."`

	Health  healthCmd  `cmd:"" help:"Check the readiness of a running bongsu serve."`
	Version versionCmd `cmd:"" help:"Show the version."`
}

// A console holds the streams, the clock and the time zone of a command.
type console struct {
	In       io.Reader
	Out, Err io.Writer
	Now      func() time.Time
	Zone     *time.Location // for output of times
	Version  string         // of the release; empty for other builds
	Unknown  []string       // environment variables with the prefix BONGSU_ that set no flag

	// service is set by a command that runs for long, and is run in place of its Run method once
	// the parser is garbage: the model of all commands takes 2 MB.
	service func() error
}

// Main runs the command line of the process and returns the exit code. version is empty
// unless the build is that of a release; now returns the time.
func Main(version string, now func() time.Time) int {
	ctx, stop := signal.NotifyContext(context.Background(), shutdownSignals(signal.Ignored)...)
	context.AfterFunc(ctx, stop) // a second signal kills the process
	return run(ctx, os.Args[1:], &console{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Now: now, Zone: time.Local, Version: version})
}

// shutdownSignals returns the signals that shut the process down gracefully. An ignored SIGHUP
// stays ignored, as nohup requires.
func shutdownSignals(ignored func(os.Signal) bool) []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, con *console) int {
	err := runCommand(ctx, args, con)
	if err == nil && con.service != nil {
		err = con.service()
	}
	return con.exit(err)
}

// runCommand parses the command line and runs its command. Kong injects ctx and *console into
// the Run method of the command.
func runCommand(ctx context.Context, args []string, con *console) error {
	helped := false
	parser := kong.Must(&commands{},
		kong.Name(programName),
		kong.Description(description),
		kong.DefaultEnvars("BONGSU"),
		aliasVariables(),
		kong.Writers(con.Out, con.Err),
		kong.Exit(func(int) { helped = true }), // kong calls it only for --help, and continues
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ValueFormatter(helpOf),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(con),
	)
	if err := checkLine(args, os.Environ()); err != nil {
		return err
	}
	parsed, err := parser.Parse(flagsFirst(parser.Model.Node, args))
	if helped {
		return nil
	}
	if name := repeated(parser.Model.Node, args); err == nil && name != "" {
		err = usagef("duplicate flag %s", name)
	}
	con.Unknown = unknownVariables(parser.Model, os.Environ())
	if err == nil {
		err = parsed.Run()
	}
	return err
}

// exit prints err, if any, and returns the exit code.
func (con *console) exit(err error) int {
	if err == nil {
		return exitOK
	}
	con.warn("%s", strings.ReplaceAll(err.Error(), "\n", "; ")) // joined errors on one line
	if unparsed, ok := errors.AsType[*kong.ParseError](err); ok {
		path := programName
		if selected := unparsed.Context.Selected(); selected != nil {
			path = selected.FullPath()
		}
		_, _ = fmt.Fprintf(con.Err, "see %s --help\n", path)
		return exitUsage
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// warn prints a line on stderr.
func (con *console) warn(format string, args ...any) {
	_, _ = fmt.Fprintln(con.Err, "bongsu: "+escapeTerminal(fmt.Sprintf(format, args...)))
}

// A usageError is an error of the command line; it exits with exitUsage.
type usageError string

// Error returns the text for the user.
func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error {
	return usageError(fmt.Sprintf(format, args...))
}
