package command

import (
	"context"
	"fmt"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"watchkeeper/api/client"
	"watchkeeper/api/manifest"
)

func (r *run) exportCommand() *cobra.Command {
	schema := false
	c := &cobra.Command{
		Use: "export [FILE]", Short: "Write services, channels, routes and maintenance as a file", Args: arguments("[FILE]"),
		Long: `Write what the server watches and whom it tells as YAML, to a file or, without one or for -, to the standard output.
watchkeeper apply makes a server so.

Secrets are left out: a variable stands in their place, and the file begins with a list of them. Channels, routes,
maintenance and probes from the configuration file of the server are not in it either. With --json it is JSON, which
apply reads as well.`,
		Example: "watchkeeper export watch.yaml\nwatchkeeper export --schema >manifest.schema.json",
	}
	m := r.remoteFlags(c)
	c.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of such files instead, for editors")
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		if schema {
			_, err := r.Out.Write(manifest.Schema)
			return err
		}
		return m.ask(c, func(ctx context.Context, server *client.Client) error {
			has, err := everything(ctx, server)
			if err != nil {
				return err
			}
			exported, omitted := manifest.Of(has)
			if m.asJSON {
				return r.encode(exported)
			}
			text := manifest.Render(exported, exportHead(omitted)...)
			if len(args) == 0 || args[0] == "-" {
				_, err := r.Out.Write(text)
				return err
			}
			if err := os.WriteFile(args[0], text, 0o644); err != nil {
				return err
			}
			r.say("%s has %d channels, %d services, %d routes and %d times of maintenance.", args[0],
				len(exported.Channels), len(exported.Services), len(exported.Routes), len(exported.Maintenance))
			if len(omitted) > 0 {
				r.say("Secrets are left out; its first lines say which.")
			}
			return nil
		})
	})
	return c
}

// exportHead gives the comment at the top of an export.
func exportHead(omitted []manifest.Omitted) []string {
	head := []string{
		"From watchkeeper export. Make a server so with: watchkeeper apply FILE",
		"What the configuration file of the server has is not in here.",
	}
	if len(omitted) == 0 {
		return head
	}
	head = append(head, "", "Secrets are left out. Those that a server has it keeps; for one that lacks them set these variables:")
	for _, o := range omitted {
		head = append(head, fmt.Sprintf("  %s: %s of the %s %s", o.Variable, o.Path, o.Kind, o.Name))
	}
	return head
}

// everything asks for all that a manifest can hold.
func everything(ctx context.Context, server *client.Client) (has manifest.Server, err error) {
	if has.Channels, err = all(server.Channels().All(ctx)); err != nil {
		return has, err
	}
	if has.Services, err = all(server.Services(client.ServiceFilter{}).All(ctx)); err != nil {
		return has, err
	}
	if has.Routes, err = all(server.Routes().All(ctx)); err != nil {
		return has, err
	}
	has.Maintenance, err = all(server.Maintenances().All(ctx))
	return has, err
}

func all[T any](list iter.Seq2[T, error]) (items []T, err error) {
	for item, err := range list {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}
