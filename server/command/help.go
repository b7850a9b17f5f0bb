package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is where lines of help are broken.
const helpWidth = 110

// usage writes how a command is used, below what it is for.
func usage(c *cobra.Command) error {
	var b strings.Builder
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "Usage: %s COMMAND\n", c.CommandPath())
	} else {
		fmt.Fprintf(&b, "Usage: %s\n", c.UseLine())
	}
	for _, g := range c.Groups() {
		list(&b, c, g.ID, g.Title)
	}
	rest := "Commands:"
	if len(c.Groups()) > 0 {
		rest = "Others:"
	}
	list(&b, c, "", rest)
	if c.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", indented(c.Example))
	}
	own, shared := pflag.NewFlagSet("own", pflag.ContinueOnError), pflag.NewFlagSet("shared", pflag.ContinueOnError)
	own.SortFlags = c.Flags().SortFlags
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Annotations[sharedFlag] != nil {
			shared.AddFlag(f)
		} else {
			own.AddFlag(f)
		}
	})
	fmt.Fprintf(&b, "\nFlags:\n%s", own.FlagUsagesWrapped(helpWidth))
	if shared.HasFlags() {
		fmt.Fprintf(&b, "\nWhich server:\n%s", shared.FlagUsagesWrapped(helpWidth))
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nMore of a command: %s COMMAND --help\n", c.CommandPath())
	}
	_, err := fmt.Fprint(c.OutOrStderr(), b.String())
	return err
}

// sharedFlag marks flags that many commands have, for a heading of their own.
const sharedFlag = "shared"

func share(f *pflag.Flag) {
	f.Annotations = map[string][]string{sharedFlag: {}}
}

// list writes the commands of a group.
func list(b *strings.Builder, c *cobra.Command, group, title string) {
	head := "\n" + title + "\n"
	for _, sub := range c.Commands() {
		if sub.GroupID == group && sub.IsAvailableCommand() {
			fmt.Fprintf(b, "%s  %-*s  %s\n", head, c.NamePadding(), sub.Name(), sub.Short)
			head = ""
		}
	}
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}
