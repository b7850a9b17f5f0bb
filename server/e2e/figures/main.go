// Command figures measures the figures that docs/sizing.md speaks of, on each engine, each beside a baseline that runs
// in the same minutes. `make bench` runs it.
//
// The server, the bare handler it is compared with and the clients are processes of their own: this program started
// again under another role, so that none of them collects the garbage of another. Everything stays on the loopback
// interface and ends by itself. Nothing that ships may import this package, and what only tells right from wrong belongs
// in a test instead: here is only what has a number.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

// roles are what this program can be beside the one that measures.
var roles = map[string]func(context.Context, *conversation) error{
	roleServer:   serve,
	roleBaseline: serveBaseline,
	roleLoad:     sendLoad,
}

func run(ctx context.Context, args []string) error {
	if len(args) == 1 && roles[args[0]] != nil {
		return roles[args[0]](ctx, newConversation(os.Stdin, os.Stdout))
	}
	o, err := readOptions(args)
	if err != nil {
		return err
	}
	return measureAll(ctx, o)
}

// options is what a person may choose.
type options struct {
	cache    string        // folder of data sets and of the history of results
	engines  []string      // to measure on
	figures  []string      // numbers of figures to measure
	stored   int           // events that figure 7 searches
	lasting  time.Duration // of the batches of figure 6
	profiles string        // folder for CPU profiles of the server, "" for none
}

func readOptions(args []string) (options, error) {
	var o options
	var engines, figures string
	flags := flag.NewFlagSet("figures", flag.ContinueOnError)
	flags.StringVar(&o.cache, "cache", "", "folder that keeps data sets and results between runs (required)")
	flags.StringVar(&engines, "engines", "sqlite,postgres", "databases to measure on")
	flags.StringVar(&figures, "figures", "1,2,3,4,5,6,7", "figures to measure")
	flags.IntVar(&o.stored, "events", 10_000_000, "how many events figure 7 searches")
	flags.DurationVar(&o.lasting, "lasting", time.Minute, "how long figure 6 sends batches")
	flags.StringVar(&o.profiles, "profiles", "", "folder for CPU profiles of the server under the load of figure 1")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.engines, o.figures = strings.Split(engines, ","), strings.Split(figures, ",")
	for _, e := range o.engines {
		if e != engineSQLite && e != enginePostgres {
			return o, fmt.Errorf("unknown engine %q", e)
		}
	}
	if o.cache == "" {
		return o, fmt.Errorf("the flag -cache must name a folder")
	}
	return o, nil
}

func (o options) wants(figure string) bool { return slices.Contains(o.figures, figure) }
