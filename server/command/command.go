// Package command is the command line of the server program, one file for each noun.
//
// A command reads its flags, lets others do the work and prints what came of it: a server that runs is asked over its
// REST interface, what needs the database itself is done by package app. No rule of services, alerts or credentials
// belongs here.
package command

import (
	"context"
	"io"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"watchkeeper/api"
)

// Process is what the system gives to a run of the program.
type Process struct {
	Args    []string // without the name of the program
	Environ []string // as os.Environ gives it
	In      io.Reader
	Out     io.Writer // what was asked for
	Err     io.Writer // everything else: logs, questions, errors
	Zone    *time.Location
	User    string // of the system, for the audit
	Version string
}

// ThisProcess gives what the system gave to this process. The version is that of the program.
func ThisProcess(version string) Process {
	return Process{
		Args: os.Args[1:], Environ: os.Environ(), In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Zone: time.Local,
		User: systemUser(), Version: version,
	}
}

// systemUser gives the name of the user who runs this process, or the number where the system knows no name.
func systemUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// Main runs the command that the arguments name, and gives the exit code: 0 done, 1 something is down or not as asked, 2
// wrong usage, 3 a server or database could not be reached or refused.
func Main(p Process) int {
	r := &run{Process: p, now: time.Now}
	root := r.root()
	root.SetArgs(p.Args)
	cmd, err := root.ExecuteContextC(context.Background())
	if err != nil && !r.begun {
		err = usageError{err}
	}
	r.complain(cmd, err)
	return int(codeOf(err))
}

// run is one run of the program.
type run struct {
	Process
	now   func() time.Time
	begun bool // the command line was understood, so that errors are no longer those of usage
}

// action is what a command does once its command line was understood.
type action func(cmd *cobra.Command, args []string) error

func (r *run) begin(do action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		r.begun = true
		cmd.SetContext(api.WithActor(cmd.Context(), api.Actor{Kind: api.ActorCommand, Name: r.User, Ref: cmd.CommandPath()}))
		return do(cmd, args)
	}
}

// The headings of the list of commands.
const (
	groupServer = "server"
	groupRemote = "remote"
)

func (r *run) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "watchkeeper",
		Short: "Watchkeeper hears from jobs and services, notices when one goes silent, and tells you",
		Long: `Watchkeeper hears from jobs and services, notices when one goes silent, and tells you.

Start with: watchkeeper serve

Exit codes: 0 done, 1 something is down or not as asked, 2 wrong usage, 3 a server or database could not be reached or
refused.`,
		Version:       r.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(r.In)
	root.SetOut(r.Out)
	root.SetErr(r.Err)
	root.SetUsageFunc(usage)
	root.SetVersionTemplate(r.versionLine())
	root.AddGroup(
		&cobra.Group{ID: groupServer, Title: "On the machine of the server:"},
		&cobra.Group{ID: groupRemote, Title: "To a server that runs, here or elsewhere:"},
	)
	root.AddCommand(grouped(groupServer,
		r.serveCommand(), r.migrateCommand(), r.backupCommand(), r.restoreCommand(), r.copyCommand(), r.importCommand(),
		r.passwordCommand(), r.tokenCommand(), r.pingKeyCommand(), r.secretCommand(), r.auditCommand(), r.verifyCommand(), r.healthcheckCommand(),
	)...)
	root.AddCommand(grouped(groupRemote,
		r.statusCommand(), r.serviceCommand(), r.eventCommand(), r.incidentCommand(), r.deliveryCommand(), r.silenceCommand(),
		r.maintenanceCommand(), r.routeCommand(), r.channelCommand(), r.exportCommand(), r.applyCommand(),
	)...)
	root.AddCommand(r.versionCommand())
	asGroup(root)
	return root
}

func grouped(id string, commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		c.GroupID = id
	}
	return commands
}

// noun makes a command that only gathers others.
func noun(c *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	c.AddCommand(commands...)
	asGroup(c)
	return c
}

// asGroup lets a command that only gathers others refuse what is none of them; cobra would show its help and succeed.
func asGroup(c *cobra.Command) {
	c.Args = cobra.ArbitraryArgs
	c.SuggestionsMinimumDistance = 2
	c.FParseErrWhitelist.UnknownFlags = true // they belong to the command that does not exist
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{errNoCommand}
		}
		return usageError{unknownCommand(c, args[0])}
	}
}
