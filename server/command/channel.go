package command

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) channelCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "channel", Short: "List, add, test and delete channels",
		Long: "List, add, test and delete channels: where alerts go, under a name.",
	}, r.channelListCommand(), r.channelAddCommand(), r.channelTestCommand(), r.channelDeleteCommand())
}

func (r *run) channelListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List channels, their secrets masked", Args: arguments()}
	m := r.remoteFlags(c)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		return listing[api.Channel]{list: (*client.Client).Channels, print: printChannels}.put(m, c)
	})
	return c
}

func printChannels(p *page, list []api.Channel) {
	t := p.table("NAME", "KIND", "FROM", "SETTINGS")
	for i := range list {
		ch := &list[i]
		t.row(ch.Name, string(ch.Kind), ch.Source, settingsOf(ch))
	}
	t.end("There are none. The kinds mail, pushover, webhook and shoutrrr can be used without.")
}

func settingsOf(ch *api.Channel) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(ch.Settings)) {
		all = append(all, name+"="+ch.Settings[name])
	}
	return strings.Join(all, " ")
}

func (r *run) channelAddCommand() *cobra.Command {
	var in api.ChannelInput
	var settings, files []string
	kind, replace := "", false
	c := &cobra.Command{
		Use: "add NAME --kind KIND [--set NAME=VALUE]...", Short: "Add a channel", Args: arguments("NAME"),
		Long: `Add a channel. What settings a kind knows is said when one is wrong. A secret is better read from a file, or from the
standard input: what stands on a command line can be seen by others on the machine.`,
		Example: `watchkeeper channel add ops --kind webhook --set url=https://hooks.example.org/x --set-file secret=/run/secrets/hook
watchkeeper channel add chat --kind shoutrrr --set-file url=- < url.txt`,
	}
	m := r.remoteFlags(c)
	f := c.Flags()
	f.StringVar(&kind, "kind", "", "mail, pushover, webhook or shoutrrr")
	f.StringArrayVar(&settings, "set", nil, "a setting, as `name=value`")
	f.StringArrayVar(&files, "set-file", nil, "a setting whose value is in a file, as `name=file`; - means the standard input")
	f.BoolVar(&replace, "replace", false, "replace the channel that has this name")
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		in.Name, in.Kind, in.Settings = args[0], api.ChannelKind(kind), map[string]string{}
		if err := r.readSettings(in.Settings, settings, files); err != nil {
			return err
		}
		if err := in.Validate(); err != nil {
			return err
		}
		return question[api.Channel]{ask: func(ctx context.Context, server *client.Client) (api.Channel, error) {
			if replace {
				return server.PutChannel(ctx, in)
			}
			return server.CreateChannel(ctx, in)
		}, print: func(p *page, ch api.Channel) {
			p.line("%s is there; try it with: watchkeeper channel test %s", ch.Name, ch.Name)
		}}.put(m, c)
	})
	return c
}

func (r *run) readSettings(into map[string]string, settings, files []string) error {
	for _, s := range settings {
		name, value, found := strings.Cut(s, "=")
		if !found {
			return wrongUsage("--set %s: must be name=value", s)
		}
		into[name] = value
	}
	for _, s := range files {
		name, path, found := strings.Cut(s, "=")
		if !found {
			return wrongUsage("--set-file %s: must be name=file", s)
		}
		if path == "-" {
			value, err := r.secret(name)
			if err != nil {
				return err
			}
			into[name] = value
			continue
		}
		value, err := readSmall(path)
		if err != nil {
			return wrongUsage("--set-file %s: %w", name, err)
		}
		into[name] = value
	}
	return nil
}

// readSmall gives the content of a file without the line break at its end.
func readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > maxInput:
		return "", fmt.Errorf("%s is too large", path)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (r *run) channelTestCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "test NAME [ADDRESS]", Short: "Send a test message and print what the other side said", Args: arguments("NAME", "[ADDRESS]"),
		Long: `Send a test message through a channel now, and print what the other side said. Exits 1 when it did not take the message.

A kind may stand in place of a channel, and needs an address: as a second argument, or after a colon.`,
		Example: "watchkeeper channel test ops\nwatchkeeper channel test mail:me@example.org",
	}
	m := r.remoteFlags(c)
	m.completes(c, channelNames())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		target := api.ParseTarget(args[0])
		if len(args) == 2 {
			target.Address = args[1]
		}
		ok := false
		err := question[api.ChannelTest]{
			ask: func(ctx context.Context, server *client.Client) (api.ChannelTest, error) {
				answer, err := server.TestChannel(ctx, target.Channel, target.Address)
				ok = answer.OK
				return answer, err
			},
			print: func(p *page, answer api.ChannelTest) {
				verdict := "taken"
				if !answer.OK {
					verdict = "not taken"
				}
				p.line("%s after %s: %s", verdict, answer.Took, answer.Answer)
			},
		}.put(m, c)
		if err == nil && !ok {
			return errAmiss
		}
		return err
	})
	return c
}

func (r *run) channelDeleteCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "delete NAME", Short: "Delete a channel", Args: arguments("NAME"),
		Long: "Delete a channel. Who was told through it is told by the default route from then on.",
	}
	m := r.remoteFlags(c)
	m.completes(c, channelNames())
	sure := consentFlag(c.Flags())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return m.ask(c, func(ctx context.Context, server *client.Client) error {
			ch, err := server.Channel(ctx, args[0])
			if err != nil {
				return err
			}
			if err := r.confirm(fmt.Sprintf("Delete the channel %s (%s)?", ch.Name, ch.Kind), sure); err != nil {
				return err
			}
			if err := server.DeleteChannel(ctx, ch.Name); err != nil {
				return err
			}
			return m.print(func(p *page) { p.line("deleted %s", ch.Name) })
		})
	})
	return c
}
